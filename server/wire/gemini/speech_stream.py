"""Speech as it comes: events that hold samples in base64, and the count of tokens."""

import orjson
from aignehub.v1 import audio_pb2, chat_pb2
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ContentFiltered, ProviderBadResponse, ProviderUnavailable
from server.wire import estimate
from server.wire import json_value as json
from server.wire.audio.spoken import Expected, SpokenDecoder
from server.wire.chat.stream import BROKEN_OFF, UNREADABLE
from server.wire.gemini import errors
from server.wire.gemini.decode import blocked
from server.wire.gemini.spoken import is_raw, rate_of, wav_header
from server.wire.gemini.usage import read_usage
from server.wire.gemini.words import FINISH_REASONS, GEMINI_FINISH_NUMBERS, finish_word
from server.wire.json_array import JsonArrayParser
from server.wire.json_value import Object
from server.wire.provider_errors import tell
from server.wire.sse import SseParser

_LONGEST_EVENT = 64 * 1024 * 1024
"""Some models send all of their speech as one event: more than ten minutes of it in base64."""


class GeminiSpeechDecoder(SpokenDecoder):
    """See SpeechDecoder. Reads events, and the array that comes where none were asked for."""

    def __init__(self, expected: Expected, text: str) -> None:
        super().__init__("", expected, Usage())
        self._text = text
        self._parser: SseParser | JsonArrayParser | None = None
        self._beginning = b""
        self._heard = False
        self._reason = ""
        self._tokens: Object = {}

    @override
    def usage(self) -> Usage:
        """See SpeechDecoder.usage."""
        read = estimate.tokens(estimate.text_size(self._text))
        usage = read_usage(self._tokens, lambda: read) or Usage(input_tokens=read, total_tokens=read, estimated=True)
        usage.billed_characters = len(self._text)
        return usage

    @override
    def finish(self) -> bytes:
        """See SpeechDecoder.finish."""
        rest = self._parser.rest() if isinstance(self._parser, SseParser) else None
        try:
            tail = b"" if rest is None else self._event(rest[1])
        except ProviderBadResponse:
            raise ProviderUnavailable(BROKEN_OFF) from None
        if self._told:
            return tail + super().finish()
        self._held += tail
        return super().finish()

    @override
    def _audio(self, data: bytes) -> bytes:
        if self._parser is None:
            self._beginning += data
            data, begun = self._beginning, self._beginning.lstrip()
            if not begun:
                return b""
            self._beginning = b""
            self._parser = (JsonArrayParser if begun.startswith(b"[") else SseParser)(_LONGEST_EVENT)
        if isinstance(self._parser, JsonArrayParser):
            return b"".join(map(self._event, self._parser.feed(data)))
        return b"".join(self._event(payload) for _, payload in self._parser.feed(data))

    @override
    def _check_end(self) -> None:
        if not self._reason:
            raise ProviderUnavailable(BROKEN_OFF)
        if not self._heard or self._reason == "MAX_TOKENS":
            raise ProviderBadResponse(f"the model did not speak the whole text: {tell(self._reason)[:64]}")

    def _event(self, payload: bytes) -> bytes:
        if not payload.strip():
            return b""
        try:
            event = orjson.loads(payload)
        except ValueError:
            raise ProviderBadResponse(UNREADABLE) from None
        if type(event) is not dict:
            raise ProviderBadResponse(UNREADABLE)
        if (error := errors.error_in(event)) is not None:
            raise error
        if type(told := event.get("usageMetadata")) is dict:
            self._tokens = {**self._tokens, **told}
        candidates = json.objects(event.get("candidates"))
        if not candidates and (refused := blocked(event)) is not None:
            raise refused
        return b"".join(map(self._candidate, candidates[:1]))

    def _candidate(self, told: Object) -> bytes:
        pieces = [self._samples(part) for part in json.objects(json.obj(told.get("content")).get("parts"))]
        self._reason = finish_word(told.get("finishReason"), GEMINI_FINISH_NUMBERS) or self._reason
        if FINISH_REASONS.get(self._reason.lower()) == chat_pb2.FINISH_REASON_CONTENT_FILTER:
            word = tell(self._reason)[:64]
            raise ContentFiltered(
                f"the provider's safety filter stopped the speech: {word}", metadata={"providerCode": word}
            )
        return b"".join(pieces)

    def _samples(self, part: Object) -> bytes:
        inline = json.obj(part.get("inlineData"))
        kind = json.text(inline.get("mimeType"))
        data = json.base64_bytes(json.text(inline.get("data"))) if kind.startswith("audio/") else b""
        if not data or self._heard:
            return data
        self._heard = True
        form = self._expected.format
        if is_raw(kind) and form in (audio_pb2.AUDIO_FORMAT_WAV, audio_pb2.AUDIO_FORMAT_PCM_S16LE):
            self._expected = Expected(form, rate_of(kind))
        return (wav_header(kind, None) if form == audio_pb2.AUDIO_FORMAT_WAV else b"") + data
