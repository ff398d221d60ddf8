"""One block of a streamed answer, from its start to its stop."""

from collections.abc import Callable

import orjson
from typing_extensions import override

from server.wire import json_value as json
from server.wire.anthropic import blocks
from server.wire.anthropic.citations import Cited
from server.wire.chat.assembly import ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.json_value import Object


class Told:
    """What the blocks of one answer have in common."""

    __slots__ = ("answer_tool", "assembly", "calls", "cited", "provider", "salt")

    def __init__(self, provider: str, answer_tool: str, assembly: ChoiceAssembly, salt: Callable[[], str]) -> None:
        self.provider = provider
        self.answer_tool = answer_tool
        self.assembly = assembly
        self.salt = salt
        """Makes what made ids of calls rest on."""
        self.cited = Cited()
        self.calls = 0


class BlockStream:
    """Reads one block. ``start`` is its first event's object, ``text`` the same as it came."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        self._start = start
        self._text = text
        self._told = told

    def delta(self, delta: Object) -> None:
        """One more piece."""

    def stop(self) -> None:
        """The block is whole."""


class TextStream(BlockStream):
    """A text block and its citations."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        super().__init__(start, text, told)
        told.assembly.new_part()
        self._length = 0
        self._citations: list[Object] = json.objects(start.get("citations"))
        self.piece(json.text(start.get("text")))

    def piece(self, piece: str) -> None:
        if piece:
            self._length += len(piece)
            self._told.assembly.text(piece)

    @override
    def delta(self, delta: Object) -> None:
        if delta.get("type") == "citations_delta":
            self._citations += json.objects([delta.get("citation")])
        else:
            self.piece(json.text(delta.get("text")))

    @override
    def stop(self) -> None:
        if self._citations:
            told = self._told
            part_index = told.assembly.text_part if self._length else None
            told.assembly.citations(told.cited.read(self._citations, part_index, self._length))
            self._citations = []


class ThoughtStream(BlockStream):
    """Reasoning, shown or withheld. Its signature closes it, and comes last."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        super().__init__(start, text, told)
        told.assembly.new_part()
        self._redacted = start.get("type") == "redacted_thinking"
        self._signature = json.text(start.get("data" if self._redacted else "signature"))
        self._piece(json.text(start.get("thinking")))

    def _piece(self, piece: str) -> None:
        if piece:
            self._told.assembly.reasoning_detail(blocks.thought(piece, "", self._told.provider), new_block=False)

    @override
    def delta(self, delta: Object) -> None:
        self._piece(json.text(delta.get("thinking")))
        self._signature += json.text(delta.get("signature")) + json.text(delta.get("data"))

    @override
    def stop(self) -> None:
        if self._signature:
            part = blocks.thought("", self._signature, self._told.provider, redacted=self._redacted)
            self._told.assembly.reasoning_detail(part, new_block=False)
            self._signature = ""


class CallStream(BlockStream):
    """A call of one of the caller's tools."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        super().__init__(start, text, told)
        self._place = told.calls
        self._written = False
        told.calls += 1
        call_id = json.word(start.get("id")) or made_call_id(told.salt(), 0, self._place)
        self._append("", id=call_id, name=json.text(start.get("name")))

    @override
    def delta(self, delta: Object) -> None:
        if piece := json.text(delta.get("partial_json")):
            self._written = True
            self._append(piece)

    @override
    def stop(self) -> None:
        extras = blocks.call_extras(self._start)
        if extras or not self._written:
            self._append("" if self._written else _whole_input(self._start), signature=extras)

    def _append(self, piece: str, *, id: str = "", name: str = "", signature: bytes = b"") -> None:
        self._told.assembly.call(self._place, piece, id=id, name=name, custom=False, signature=signature)


class AnswerStream(TextStream):
    """The call that is the answer itself, see ``formats``: its input is the text."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        super().__init__({}, text, told)
        self._call = start

    @override
    def delta(self, delta: Object) -> None:
        self.piece(json.text(delta.get("partial_json")))

    @override
    def stop(self) -> None:
        if not self._length:
            self.piece(_whole_input(self._call))


class OtherStream(BlockStream):
    """A block of the provider's own, told once it is whole."""

    def __init__(self, start: Object, text: str, told: Told) -> None:
        super().__init__(start, text, told)
        self._input: list[str] = []
        self._changed = False

    @override
    def delta(self, delta: Object) -> None:
        self._changed = True
        if delta.get("type") == "input_json_delta":
            self._input.append(json.text(delta.get("partial_json")))
            return
        for name, value in delta.items():
            have = self._start.get(name)
            if name == "type" or value is None:
                continue
            # Text grows, anything else comes whole.
            self._start[name] = have + value if type(have) is str and type(value) is str else value

    @override
    def stop(self) -> None:
        block = self._start
        text = self._text
        if self._changed or not text:
            text = orjson.dumps(self._with_input()).decode()
        self._told.assembly.part(blocks.provider_part(block, text, self._told.provider))

    def _with_input(self) -> Object:
        written = "".join(self._input)
        if not written:
            return self._start
        try:
            orjson.loads(written)
        except ValueError:
            return {**self._start, "input": written}
        return {**self._start, "input": orjson.Fragment(written)}


def _whole_input(start: Object) -> str:
    """The input of a call that came without pieces."""
    told = start.get("input")
    return "{}" if told is None else orjson.dumps(told).decode()


_KINDS: dict[str, type[BlockStream]] = {
    "text": TextStream,
    "thinking": ThoughtStream,
    "redacted_thinking": ThoughtStream,
    "tool_use": CallStream,
}
# What a piece belongs to whose block's start was lost.
_BY_DELTA = {
    "text_delta": "text",
    "citations_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
}


def open_block(start: Object, text: str, told: Told) -> BlockStream:
    """What reads the block that begins with ``start``."""
    kind = json.text(start.get("type"))
    if kind == "tool_use" and told.answer_tool and start.get("name") == told.answer_tool:
        return AnswerStream(start, text, told)
    return _KINDS.get(kind, OtherStream)(start, text, told)


def kind_of_piece(delta: Object) -> str:
    """The type of the block that a piece belongs to, where the piece itself tells."""
    return _BY_DELTA.get(json.text(delta.get("type")), "")
