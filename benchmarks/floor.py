"""The bare stack, which no gateway of this kind can undercut by much: gRPC in, aiohttp's ClientSession out, gRPC back.

An interceptor that compares one key, a timeout from the caller's deadline, the fields that a caller reads, and nothing
else: no validation, routing, limits, prices, telemetry, no errors told apart. It stays as it is, so that ratios against
it can be compared over time; whoever changes it says so in CHANGELOG.md.

``python -m benchmarks.floor URL KEY`` prints its address and serves until it is ended.
"""

import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import grpc
import orjson
import uvloop
from aignehub.v1 import chat_pb2, chat_service_pb2, embedding_service_pb2
from aignehub.v1.chat_service_pb2_grpc import ChatServiceServicer, add_ChatServiceServicer_to_server
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceServicer, add_EmbeddingServiceServicer_to_server
from typing_extensions import override

_ROLES = {1: "system", 2: "developer", 3: "user", 4: "assistant", 5: "tool"}


class KeyCheck(grpc.aio.ServerInterceptor):
    """Lets one key through."""

    def __init__(self, key: str) -> None:
        self._expected = ("authorization", f"Bearer {key}")
        self._refusal: Any = grpc.stream_stream_rpc_method_handler(self._refuse)

    @override
    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        if self._expected in handler_call_details.invocation_metadata:
            return await continuation(handler_call_details)
        return self._refusal

    @staticmethod
    async def _refuse(_: Any, context: Any) -> None:
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no such key")


class Provider:
    """The provider, through one session."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    def post(self, path: str, body: dict[str, Any], context: Any) -> Any:
        headers = {"Authorization": "Bearer sk-bench", "Content-Type": "application/json"}
        timeout = aiohttp.ClientTimeout(total=context.time_remaining())
        return self._session.post(self._url + path, data=orjson.dumps(body), headers=headers, timeout=timeout)


class Chat(ChatServiceServicer):
    """Text in, text and tool calls out."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @override
    async def CreateChatCompletion(self, request: Any, context: Any) -> Any:
        async with self._provider.post("/chat/completions", _chat(request), context) as answer:
            found = orjson.loads(await answer.read())
        choice = found["choices"][0]
        part = chat_pb2.ContentPart(text=choice["message"]["content"])
        message = chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT, content=[part])
        return chat_service_pb2.CreateChatCompletionResponse(
            id=found["id"], model=found["model"], choices=[chat_service_pb2.ChatChoice(message=message)]
        )

    @override
    async def StreamChatCompletion(self, request: Any, context: Any) -> AsyncIterator[Any]:
        body = {**_chat(request), "stream": True, "stream_options": {"include_usage": True}}
        held = b""
        async with self._provider.post("/chat/completions", body, context) as answer:
            async for data in answer.content.iter_any():
                *events, held = (held + data).split(b"\n\n")
                for event in events:
                    if event != b"data: [DONE]":
                        yield _chunk(orjson.loads(event[6:]))


class Embeddings(EmbeddingServiceServicer):
    """Reads a batch from the provider and forgets it: what reading alone costs."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    @override
    async def CreateEmbeddings(self, request: Any, context: Any) -> Any:
        body = {"model": request.model, "input": [one.text for one in request.inputs], "encoding_format": "base64"}
        async with self._provider.post("/embeddings", body, context) as answer:
            await answer.read()
        return embedding_service_pb2.CreateEmbeddingsResponse()


def _chat(request: Any) -> dict[str, Any]:
    messages = [
        {"role": _ROLES[message.role], "content": "".join(part.text for part in message.content)}
        for message in request.messages
    ]
    return {"model": request.model, "messages": messages}


def _chunk(found: dict[str, Any]) -> Any:
    response = chat_service_pb2.StreamChatCompletionResponse()
    for choice in found["choices"]:
        delta = response.choices.add(content=choice["delta"].get("content") or "")
        for call in choice["delta"].get("tool_calls", ()):
            function = call["function"]
            delta.tool_calls.add(
                id=call.get("id", ""), name=function.get("name", ""), arguments_delta=function["arguments"]
            )
    return response


async def _serve(url: str, key: str) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        provider = Provider(session, url)
        server = grpc.aio.server(interceptors=[KeyCheck(key)], options=[("grpc.so_reuseport", 0)])
        add_ChatServiceServicer_to_server(Chat(provider), server)  # type: ignore[abstract] # the rest is refused
        add_EmbeddingServiceServicer_to_server(Embeddings(provider), server)  # type: ignore[abstract]
        print(f"listening on 127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", flush=True)
        await server.start()
        await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_serve(*sys.argv[1:]))
