"""Cohere's API, version 2: https://docs.cohere.com/reference/about."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire.cohere.decode import decode
from server.wire.cohere.embeddings import CohereEmbeddingsCodec
from server.wire.cohere.encode import encode
from server.wire.cohere.failures import read_error
from server.wire.cohere.stream import CohereStreamDecoder
from server.wire.cohere.transcription import CohereTranscriptionCodec
from server.wire.http import HttpRequest, HttpResponse

__all__ = ["CohereChatCodec", "CohereEmbeddingsCodec", "CohereTranscriptionCodec"]


class CohereChatCodec:
    """The ChatCodec of /v2/chat."""

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return read_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> CohereStreamDecoder:
        """See ChatCodec.decoder."""
        return CohereStreamDecoder(request)

    def reads_url(self, kind: str, _media: Media, _model: str) -> bool:
        """See ReadsUrls.reads_url: documents travel as text, so that the hub must see them."""
        return kind == "image"
