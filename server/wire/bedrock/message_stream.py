"""The message of a stream: what each event says of one of its blocks, handed to the assembly."""

from collections.abc import Callable
from typing import Any

import orjson

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.bedrock import answer as told_beside
from server.wire.bedrock import blocks
from server.wire.bedrock.citations import read_citations, unread_citations
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.media import base64_text
from server.wire.json_value import Object

_MOST_BLOCKS = 1024
"""More blocks open at once, or more calls in all, are taken for an attack on memory."""

_NO_CALL = -1
_ANSWER = -2
"""In place of a call's number: the input is the answer itself."""


class _Block:
    """One block that has begun."""

    __slots__ = ("call", "citations", "input", "length", "whole")

    def __init__(self) -> None:
        self.call = _NO_CALL
        """Number of the call it is."""
        self.input: list[str] = []
        """Pieces of what a tool of the provider's own is given."""
        self.length = 0
        """Code points of its text."""
        self.citations: list[Object] = []
        self.whole: Object = {}
        """A block that is told at once, as far as it has come."""


class MessageStream:
    """State of the only choice of an answer."""

    __slots__ = (
        "_answer_tool",
        "_assembly",
        "_blocks",
        "_calls",
        "_current",
        "_reason",
        "_salt",
        "_stop",
        "_text_part",
        "_unread",
        "ended",
    )

    def __init__(self, batch: Batch, answer_tool: str, salt: Callable[[], str]) -> None:
        """``answer_tool`` is the tool whose input is the answer, ``salt`` what made ids of calls rest on."""
        self.ended = False
        self._assembly = ChoiceAssembly(0, batch)
        self._answer_tool = answer_tool
        self._salt = salt
        self._blocks: dict[int, _Block] = {}
        self._current: int | None = None
        self._calls = 0
        self._text_part: int | None = None
        self._unread: list[Object] = []
        self._reason = ""
        self._stop = ""

    @property
    def size(self) -> int:
        """See StreamedChoice.size."""
        return self._assembly.size

    def start(self, index: int | None, told: Object) -> None:
        """A block begins; those of text and reasoning do so with their first delta."""
        block = self._block(index)
        use = json.obj(told.get("toolUse"))
        if use and blocks.is_call(use):
            self._begin_call(block, use)
        else:
            json.merge(block.whole, told)

    def delta(self, index: int | None, told: Object) -> None:
        """A piece of a block."""
        block = self._block(index)
        for kind, value in told.items():
            match kind:
                case "text":
                    self._text(block, json.text(value))
                case "toolUse":
                    self._input(block, json.text(json.obj(value).get("input")))
                case "reasoningContent":
                    if (thought := blocks.reasoning(json.obj(value))) is not None:
                        self._assembly.reasoning_detail(thought, new_block=False)
                case "citation":
                    block.citations.append(json.obj(value))
                case "toolResult":
                    json.merge(block.whole, {kind: {"content": json.objects(value)}})
                case "image":
                    _add_image(block.whole, json.obj(value))
                case _:
                    json.merge(block.whole, {kind: value})

    def stop(self, index: int | None) -> None:
        """A block is whole."""
        block = self._blocks.pop(index or 0, None)
        if block is None:
            return
        if block.call >= 0 and not block.input:
            # A call without arguments: a whole answer says {} of it.
            self._assembly.call(block.call, "{}", id="", name="", custom=False, signature=b"")
        if block.citations:
            self._assembly.citations(read_citations(block.citations, self._text_part, block.length))
            self._unread += unread_citations(block.citations)
        if block.whole:
            if block.input:
                block.whole["toolUse"] = {**json.obj(block.whole.get("toolUse")), "input": _parsed(block.input)}
            if (part := blocks.whole_block(block.whole)) is not None:
                self._assembly.part(part)

    def finish(self, reason: str, stop_sequence: str) -> None:
        """The message is whole."""
        for index in list(self._blocks):
            self.stop(index)
        self.ended = True
        self._reason = reason
        self._stop = stop_sequence

    def end(self) -> None:
        """See StreamedChoice.end."""
        self._assembly.finish(
            told_beside.finish(self._reason, calls=self._calls > 0),
            self._reason,
            self._stop,
            json.to_text({"citations": self._unread} if self._unread else {}),
        )

    def close(self) -> None:
        """See StreamedChoice.close."""
        self._assembly.close()

    def _block(self, index: int | None) -> _Block:
        index = index or 0
        if index != self._current:
            self._current = index
            self._assembly.new_part()
        block = self._blocks.get(index)
        if block is None:
            if len(self._blocks) >= _MOST_BLOCKS or self._calls >= _MOST_BLOCKS:
                raise ProviderBadResponse("the provider sent more blocks than the hub reads")
            block = self._blocks[index] = _Block()
        return block

    def _text(self, block: _Block, piece: str) -> None:
        if piece:
            self._assembly.text(piece)
            self._text_part = self._assembly.text_part
            block.length += len(piece)

    def _begin_call(self, block: _Block, use: Object) -> None:
        name = json.text(use.get("name"))
        if name and name == self._answer_tool:
            block.call = _ANSWER
            return
        block.call = self._calls
        self._calls += 1
        call_id = json.word(use.get("toolUseId")) or made_call_id(self._salt(), 0, block.call)
        self._assembly.call(block.call, "", id=call_id, name=name, custom=False, signature=b"")

    def _input(self, block: _Block, piece: str) -> None:
        if not piece:
            return
        if block.call == _ANSWER:
            self._text(block, piece)
            return
        if block.call == _NO_CALL and "toolUse" not in block.whole:
            self._begin_call(block, {})
        if block.call >= 0:
            # What it is has been told; that there was some is all that is kept.
            block.input = block.input or [piece]
            self._assembly.call(block.call, piece, id="", name="", custom=False, signature=b"")
        else:
            block.input.append(piece)


def _add_image(whole: Object, told: Object) -> None:
    image = whole.setdefault("image", {})
    data = json.text(json.obj(told.get("source")).get("bytes"))
    before = json.text(json.obj(image.get("source")).get("bytes"))
    json.merge(image, told)
    if data and before:
        image["source"]["bytes"] = base64_text(json.base64_bytes(before) + json.base64_bytes(data))


def _parsed(pieces: list[str]) -> Any:
    text = "".join(pieces)
    try:
        return orjson.loads(text)
    except ValueError:
        return text
