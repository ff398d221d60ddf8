"""One choice of a stream: what each chunk says of it, handed to its assembly."""

from collections.abc import Callable, Iterable

from aignehub.v1.chat_pb2 import Citation

from server.wire import json_value as json
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.finish import finish_reason
from server.wire.json_value import Json, Object
from server.wire.openai_chat import fields, pieces
from server.wire.openai_chat.calls import CallTracker
from server.wire.openai_chat.citations import read_annotations
from server.wire.openai_chat.logprobs import read_logprobs
from server.wire.openai_chat.usual_chunk import Delta

_ORDINARY = frozenset({"index", "delta", "finish_reason", "logprobs", "native_finish_reason"})
_ROLE_AND_CONTENT = 2


class ChoiceStream:
    """State of one choice."""

    __slots__ = (
        "_assembly",
        "_calls",
        "_detail",
        "_native",
        "_provider",
        "_reason",
        "_stop",
        "_unread",
        "left",
        "usage",
    )

    def __init__(self, index: int, provider: str, batch: Batch) -> None:
        self._assembly = ChoiceAssembly(index, batch)
        self._calls = CallTracker(index)
        self._provider = provider
        self._detail: tuple[Json, Json] | None = None
        self._reason = ""
        self._native = ""
        self._stop = ""
        self.left: Object = {}
        """What was told of it that no field of the contract holds."""
        self._unread: Object = {}
        self.usage: Object = {}
        """What was told of usage within the choice, at hosts that have it there."""

    @property
    def ended(self) -> bool:
        """True once the provider has given a reason to stop."""
        return bool(self._reason)

    @property
    def reason(self) -> str:
        """The provider's word for why it ended; empty while it has not."""
        return self._reason

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._assembly.size

    def read(self, told: Object, salt: Callable[[], str]) -> None:
        """One element of ``choices``."""
        delta = told.get("delta")
        if type(delta) is dict:
            content = delta.get("content")
            # Nearly every chunk is this and no more: text, perhaps with the role repeated.
            if type(content) is str and (len(delta) == 1 or (len(delta) == _ROLE_AND_CONTENT and "role" in delta)):
                if content:
                    self._assembly.text(content)
            elif delta:
                self._read_delta(delta, salt)
        elif type(message := told.get("message")) is dict and not self.size and not len(self._calls):
            # A host that sends the whole message as its only event.
            self._read_delta(message, salt)
        if told.get("logprobs") is not None and (logprobs := read_logprobs(told["logprobs"])) is not None:
            self._assembly.logprobs(logprobs)
        if reason := fields.finish_word(told):
            self._reason = reason
        if native := told.get("native_finish_reason"):
            self._native = json.text(native)
        if not told.keys() <= _ORDINARY:
            self._stop = fields.stop_sequence(told) or self._stop
            self.usage = json.obj(told.get("usage")) or self.usage
            json.merge(self.left, fields.unread_of_choice(told))

    def read_usual(self, delta: Delta, *, alone: bool) -> bool:
        """The same for a delta whose type is known; False, and nothing is read, where a call begins with it.

        ``alone``: it is all that its read delivered.
        """
        assembly = self._assembly
        if alone and delta.content and not (delta.tool_calls or delta.reasoning_content or delta.reasoning):
            assembly.only_text(delta.content)
            return True
        arguments: list[tuple[int, str]] = []
        for call in delta.tool_calls or ():
            if (place := self._calls.place(call.index)) is None:
                return False
            arguments.append((place, call.function.arguments))
        if text := delta.reasoning_content or delta.reasoning:
            assembly.reasoning(text, self._provider)
        if delta.content:
            assembly.text(delta.content)
        for place, piece in arguments:
            assembly.more_of_call(place, piece)
        return True

    def cite(self, sources: Iterable[Citation]) -> None:
        """Adds sources that were told beside the choices."""
        self._assembly.citations(sources)

    def end(self) -> None:
        """Tells why it ended, on its last delta."""
        if self._unread:
            self.left["message"] = self._unread
        self._assembly.finish(
            finish_reason(self._reason, calls=len(self._calls) > 0),
            self._native or self._reason,
            self._stop,
            json.to_text(self.left),
        )

    def close(self) -> None:
        """Completes the message at hand."""
        self._assembly.close()

    def _read_delta(self, delta: Object, salt: Callable[[], str]) -> None:
        assembly = self._assembly
        self._read_reasoning(delta)
        content = delta.get("content")
        if type(content) is str:
            if content:
                assembly.text(content)
        elif content is not None:
            self._read_array(content)
        if refusal := json.text(delta.get("refusal")):
            assembly.refusal(refusal)
        for told in json.objects(delta.get("tool_calls")):
            self._read_call(told, salt)
        if type(older := delta.get("function_call")) is dict:
            self._read_call({"index": 0, "function": older}, salt)
        self._read_media(delta)
        if annotations := delta.get("annotations"):
            self._read_annotations(annotations)
        if not delta.keys() <= fields.MESSAGE:
            json.merge(self._unread, json.unread(delta, fields.MESSAGE))

    def _read_reasoning(self, delta: Object) -> None:
        text = pieces.reasoning_text(delta)
        details = json.objects(delta.get("reasoning_details"))
        # The details hold the text again, with what is needed to take it back.
        if text and not any(detail.get("text") or detail.get("summary") for detail in details):
            self._assembly.reasoning(text, self._provider)
        for detail in details:
            if (part := pieces.reasoning_detail(detail, self._provider)) is not None:
                block = (detail.get("index"), detail.get("type"))
                self._assembly.reasoning_detail(part, new_block=block != self._detail and self._detail is not None)
                self._detail = block

    def _read_annotations(self, annotations: Json) -> None:
        citations, others = read_annotations(annotations, self._assembly.text_part)
        if citations:
            self._assembly.citations(citations)
        if others:
            json.merge(self._unread, {"annotations": others})

    def _read_array(self, content: Json) -> None:
        for told in json.items(content):
            for part in pieces.content_part(self._provider, told):
                if part.WhichOneof("part") == "text":
                    self._assembly.text(part.text)
                elif part.WhichOneof("part") == "reasoning":
                    self._assembly.reasoning_detail(part.reasoning, new_block=False)
                else:
                    self._assembly.part(part)

    def _read_call(self, told: Object, salt: Callable[[], str]) -> None:
        if (piece := self._calls.read(told, salt)) is not None:
            self._assembly.call(
                piece.place,
                piece.text,
                id=piece.id,
                name=piece.name,
                custom=piece.custom,
                signature=piece.signature,
            )

    def _read_media(self, delta: Object) -> None:
        for part in pieces.executed_tools(delta.get("executed_tools"), self._provider):
            self._assembly.part(part)
        for told in json.objects(delta.get("images")):
            if (image := pieces.image(told)) is not None:
                self._assembly.part(image)
        if (audio := pieces.output_audio(json.obj(delta.get("audio")))) is not None:
            self._assembly.audio(audio)
