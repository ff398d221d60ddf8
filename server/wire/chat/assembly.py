"""One choice of a stream put together.

Consecutive pieces of one kind become one delta; a change of kind begins another.
"""

from collections.abc import Iterable

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Citation, ContentPart, FinishReason, Logprobs, OutputAudio, ReasoningPart
from aignehub.v1.chat_service_pb2 import ChatChoiceDelta, StreamChatCompletionResponse, ToolCallDelta

from server.wire import estimate

_TEXT = "text"
_REASONING = "reasoning"
_REFUSAL = "refusal"
_CALLS = "calls"
_AUDIO = "audio"
_OTHER = "other"


class Batch:
    """The message that one read is gathered into; deltas are made inside it, so that nothing is copied."""

    __slots__ = ("choices", "message", "open")

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """What comes next belongs to another message."""
        self.message = StreamChatCompletionResponse()
        self.choices = self.message.choices
        self.open = False
        """Whether an assembly has a delta in it that it has to close."""


class ChoiceAssembly:
    """Gathers what one read says of one choice into the batch; ``close`` completes it for the message at hand."""

    __slots__ = (
        "_audio",
        "_batch",
        "_call",
        "_delta",
        "_kind",
        "_part",
        "_part_kind",
        "_pieces",
        "_told_role",
        "index",
        "size",
    )

    def __init__(self, index: int, batch: Batch) -> None:
        self.index = index
        self.size = 0
        """Bytes of text so far, for an estimate of usage."""
        self._told_role = False
        self._part = -1
        self._part_kind = ""
        self._batch = batch
        self._delta: ChatChoiceDelta | None = None
        self._kind = ""
        self._pieces: list[str] = []
        self._audio: list[OutputAudio] = []
        self._call: ToolCallDelta | None = None

    def text(self, piece: str) -> None:
        """Appends to the answer."""
        if self._kind != _TEXT:
            self._open(_TEXT, part=True)
        self._pieces.append(piece)

    def only_text(self, piece: str) -> None:
        """As ``text``, of a read that delivered nothing else: told at once, so that there is nothing to close."""
        if self._delta is not None or self._part_kind != _TEXT or not self._told_role:
            self.text(piece)
            return
        delta = self._batch.choices.add(content=piece)
        if self.index:
            delta.index = self.index
        if self._part:
            delta.part_index = self._part
        self.size += len(piece) if piece.isascii() else estimate.text_size(piece)

    def signed_text(self, piece: str, signature: bytes) -> None:
        """Adds a text part of its own, which a proof belongs to; the text may be empty."""
        self.new_part()
        self._open(_TEXT, part=True).content_signature = signature
        if piece:
            self._pieces.append(piece)
        self.new_part()

    def new_part(self) -> None:
        """Ends the part at hand: what comes next is another, whatever its kind."""
        self._settle()
        self._part_kind = ""

    def reasoning(self, piece: str, provider: str) -> None:
        """Appends to the reasoning."""
        if self._kind != _REASONING:
            self._open(_REASONING, part=True).reasoning.provider = provider
        self._pieces.append(piece)

    def reasoning_detail(self, piece: ReasoningPart, *, new_block: bool) -> None:
        """Appends a piece that may carry a signature, an id or a form; a signature closes the block."""
        if new_block:
            self._settle()
            self._part_kind = ""
        if self._kind != _REASONING:
            self._open(_REASONING, part=True)
        delta = self._any()
        if piece.text:
            self._pieces.append(piece.text)
        target = delta.reasoning
        target.provider = piece.provider
        target.id = piece.id or target.id
        target.format = piece.format or target.format
        if piece.signature:
            target.signature = piece.signature
            target.redacted = piece.redacted
            self._settle()
            self._part_kind = ""

    def refusal(self, piece: str) -> None:
        """Appends to the refusal."""
        if self._kind != _REFUSAL:
            self._open(_REFUSAL)
        self._pieces.append(piece)

    def call(self, index: int, piece: str, *, id: str, name: str, custom: bool, signature: bytes) -> None:
        """Appends to one call; ``id`` and ``name`` are set on its first piece alone."""
        if self._kind != _CALLS:
            self._open(_CALLS)
        if self._call is None or self._call.index != index or id:
            self._end_call()
            self._call = self._any().tool_calls.add(index=index, id=id, name=name, custom=custom)
        elif name:
            self._call.name = name
        if signature:
            self._call.signature = signature
        if piece:
            self._pieces.append(piece)

    def more_of_call(self, index: int, piece: str) -> None:
        """Appends to the arguments of a call that has begun."""
        if self._kind != _CALLS:
            self._open(_CALLS)
        if self._call is None or self._call.index != index:
            self._end_call()
            self._call = self._any().tool_calls.add(index=index)
        if piece:
            self._pieces.append(piece)

    def audio(self, piece: OutputAudio) -> None:
        """Appends to the spoken answer."""
        if self._kind != _AUDIO:
            self._open(_AUDIO)
        self._audio.append(piece)

    def part(self, part: ContentPart) -> None:
        """Adds a part that is whole."""
        self._open(_OTHER, part=True).parts.append(part)
        self._part_kind = ""

    def logprobs(self, told: Logprobs) -> None:
        """Appends to the log probabilities."""
        self._any().logprobs.MergeFrom(told)

    def citations(self, told: Iterable[Citation]) -> None:
        """Appends to the citations."""
        self._any().citations.extend(told)

    @property
    def text_part(self) -> int | None:
        """The number of the text part that is being written."""
        return self._part if self._part_kind == _TEXT else None

    @property
    def last_part(self) -> int:
        """The number of the part that came last, -1 before the first."""
        return self._part

    def finish(
        self, reason: "FinishReason.ValueType", native: str, stop_sequence: str, provider_fields_json: str
    ) -> None:
        """Puts the end on the last delta."""
        delta = self._any()
        delta.finish_reason = reason
        delta.native_finish_reason = native
        delta.stop_sequence = stop_sequence
        delta.provider_fields_json = provider_fields_json

    def close(self) -> None:
        """Completes what has come for the message at hand; the next piece begins a delta of the next message."""
        self._settle()
        self._delta = None

    def _any(self) -> ChatChoiceDelta:
        """The delta that is open, or one for what belongs to no kind."""
        return self._delta if self._delta is not None else self._open(_OTHER)

    def _open(self, kind: str, *, part: bool = False) -> ChatChoiceDelta:
        if self._delta is not None:
            self._settle()
        if part and (kind == _OTHER or self._part_kind != kind):
            self._part += 1
            self._part_kind = kind
        delta = self._batch.choices.add()
        if self.index:
            delta.index = self.index
        if part and self._part:
            delta.part_index = self._part
        if not self._told_role:
            self._told_role = True
            delta.role = chat_pb2.ROLE_ASSISTANT
        self._batch.open = True
        self._delta = delta
        self._kind = kind
        return delta

    def _settle(self) -> None:
        """Writes the gathered pieces into the delta they belong to."""
        delta = self._delta
        if delta is None:
            return
        if self._audio:
            _join_audio(self._audio, delta.audio)
            self.size += sum(estimate.text_size(piece.transcript) for piece in self._audio)
            self._audio = []
        if self._kind == _CALLS:
            self._end_call()
            self._call = None
        elif self._pieces:
            text = self._joined()
            if self._kind == _TEXT:
                delta.content = text
            elif self._kind == _REASONING:
                delta.reasoning.text += text
            else:
                delta.refusal = text
        self._kind = ""

    def _end_call(self) -> None:
        if self._call is not None and self._pieces:
            self._call.arguments_delta = self._joined()

    def _joined(self) -> str:
        pieces = self._pieces
        text = pieces[0] if len(pieces) == 1 else "".join(pieces)
        pieces.clear()
        self.size += len(text) if text.isascii() else estimate.text_size(text)
        return text


def _join_audio(pieces: list[OutputAudio], into: OutputAudio) -> None:
    for piece in pieces:
        into.id = piece.id or into.id
        if piece.HasField("expire_time"):
            into.expire_time.CopyFrom(piece.expire_time)
    into.data = b"".join(piece.data for piece in pieces)
    into.transcript = "".join(piece.transcript for piece in pieces)
