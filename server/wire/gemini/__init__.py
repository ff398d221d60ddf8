"""Google's generateContent, as the Gemini API and Vertex AI speak it."""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire.gemini import errors
from server.wire.gemini.count import GeminiCountCodec
from server.wire.gemini.decode import decode
from server.wire.gemini.encode import encode
from server.wire.gemini.host import Host
from server.wire.gemini.media import reads_url
from server.wire.gemini.stream import GeminiStreamDecoder
from server.wire.http import HttpRequest, HttpResponse

__all__ = ["GeminiChatCodec", "GeminiCountCodec", "Host"]


@dataclass(frozen=True, slots=True)
class GeminiChatCodec:
    """The ChatCodec of one host."""

    host: Host

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(self.host, request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(self.host, response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return errors.read_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> GeminiStreamDecoder:
        """See ChatCodec.decoder."""
        return GeminiStreamDecoder(self.host, request)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return reads_url(self.host, kind, media, model)
