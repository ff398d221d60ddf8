"""The one choice of a streamed answer: its blocks, and how it ends."""

from collections.abc import Callable

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.anthropic import fields
from server.wire.anthropic.block_stream import BlockStream, TextStream, Told, kind_of_piece, open_block
from server.wire.anthropic.decode import end_reason
from server.wire.chat.assembly import ChoiceAssembly
from server.wire.json_value import Object

_MAX_BLOCKS = 4_096
"""More blocks than this in one answer are taken for an attack on memory."""


class MessageStream:
    """State of the choice."""

    __slots__ = ("_assembly", "_blocks", "_details", "_opened", "_reason", "_stop_sequence", "_told")

    def __init__(self, provider: str, answer_tool: str, assembly: ChoiceAssembly, salt: Callable[[], str]) -> None:
        self._assembly = assembly
        self._told = Told(provider, answer_tool, assembly, salt)
        self._blocks: dict[int, BlockStream] = {}
        self._opened = 0
        self._reason = ""
        self._stop_sequence = ""
        self._details: Object = {}

    @property
    def ended(self) -> bool:
        """True once the provider has given a reason to stop."""
        return bool(self._reason)

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._assembly.size

    def open(self, index: int, start: Object, text: str) -> None:
        """The start of a block; ``text`` is ``start`` as it came."""
        self.shut(index)
        self._opened += 1
        if self._opened > _MAX_BLOCKS:
            raise ProviderBadResponse("the provider sent more blocks than the hub reads")
        self._blocks[index] = open_block(start, text, self._told)

    def delta(self, index: int, delta: Object) -> None:
        """A piece of a block."""
        block = self._blocks.get(index)
        if block is None:
            kind = kind_of_piece(delta)
            if not kind:
                raise ProviderBadResponse("the provider sent a piece of a block that never began")
            self.open(index, {"type": kind}, "")
            block = self._blocks[index]
        # Nearly every event is this and no more.
        if type(block) is TextStream and delta.get("type") == "text_delta":
            block.piece(json.text(delta.get("text")))
        else:
            block.delta(delta)

    def shut(self, index: int) -> None:
        """The end of a block."""
        if (block := self._blocks.pop(index, None)) is not None:
            block.stop()

    def read_end(self, told: Object) -> None:
        """What ``message_start`` or ``message_delta`` says of the end."""
        self._reason = json.text(told.get("stop_reason")) or self._reason
        self._stop_sequence = json.text(told.get("stop_sequence")) or self._stop_sequence
        self._details = json.obj(told.get("stop_details")) or self._details

    def end(self) -> None:
        """Tells why it ended, on its last delta."""
        for index in sorted(self._blocks):
            self.shut(index)
        if refusal := fields.refusal_of(self._reason, self._details):
            self._assembly.refusal(refusal)
        self._assembly.finish(
            end_reason(self._reason, calls=self._told.calls > 0),
            self._reason,
            self._stop_sequence,
            fields.unread_of_choice(self._details, self._told.cited.left),
        )

    def close(self) -> None:
        """Completes the message at hand."""
        self._assembly.close()
