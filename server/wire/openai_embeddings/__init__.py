"""OpenAI's embeddings, and everything that calls itself compatible with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse

from server.errors import HubError
from server.wire import provider_errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_embeddings.cut import cut
from server.wire.openai_embeddings.decode import decode
from server.wire.openai_embeddings.dialect import EmbeddingsDialect
from server.wire.openai_embeddings.encode import encode
from server.wire.openai_embeddings.names import NAMES

__all__ = ["EmbeddingsDialect", "OpenAIEmbeddingsCodec"]


@dataclass(frozen=True, slots=True)
class OpenAIEmbeddingsCodec:
    """The EmbeddingsCodec of one host."""

    dialect: EmbeddingsDialect

    def parts(self, request: CreateEmbeddingsRequest) -> list[list[int]]:
        """See EmbeddingsCodec.parts."""
        return cut(self.dialect, request)

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        return encode(self.dialect, request, model, part)

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        return decode(self.dialect, response, request, part)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return provider_errors.read_error(response, NAMES)
