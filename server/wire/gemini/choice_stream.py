"""One choice of a stream: what each chunk says of it, handed to its assembly."""

from collections.abc import Callable

from aignehub.v1 import audio_pb2
from aignehub.v1.chat_pb2 import ContentPart, OutputAudio
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire import json_value as json
from server.wire.chat.assembly import Batch, ChoiceAssembly
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.gemini import spoken
from server.wire.gemini.candidate import Remarks
from server.wire.gemini.citations import read_citations, searches
from server.wire.gemini.host import Host
from server.wire.gemini.logprobs import read_logprobs
from server.wire.gemini.pieces import Call, Sound, read_part
from server.wire.gemini.words import FINISH_REASONS
from server.wire.json_value import Object


class ChoiceStream:
    """State of one choice."""

    __slots__ = ("_assembly", "_calls", "_host", "_index", "_remarks", "_texts", "_wav")

    def __init__(self, index: int, host: Host, request: CreateChatCompletionRequest, batch: Batch) -> None:
        self._index = index
        self._host = host
        self._assembly = ChoiceAssembly(index, batch)
        self._remarks = Remarks(host)
        self._texts: dict[int, list[str]] = {}
        self._calls = 0
        self._wav = request.audio.format == audio_pb2.AUDIO_FORMAT_WAV

    @property
    def ended(self) -> bool:
        """True once the provider has given a reason to stop."""
        return bool(self._remarks.reason)

    @property
    def size(self) -> int:
        """Bytes of text so far."""
        return self._assembly.size

    @property
    def searches(self) -> dict[str, int]:
        """How often the provider searched for this choice."""
        return searches(self._remarks.grounding)

    def read(self, told: Object, salt: Callable[[], str]) -> None:
        """One candidate of a chunk."""
        for part in json.objects(json.obj(told.get("content")).get("parts")):
            match read_part(part, self._host.name):
                case ContentPart() as piece:
                    self._part(piece)
                case Call() as call:
                    self._call(call, salt)
                case Sound() as sound:
                    self._sound(sound)
                case None:
                    pass
        if "logprobsResult" in told and (logprobs := read_logprobs(told["logprobsResult"])) is not None:
            self._assembly.logprobs(logprobs)
        self._remarks.read(told)

    def end(self) -> None:
        """Tells sources and why it ended, on its last delta."""
        texts = [(part, "".join(pieces)) for part, pieces in self._texts.items()]
        if cited := read_citations(self._remarks.grounding, self._remarks.recited, texts):
            self._assembly.citations(cited)
        reason = self._remarks.reason
        self._assembly.finish(
            finish_reason(reason, calls=self._calls > 0, words=FINISH_REASONS), reason, "", self._remarks.fields()
        )

    def close(self) -> None:
        """Completes the message at hand."""
        self._assembly.close()

    def _part(self, piece: ContentPart) -> None:
        assembly = self._assembly
        match piece.WhichOneof("part"):
            case "text" if piece.signature:
                # A text that is signed is a part of its own, to go back as it came.
                assembly.signed_text(piece.text, piece.signature)
                self._keep(piece.text)
            case "text":
                assembly.text(piece.text)
                self._keep(piece.text)
            case "reasoning":
                assembly.reasoning_detail(piece.reasoning, new_block=False)
            case _:
                assembly.part(piece)

    def _keep(self, text: str) -> None:
        """Text is kept for the places that sources name in it."""
        if text:
            self._texts.setdefault(self._assembly.last_part, []).append(text)

    def _call(self, call: Call, salt: Callable[[], str]) -> None:
        self._assembly.call(
            self._calls,
            call.arguments,
            id=call.id or made_call_id(salt(), self._index, self._calls),
            name=call.name,
            custom=False,
            signature=call.signature,
        )
        # Text after the call is not part of the text before it.
        self._assembly.new_part()
        self._calls += 1

    def _sound(self, sound: Sound) -> None:
        header = spoken.wav_header(sound.mime_type, None) if self._wav and not self._remarks.sound else b""
        self._remarks.sound = sound.mime_type
        self._assembly.audio(OutputAudio(data=header + sound.data))
