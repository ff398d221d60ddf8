"""Deepgram's /v1/listen over a WebSocket: bytes out, events in.

https://developers.deepgram.com/reference/speech-to-text/listen-streaming
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from aignehub.v1 import audio_pb2
from aignehub.v1.audio_pb2 import AudioInputConfig, Transcript, TranscriptWord
from aignehub.v1.audio_service_pb2 import StreamTranscriptionConfig
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderUnavailable, UnsupportedByProvider
from server.wire import json_value as json
from server.wire import pcm, provider_errors, sound
from server.wire.audio.live import Event, Frame, Kind, LivePlan, milliseconds, refuse_untold
from server.wire.deepgram.errors import decode_error
from server.wire.deepgram.options import NAME, common_fields, extra_query
from server.wire.deepgram.words import first_alternative, language_of, read_words, seconds
from server.wire.drops import Drops
from server.wire.http import HttpRequest, HttpResponse
from server.wire.query import flag, with_query

_SILENCE = 500
"""Milliseconds of silence that end an utterance unless the caller says; Deepgram's own 10 cuts sentences in two."""
_SHORTEST_GAP = 1000
"""Least of utterance_end_ms: https://developers.deepgram.com/docs/utterance-end."""
_KEEP_ALIVE = 4.0
"""Deepgram hangs up after 10 seconds without audio, and asks for a message every 3 to 5."""
_PATIENCE = 1.0
"""Seconds after which a commit that nothing answers found nothing."""
_GOODBYE = 0.5
"""Seconds within which Deepgram hangs up after its summary; where it speaks on instead, that was none."""
_RATE = 16000
_RATES = range(8000, 48001)
_SEVERAL_LANGUAGES = ("nova-2", "nova-3")
"""Models that hear several languages in one stream: https://developers.deepgram.com/docs/multilingual-code-switching."""


@dataclass(frozen=True, slots=True)
class DeepgramLiveCodec:
    """See LiveCodec."""

    def plan(self, config: StreamTranscriptionConfig, model: str) -> LivePlan:
        """See LiveCodec.plan."""
        if model.startswith("flux"):
            raise UnsupportedByProvider.of(
                "config.model", f"{NAME}'s Flux is not spoken to here; nova-3 listens live too"
            )
        refuse_untold(config, NAME, words=True, speakers=True)
        drops = Drops(strict=config.gateway.strict_parameters)
        rate = _rate(config.input)
        fields = [
            *common_fields(config.options, "config.options", model, drops),
            *_language(config, model),
            ("encoding", "linear16"),
            ("sample_rate", str(rate)),
            ("channels", "1"),
            # Guesses are asked for in any case: without them Deepgram tells no ends by words, only by silence.
            ("interim_results", flag(True)),
            *_ends(config, drops),
            *extra_query(config.gateway.extra_body_json),
        ]
        return LivePlan(
            HttpRequest(with_query("/v1/listen", fields), method="GET", adjusted_fields=tuple(drops.fields)),
            partial(DeepgramDialogue, rate),
            rate=rate,
            detects=not config.voice_activity.disabled,
            awaits_ready=False,
            keep_alive=_KEEP_ALIVE,
        )

    def hears(self, model: str) -> bool:
        """See LiveCodec.hears. Whisper alone takes whole recordings only: …/docs/deepgram-whisper-cloud."""
        return not model.startswith("whisper")

    def decode_error(self, response: HttpResponse) -> HubError:
        """See LiveCodec.decode_error."""
        return decode_error(response)


class DeepgramDialogue:
    """See LiveDialogue. Deepgram tells finished stretches of speech, of which utterances are made here."""

    def __init__(self, rate: int) -> None:
        self._second = rate * pcm.WIDTH
        self._sent = 0
        """Bytes of audio."""
        self._commits: deque[float] = deque()
        """Where in the audio the commits are that nothing has answered, in seconds."""
        self._utterance = 0
        self._texts: list[str] = []
        self._words: list[TranscriptWord] = []
        self._span = (0.0, 0.0)
        self._language = ""
        self._started = False
        self._finishing = False
        self._summed = False
        self._usage: Usage | None = None

    def append(self, samples: bytes) -> Frame:
        """See LiveDialogue.append."""
        self._sent += len(samples)
        return samples

    def commit(self) -> Sequence[Frame]:
        """See LiveDialogue.commit."""
        self._commits.append(self._sent / self._second)
        return ('{"type":"Finalize"}',)

    def keep_alive(self) -> Sequence[Frame]:
        """See LiveDialogue.keep_alive."""
        return ('{"type":"KeepAlive"}',)

    def finish(self) -> Sequence[Frame]:
        """See LiveDialogue.finish."""
        self._finishing = True
        return ('{"type":"CloseStream"}',)

    def patience(self) -> float | None:
        """See LiveDialogue.patience. A commit that finds little to do may not be answered: …/docs/finalize."""
        if self._summed:
            return _GOODBYE
        return _PATIENCE if self._commits else None

    def overdue(self) -> Sequence[Event]:
        """See LiveDialogue.overdue."""
        if self._summed:
            self._summed = False
            return (Event(Kind.ENDED, usage=self._usage),)
        return list(self._answer()) if self._commits else ()

    def read(self, message: Frame) -> Sequence[Event]:
        """See LiveDialogue.read."""
        told = json.obj(json.parse(message if isinstance(message, bytes) else message.encode("utf-8", "replace")))
        match told.get("type"):
            case "Results":
                return list(self._results(told))
            case "SpeechStarted" if not self._started:
                self._started = True
                return (Event(Kind.SPEECH_STARTED, self._item, seconds=seconds(told.get("timestamp"))),)
            case "UtteranceEnd":
                return list(self._close())
            case "Metadata" if self._finishing:
                self._summed, self._usage = True, _usage(told)
                return list(self._close())
            case "Error":
                return (Event(Kind.FAILED, error=_failure(told)),)
            case _:
                return ()

    @property
    def _item(self) -> str:
        return str(self._utterance)

    def _results(self, told: json.Object) -> Iterator[Event]:
        heard = first_alternative(told.get("channel"))
        text = json.text(heard.get("transcript")).strip()
        while self._commits and seconds(told.get("start")) >= self._commits[0]:
            yield from self._answer()  # what comes is of later audio, so all of the earlier was told
        if text:
            yield Event(Kind.GUESS, self._item, " ".join([*self._texts, text]))
        if told.get("is_final") is not True:
            return
        if text:
            self._hold(text, heard, seconds(told.get("start")), seconds(told.get("duration")))
        if told.get("from_finalize") is True:
            yield from self._answer()
        elif told.get("speech_final") is True:
            yield from self._close()

    def _hold(self, text: str, heard: json.Object, start: float, length: float) -> None:
        words = read_words(heard.get("words"))
        began = words[0].start_offset.ToMicroseconds() / 1e6 if words else start
        ended = words[-1].end_offset.ToMicroseconds() / 1e6 if words else start + length
        self._span = (self._span[0] if self._texts else began, max(began, ended))
        self._texts.append(text)
        self._words += words
        self._language = language_of(heard) or self._language

    def _answer(self) -> Iterator[Event]:
        """The oldest commit has been acted on."""
        if self._commits:
            self._commits.popleft()
        if self._texts:
            yield from self._close(answers=True)
        else:
            yield Event(Kind.NOTHING_COMMITTED)

    def _close(self, *, answers: bool = False) -> Iterator[Event]:
        """The utterance in hand, as far as there is one."""
        if not self._texts:
            return
        item, text, span = self._item, " ".join(self._texts), self._span
        if self._started:
            yield Event(Kind.SPEECH_STOPPED, item, seconds=span[1])
        yield Event(Kind.COMMITTED, item, span=span, answers=answers)
        transcript = Transcript(words=self._words, language=self._language)
        yield Event(Kind.COMPLETED, item, text, transcript=transcript)
        self._utterance += 1
        self._texts, self._words, self._started = [], [], False


def _rate(config: AudioInputConfig) -> int:
    """The caller's own where it is said and Deepgram hears it, so that nothing is resampled."""
    if config.format in (audio_pb2.AUDIO_FORMAT_MULAW, audio_pb2.AUDIO_FORMAT_ALAW):
        return config.sample_rate_hertz if config.sample_rate_hertz in _RATES else 8000
    return config.sample_rate_hertz if config.sample_rate_hertz in _RATES else _RATE


def _language(config: StreamTranscriptionConfig, model: str) -> Iterator[tuple[str, str]]:
    """Without one, or with several, the models that can are asked for multi; the others hear English unasked."""
    languages = config.options.languages
    if len(languages) == 1:
        yield "language", languages[0]
    elif model.startswith(_SEVERAL_LANGUAGES):
        yield "language", "multi"
    elif languages:
        raise UnsupportedByProvider.of(
            "config.options.languages", f"the model {model[:64]} hears one live; name the likeliest, or ask nova-3"
        )


def _ends(config: StreamTranscriptionConfig, drops: Drops) -> Iterator[tuple[str, str]]:
    activity = config.voice_activity
    for name in ("threshold", "prefix_padding"):
        if activity.HasField(name):
            drops.drop(f"config.voice_activity.{name}", f"{NAME} has no such parameter")
    if activity.disabled:
        yield "endpointing", flag(False)
        return
    silence = milliseconds(activity.silence_duration) if activity.HasField("silence_duration") else _SILENCE
    yield "endpointing", str(silence)
    yield "utterance_end_ms", str(max(silence, _SHORTEST_GAP))
    yield "vad_events", flag(True)


def _usage(told: json.Object) -> Usage | None:
    length = json.number(told.get("duration"))
    return None if length is None else Usage(billed_audio_duration=sound.duration(length))


def _failure(told: json.Object) -> HubError:
    words = json.text(told.get("description")) or json.text(told.get("message"))
    failure = provider_errors.error_in({"error": {"message": words, "code": json.word(told.get("variant"))}})
    return failure or ProviderUnavailable("the provider could not go on listening")
