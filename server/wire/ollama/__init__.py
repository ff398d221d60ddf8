"""Ollama's own API: https://docs.ollama.com/api."""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire.http import HttpRequest, HttpResponse
from server.wire.ollama.decode import decode
from server.wire.ollama.embeddings import OllamaEmbeddingsCodec
from server.wire.ollama.encode import encode
from server.wire.ollama.errors import read_error
from server.wire.ollama.stream import OllamaStreamDecoder

__all__ = ["OllamaChatCodec", "OllamaEmbeddingsCodec"]


@dataclass(frozen=True, slots=True)
class OllamaChatCodec:
    """The ChatCodec of ``/api/chat``."""

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return read_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> OllamaStreamDecoder:
        """See ChatCodec.decoder."""
        return OllamaStreamDecoder(request)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: it takes base64 alone."""
        return False
