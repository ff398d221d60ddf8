// Asks the hub for a streamed answer, then for one that fails, and prints both.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	hub "example.com/hub/gen/aignehub/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: go run . ADDRESS KEY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address, key string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	chat := hub.NewChatServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+key)
	if err := printStream(ctx, chat); err != nil {
		return err
	}
	_, err = chat.CreateChatCompletion(ctx, question("sandbox/fail-429"))
	printFailure(err)
	return nil
}

func question(model string) *hub.CreateChatCompletionRequest {
	text := &hub.ContentPart{Part: &hub.ContentPart_Text{Text: "A short story, please"}}
	limit := int32(20)
	return &hub.CreateChatCompletionRequest{
		Model:               model,
		Messages:            []*hub.Message{{Role: hub.Role_ROLE_USER, Content: []*hub.ContentPart{text}}},
		MaxCompletionTokens: &limit,
	}
}

func printStream(ctx context.Context, chat hub.ChatServiceClient) error {
	stream, err := chat.StreamChatCompletion(ctx, question("sandbox/story"))
	if err != nil {
		return err
	}
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, delta := range chunk.Choices {
			fmt.Print(delta.Content)
		}
		if usage := chunk.GetUsage(); usage != nil {
			fmt.Printf("\n%d tokens\n", usage.TotalTokens)
		}
	}
}

// printFailure reads what every failed call of the hub carries: a code, a stable reason, and when to try again.
func printFailure(err error) {
	failure := status.Convert(err)
	fmt.Println(failure.Code(), failure.Message())
	for _, detail := range failure.Details() {
		switch one := detail.(type) {
		case *errdetails.ErrorInfo:
			fmt.Println("reason", one.Reason)
		case *errdetails.RetryInfo:
			fmt.Println("try again after", one.RetryDelay.AsDuration())
		}
	}
}
