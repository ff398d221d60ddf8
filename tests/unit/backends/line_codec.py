"""A provider format as small as one can be: a line is a delta, ``END`` is the end, ``ERR`` is a failure."""

from aignehub.v1.chat_service_pb2 import (
    ChatChoiceDelta,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderCredentialInvalid, ProviderRateLimited, ProviderUnavailable
from server.wire.http import HttpRequest, HttpResponse, path_segment


class LineCodec:
    def __init__(self) -> None:
        self.encoded: list[CreateChatCompletionRequest] = []

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        self.encoded.append(request)
        body = "\n".join(part.text for message in request.messages for part in message.content).encode()
        path = f"/{path_segment(model)}/{'stream' if stream else 'whole'}"
        return HttpRequest(path, body, {"Content-Type": "text/plain"}, adjusted_fields=("top_k",))

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        if response.body.startswith(b"ERR"):
            raise ProviderUnavailable(response.body.decode())
        answer = CreateChatCompletionResponse(usage=Usage(output_tokens=len(response.body)))
        answer.choices.add().message.content.add(text=response.body.decode())
        return answer

    def decode_error(self, response: HttpResponse) -> HubError:
        text = f"{response.status}: {response.body.decode(errors='replace')[:200]}"
        if response.status == 401:
            return ProviderCredentialInvalid(text)
        if response.status == 429:
            return ProviderRateLimited(text, retry_after=float(response.headers["retry-after"]))
        return ProviderUnavailable(text)

    def decoder(self, request: CreateChatCompletionRequest) -> "LineDecoder":
        return LineDecoder()


class LineDecoder:
    def __init__(self) -> None:
        self._rest = b""
        self._lines = 0
        self.done = False

    def feed(self, data: bytes) -> StreamChatCompletionResponse | None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        text = ""
        for line in lines:
            if line == b"END":
                self.done = True
                break
            if line.startswith(b"ERR"):
                raise ProviderUnavailable(line.decode())
            text += line.decode()
            self._lines += 1
        if not text and not self.done:
            return None
        message = StreamChatCompletionResponse(choices=[ChatChoiceDelta(content=text)])
        if self.done:
            message.usage.CopyFrom(self.usage())
        return message

    def finish(self) -> StreamChatCompletionResponse:
        if self._rest != b"FIN":
            raise ProviderUnavailable("the stream was cut")
        return StreamChatCompletionResponse(usage=self.usage())

    def broken(self) -> StreamChatCompletionResponse:
        return StreamChatCompletionResponse(usage=self.usage())

    def usage(self) -> Usage:
        return Usage(output_tokens=self._lines, estimated=not self.done)
