"""The one choice of a stream: what each event says of it, handed to its assembly."""

from collections.abc import Callable

from aignehub.v1.chat_pb2 import ReasoningPart

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.cohere.citations import Sources, content_index, read_citation
from server.wire.cohere.decode import arguments, content_part
from server.wire.cohere.logprobs import read_logprobs
from server.wire.cohere.words import FINISH_REASONS, PROVIDER, TOOL_PLAN
from server.wire.json_value import Object

_MAX_CALLS = 1024
"""More calls than this are taken for an attack on memory."""


class CohereChoice:
    """State of the choice."""

    __slots__ = ("_assembly", "_calls", "_last", "_places", "_reason", "_sources")

    def __init__(self, batch: Batch, sources: Sources) -> None:
        self._assembly = ChoiceAssembly(0, batch)
        self._sources = sources
        self._calls: dict[int, int] = {}
        self._places: dict[int, int] = {}
        self._last = ""
        self._reason = ""

    @property
    def ended(self) -> bool:
        """See StreamedChoice.ended."""
        return bool(self._reason)

    @property
    def size(self) -> int:
        """See StreamedChoice.size."""
        return self._assembly.size

    def content(self, index: int, block: Object) -> None:
        """The beginning of a block of the content, or a piece of it."""
        if (part := content_part(block)) is None:
            return
        kind = part.WhichOneof("part") or ""
        if kind == "text":
            self._assembly.text(part.text)
            if (place := self._assembly.text_part) is not None:
                self._places[index] = place
        elif kind == "reasoning":
            self._think(part.reasoning, f"thinking {index}")
        else:
            self._assembly.part(part)

    def plan(self, piece: str) -> None:
        """A piece of what the model means to do with its tools."""
        self._think(ReasoningPart(text=piece, provider=PROVIDER, format=TOOL_PLAN), TOOL_PLAN)

    def call(self, index: int, told: Object, salt: Callable[[], str]) -> None:
        """The beginning of a tool call, or a piece of its arguments."""
        function = json.obj(told.get("function"))
        place = self._calls.get(index)
        call_id = name = ""
        if place is None:
            place = self._calls[index] = len(self._calls)
            if place >= _MAX_CALLS:
                raise ProviderBadResponse("the provider sent more tool calls than the hub reads")
            call_id = json.word(told.get("id")) or made_call_id(salt(), 0, place)
            name = json.text(function.get("name"))
        self._assembly.call(place, arguments(function), id=call_id, name=name, custom=False, signature=b"")

    def logprobs(self, told: Object) -> None:
        """Chances of the piece at hand."""
        if (logprobs := read_logprobs([told])) is not None:
            self._assembly.logprobs(logprobs)

    def cite(self, told: Object) -> None:
        """A source of what was said."""
        block = content_index(told)
        place = self._assembly.text_part if block is None else self._places.get(block, self._assembly.text_part)
        self._assembly.citations(read_citation(told, self._sources, place))

    def finished(self, reason: str) -> None:
        """The provider's word for the end."""
        self._reason = reason

    def end(self) -> None:
        """See StreamedChoice.end."""
        reason = finish_reason(self._reason, calls=bool(self._calls), words=FINISH_REASONS)
        self._assembly.finish(reason, self._reason, "", "")

    def close(self) -> None:
        """See StreamedChoice.close."""
        self._assembly.close()

    def _think(self, piece: ReasoningPart, block: str) -> None:
        self._assembly.reasoning_detail(piece, new_block=bool(self._last) and self._last != block)
        self._last = block
