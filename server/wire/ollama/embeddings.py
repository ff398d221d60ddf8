"""Embeddings of the format: https://docs.ollama.com/api/embed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.ollama.errors import read_error, with_remedy
from server.wire.ollama.names import NAME
from server.wire.openai_embeddings import vectors
from server.wire.openai_embeddings.cut import cut
from server.wire.openai_embeddings.decode import answer_of, estimated_usage
from server.wire.openai_embeddings.dialect import EmbeddingsDialect
from server.wire.openai_embeddings.encode import encode, format_of

_DIALECT = EmbeddingsDialect(
    # Lists of floats and nothing finer; it cuts what is too long unless told not to.
    name=NAME,
    path="/api/embed",
    dimensions=True,
    truncates=True,
    truncation_name="truncate",
)


@dataclass(frozen=True, slots=True)
class OllamaEmbeddingsCodec:
    """The EmbeddingsCodec of ``/api/embed``."""

    def parts(self, request: CreateEmbeddingsRequest) -> list[list[int]]:
        """See EmbeddingsCodec.parts."""
        return cut(_DIALECT, request)

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        return encode(_DIALECT, request, model, part)

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        answer = json.parse(response.body)
        if type(answer) is not dict:
            raise ProviderBadResponse("the provider's answer cannot be read")
        if (error := provider_errors.error_in(answer, response.headers)) is not None:
            raise with_remedy(error)
        form = format_of(_DIALECT, request)
        found = [vectors.packed(vector, form) for vector in _vectors(answer)]
        if len(found) != len(part):
            raise ProviderBadResponse(
                f"the provider was asked for {len(part)} embeddings and answered with {len(found)}"
            )
        told = answer_of(found, form, request, part)
        told.model = json.text(answer.get("model"))
        read = json.count(answer.get("prompt_eval_count"))
        usage = Usage(input_tokens=read, total_tokens=read) if read else estimated_usage(request, part)
        told.usage.CopyFrom(usage)
        return told

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return read_error(response)


def _vectors(answer: json.Object) -> list[list[float]]:
    """``embeddings``, or the one ``embedding`` of the older path, which proxies still answer with."""
    found: Any = answer.get("embeddings")
    if type(found) is not list:
        found = [answer.get("embedding")]
    if not all(type(vector) is list for vector in found):
        raise ProviderBadResponse("the provider answered with an embedding that is no vector")
    return list(found)
