"""One session of ElevenLabs' realtime speech to text.

Events: https://elevenlabs.io/docs/eleven-api/guides/how-to/speech-to-text/realtime/event-reference
"""

import base64
from collections import deque
from collections.abc import Iterator, Sequence

import orjson
from aignehub.v1.audio_pb2 import Transcript

from server.errors import HubError, ProviderUnavailable
from server.wire import json_value as json
from server.wire import pcm, provider_errors
from server.wire.audio.complete import shift_each
from server.wire.audio.live import Event, Frame, Kind
from server.wire.elevenlabs.session_clock import SessionClock
from server.wire.elevenlabs.transcript import read_words

_LEAST = 0.3
"""Seconds of audio that a commit must be about; it is throttled where there is less."""
_TWIN = 1.0
"""Seconds in which the transcript with times follows the one without."""
_ANOTHER = 2.0
"""Seconds in which a commit is answered that may have been overtaken by one of the provider's own."""
_HEARTBEAT = 0.02  # seconds of silence: audio is what keeps a session open
_OVER = frozenset({"session_time_limit_exceeded", "insufficient_audio_activity"})
_FAILURES = frozenset({
    "error", "auth_error", "quota_exceeded", "transcriber_error", "input_error", "invalid_request", "unaccepted_terms",
    "unaccepted_terms_error", "rate_limited", "queue_overflow", "resource_exhausted", "chunk_size_exceeded",
})  # fmt: skip
_CODES = {
    "auth_error": "unauthorized", "resource_exhausted": "overloaded_error", "queue_overflow": "overloaded_error",
    "input_error": "invalid_request_error", "invalid_request": "invalid_request_error",
}  # fmt: skip
"""ElevenLabs' word for a failure as provider_errors knows it; the others it knows as they are."""


class ElevenLabsDialogue:
    """See LiveDialogue."""

    def __init__(self, rate: int, *, silence: float, context: str) -> None:
        """``silence`` is what ends an utterance, in seconds; 0 where the caller ends them. ``context`` goes first."""
        self._rate = rate
        self._silence = silence
        self._context = context
        self._clock = SessionClock(rate)
        self._commits: deque[float] = deque()
        """Where in the audio the commits are that nothing has answered, in seconds."""
        self._told_up_to = 0.0
        """Where the audio ends whose transcript is told, in seconds."""
        self._committed_up_to = 0.0
        """Where the last commit of ours is, in seconds."""
        self._overtaken = False
        """An utterance came that may have been ended before the oldest commit of ours."""
        self._utterance = 0
        self._untimed: deque[str] = deque()
        """Transcripts whose twins with times are still to come."""
        self._timed = 0
        """Transcripts with times whose twins without are still to come: they may come in either order."""
        self._given_up: deque[str] = deque()
        """Transcripts that were told without times, since those did not come in time."""

    def append(self, samples: bytes) -> Frame:
        """See LiveDialogue.append."""
        self._clock.hear(len(samples) // pcm.WIDTH)
        return self._chunk(samples)

    def commit(self) -> Sequence[Frame]:
        """See LiveDialogue.commit."""
        lacking = _LEAST - (self._clock.heard - max(self._told_up_to, self._committed_up_to))
        self._committed_up_to = self._clock.heard
        self._commits.append(self._clock.heard)
        return (self._chunk(self._silent(lacking) if lacking > 0 else b"", commit=True),)

    def keep_alive(self) -> Sequence[Frame]:
        """See LiveDialogue.keep_alive."""
        return (self._chunk(self._silent(_HEARTBEAT)),)

    def finish(self) -> Sequence[Frame]:
        """See LiveDialogue.finish."""
        return ()

    def patience(self) -> float | None:
        """See LiveDialogue.patience."""
        if self._untimed:
            return _TWIN
        return _ANOTHER if self._overtaken else None

    def overdue(self) -> Sequence[Event]:
        """See LiveDialogue.overdue."""
        if self._untimed:
            text = self._untimed.popleft()
            self._given_up.append(text)
            return list(self._complete(text, Transcript()))
        return list(self._nothing()) if self._overtaken else ()

    def read(self, message: Frame) -> Sequence[Event]:
        """See LiveDialogue.read."""
        told = json.obj(json.parse(message if isinstance(message, bytes) else message.encode("utf-8", "replace")))
        text = json.text(told.get("text")).strip()
        match json.text(told.get("message_type")):
            case "session_started":
                session = json.text(told.get("session_id"))
                return (Event(Kind.CREATED, session), Event(Kind.READY, session))
            case "partial_transcript" if text:
                return (Event(Kind.GUESS, str(self._utterance), text),)
            case "committed_transcript":
                return list(self._untimed_transcript(text))
            case "committed_transcript_with_timestamps":
                return list(self._timed_transcript(text, told))
            case "commit_throttled":
                return list(self._nothing())
            case kind if kind in _OVER:
                return (Event(Kind.EXPIRED),)
            case kind if kind in _FAILURES:
                return (Event(Kind.FAILED, error=_failure(kind, told)),)
            case _:
                return ()

    def _chunk(self, samples: bytes, *, commit: bool = False) -> Frame:
        chunk = {
            "message_type": "input_audio_chunk",
            "audio_base_64": base64.b64encode(samples).decode(),
            "commit": commit,
            "sample_rate": self._rate,
        }
        if self._context:
            chunk["previous_text"] = self._context  # taken with the first chunk alone
            self._context = ""
        return orjson.dumps(chunk).decode()

    def _silent(self, seconds: float) -> bytes:
        """Silence that nobody said, which the clock leaves out again."""
        samples = round(seconds * self._rate)
        self._clock.pad(samples)
        return bytes(samples * pcm.WIDTH)

    def _untimed_transcript(self, text: str) -> Iterator[Event]:
        if self._timed:
            self._timed -= 1
            return
        self._untimed.append(text)
        if len(self._untimed) > 1:
            yield from self.overdue()

    def _timed_transcript(self, text: str, told: json.Object) -> Iterator[Event]:
        if self._given_up and self._given_up[0] == text:
            self._given_up.popleft()
            return
        if self._untimed:
            self._untimed.popleft()
        else:
            self._timed += 1
        transcript = Transcript(words=read_words(told.get("words")), language=json.text(told.get("language_code")))
        shift_each(transcript, self._clock.real)
        yield from self._complete(text, transcript)

    def _complete(self, text: str, transcript: Transcript) -> Iterator[Event]:
        if not text:
            yield from self._nothing()
            return
        words = transcript.words
        began = words[0].start_offset.ToMicroseconds() / 1e6 if words else self._told_up_to
        ended = words[-1].end_offset.ToMicroseconds() / 1e6 if words else self._clock.heard
        item = str(self._utterance)
        yield Event(Kind.COMMITTED, item, span=(began, max(began, ended)), answers=self._answers(ended))
        yield Event(Kind.COMPLETED, item, text, transcript=transcript)
        self._told_up_to = max(self._told_up_to, ended)
        self._utterance += 1

    def _answers(self, ended: float) -> bool:
        """Whether an utterance that ended there answers the oldest commit of ours.

        The provider ends utterances too, after silence. What ended too late for that, ours has ended; after any other
        the answer to ours may be still to come.
        """
        if not self._commits:
            return False
        if self._overtaken or not self._silence or ended > self._commits[0] - self._silence:
            self._commits.popleft()
            self._overtaken = False
            return True
        self._overtaken = True
        return False

    def _nothing(self) -> Iterator[Event]:
        self._overtaken = False
        if self._commits:
            self._commits.popleft()
            yield Event(Kind.NOTHING_COMMITTED)


def _failure(kind: str, told: json.Object) -> HubError:
    words = json.text(told.get("error")) or json.text(told.get("message"))
    failure = provider_errors.error_in({"error": {"message": words, "code": _CODES.get(kind, kind)}})
    return failure or ProviderUnavailable("the provider could not go on listening")
