"""Which inputs go together in one request of a host."""

import sys

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest

from server.errors import UnsupportedByProvider
from server.wire import estimate
from server.wire.openai_embeddings.dialect import EmbeddingsDialect

_FEWEST_BYTES_PER_TOKEN = 2  # of dense text; a part that is smaller than need be costs a request, a larger one fails
_KINDS = {"text": "text", "tokens": "token ids", "image": "images"}


def cut(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest) -> list[list[int]]:
    """Places of the inputs of each request, in order; the format keeps texts, token ids and images apart.

    Raises UnsupportedByProvider naming the first input of a kind that the host does not take.
    """
    if _fits(dialect, request):
        return [list(range(len(request.inputs)))]
    pieces: dict[str, _Pieces] = {}
    for place, one in enumerate(request.inputs):
        text = one.text
        kind = "text" if text else one.WhichOneof("input") or "text"
        into = pieces.get(kind)
        if into is None:
            if kind not in dialect.inputs:
                known = ", ".join(_KINDS[name] for name in _KINDS if name in dialect.inputs)
                raise UnsupportedByProvider.of(f"inputs[{place}].{kind}", f"{dialect.name} embeds {known} alone")
            into = pieces[kind] = _Pieces(dialect)
        size = estimate.text_size(text) // _FEWEST_BYTES_PER_TOKEN if text else len(one.tokens.ids)
        size = dialect.image_tokens if kind == "image" else size
        into.add(place, size)
    return [piece for of_kind in pieces.values() for piece in of_kind.done]


def _fits(dialect: EmbeddingsDialect, request: CreateEmbeddingsRequest) -> bool:
    """Whether it is texts alone and plainly one request, as nearly every batch is."""
    most = dialect.max_tokens or sys.maxsize
    if len(request.inputs) > dialect.max_inputs or request.ByteSize() // _FEWEST_BYTES_PER_TOKEN > most:
        return False
    return "text" in dialect.inputs and all(one.text for one in request.inputs)


class _Pieces:
    """The inputs of one kind, cut where the host's bounds want it."""

    __slots__ = ("_held", "_most_inputs", "_most_tokens", "done")

    def __init__(self, dialect: EmbeddingsDialect) -> None:
        self._most_inputs = dialect.max_inputs
        self._most_tokens = dialect.max_tokens or sys.maxsize
        self._held = 0
        self.done: list[list[int]] = [[]]

    def add(self, place: int, size: int) -> None:
        """``size`` is the most tokens that the input can have."""
        last = self.done[-1]
        if last and (len(last) == self._most_inputs or self._held + size > self._most_tokens):
            self.done.append([place])
            self._held = size
            return
        last.append(place)
        self._held += size
