"""Anthropic's Messages API, wherever Claude is served: see Dialect for what makes a host of it."""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire import provider_errors
from server.wire.anthropic.count import AnthropicCountCodec
from server.wire.anthropic.decode import decode
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.encode import encode
from server.wire.anthropic.parts import reads_url
from server.wire.anthropic.stream import AnthropicStreamDecoder
from server.wire.http import HttpRequest, HttpResponse

__all__ = ["AnthropicCodec", "AnthropicCountCodec", "Dialect"]


@dataclass(frozen=True, slots=True)
class AnthropicCodec:
    """The ChatCodec of one host."""

    dialect: Dialect

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(self.dialect, request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(self.dialect, response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return provider_errors.read_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> AnthropicStreamDecoder:
        """See ChatCodec.decoder."""
        return AnthropicStreamDecoder(self.dialect, request)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return reads_url(self.dialect, kind, media)
