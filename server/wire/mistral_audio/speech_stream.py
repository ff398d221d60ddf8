"""Speech as Mistral sends it: events that hold audio in base64, or one object that does."""

from aignehub.v1 import audio_pb2
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse, ProviderUnavailable
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.audio.spoken import Expected, SpokenDecoder
from server.wire.openai_audio.names import SPOKEN
from server.wire.openai_chat.usage import read_usage
from server.wire.pcm import FloatSamples
from server.wire.sse import SseParser

_BROKEN_OFF = "the provider broke off its answer"
_LONGEST_OBJECT = 48 * 1024 * 1024
"""What holds, in base64, the 32 MiB of audio that the unary method can answer with."""


class MistralSpeechDecoder(SpokenDecoder):
    """See SpeechDecoder. Headerless samples come as 32-bit floats and go on as 16-bit numbers.

    https://docs.mistral.ai/capabilities/audio/text_to_speech/speech
    """

    def __init__(self, content_type: str, expected: Expected, text: str) -> None:
        super().__init__(content_type, expected, Usage())
        self._object: list[bytes] | None = None if self._complaint is None else []
        self._object_size = 0
        self._complaint = None
        self._parser = SseParser()
        self._samples = FloatSamples() if expected.format == audio_pb2.AUDIO_FORMAT_PCM_S16LE else None
        self._text = text
        self._ended = False
        self._tokens: json.Object = {}

    @override
    def finish(self) -> bytes:
        """See SpeechDecoder.finish."""
        tail = self._tail()
        if self._told:
            return tail + super().finish()
        self._held += tail
        return super().finish()

    @override
    def usage(self) -> Usage:
        """See SpeechDecoder.usage."""
        usage = read_usage(self._tokens) or Usage(
            input_tokens=estimate.tokens(estimate.text_size(self._text)), estimated=True
        )
        usage.total_tokens = usage.input_tokens + usage.output_tokens
        usage.billed_characters = len(self._text)
        return usage

    @override
    def _audio(self, data: bytes) -> bytes:
        if self._object is None:
            return b"".join(self._read(name, payload) for name, payload in self._parser.feed(data))
        self._object_size += len(data)
        if self._object_size > _LONGEST_OBJECT:
            raise ProviderBadResponse("the provider sent an answer longer than the hub reads")
        self._object.append(data)
        return b""

    def _tail(self) -> bytes:
        """What is known only when everything is there: the one object, or an event that nothing ends."""
        if self._object is not None:
            self._ended = True
            return self._read_event(json.obj(json.parse(b"".join(self._object))))
        rest = self._parser.rest()
        try:
            return b"" if rest is None else self._read(*rest)
        except ProviderBadResponse:
            raise ProviderUnavailable(_BROKEN_OFF) from None

    @override
    def _check_end(self) -> None:
        if not self._ended:
            raise ProviderUnavailable(_BROKEN_OFF)

    def _read(self, name: str, payload: bytes) -> bytes:
        if payload.strip() in (b"[DONE]", b""):
            self._ended = self._ended or bool(payload.strip())
            return b""
        event = json.obj(json.parse(payload))
        if (event.get("type") or name) == "speech.audio.done":
            self._ended = True
            self._tokens = json.obj(event.get("usage"))
        return self._read_event(event)

    def _read_event(self, event: json.Object) -> bytes:
        if (error := provider_errors.error_in(event, names=SPOKEN)) is not None:
            raise error
        audio = json.base64_bytes(json.text(event.get("audio_data")))
        return audio if self._samples is None else self._samples.feed(audio)
