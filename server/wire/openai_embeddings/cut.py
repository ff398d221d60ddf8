"""Which inputs go together in one request of a host."""

from collections.abc import Iterator

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, EmbeddingInput

from server.errors import UnsupportedByProvider
from server.wire import estimate
from server.wire.openai_embeddings.dialect import EmbeddingsDialect

_FEWEST_BYTES_PER_TOKEN = 2  # of dense text; a part that is smaller than need be costs a request, a larger one fails
_KINDS = {"text": "text", "tokens": "token ids", "image": "images"}


def cut(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest) -> list[list[int]]:
    """Places of the inputs of each request, in order; the format keeps texts, token ids and images apart.

    Raises UnsupportedByProvider naming the first input of a kind that the host does not take.
    """
    places: dict[str, list[int]] = {}
    for place, one in enumerate(request.inputs):
        kind = one.WhichOneof("input") or "text"
        if kind not in dialect.inputs:
            known = ", ".join(_KINDS[name] for name in _KINDS if name in dialect.inputs)
            raise UnsupportedByProvider.of(f"inputs[{place}].{kind}", f"{dialect.name} embeds {known} alone")
        places.setdefault(kind, []).append(place)
    return [part for of_kind in places.values() for part in _pieces(dialect, request, of_kind)]


def _pieces(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest, places: list[int]) -> Iterator[list[int]]:
    if not dialect.max_tokens:
        for begin in range(0, len(places), dialect.max_inputs):
            yield places[begin : begin + dialect.max_inputs]
        return
    piece: list[int] = []
    held = 0
    for place in places:
        size = _most_tokens(request.inputs[place])
        if piece and (len(piece) == dialect.max_inputs or held + size > dialect.max_tokens):
            yield piece
            piece, held = [], 0
        piece.append(place)
        held += size
    yield piece


def _most_tokens(one: EmbeddingInput) -> int:
    return len(one.tokens.ids) or estimate.text_size(one.text) // _FEWEST_BYTES_PER_TOKEN
