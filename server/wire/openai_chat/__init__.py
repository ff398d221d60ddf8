"""OpenAI's chat completions, and everything that calls itself compatible with them."""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire import provider_errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_chat.decode import decode
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.encode import encode
from server.wire.openai_chat.names import NAMES
from server.wire.openai_chat.stream import OpenAIChatStreamDecoder

__all__ = ["Dialect", "OpenAIChatCodec"]


@dataclass(frozen=True, slots=True)
class OpenAIChatCodec:
    """The ChatCodec of one host."""

    dialect: Dialect

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(self.dialect, request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(self.dialect, response, request)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return self.dialect.reads_url(kind)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return provider_errors.read_error(response, NAMES)

    def decoder(self, request: CreateChatCompletionRequest) -> OpenAIChatStreamDecoder:
        """See ChatCodec.decoder."""
        return OpenAIChatStreamDecoder(self.dialect, request)
