"""Cuts live speech into utterances by its silences: for providers that only take whole recordings."""

from dataclasses import dataclass

from aignehub.v1.audio_service_pb2 import VoiceActivityOptions
from google.protobuf.duration_pb2 import Duration

from server.wire import pcm

_FRAME = 0.02  # seconds that are judged together
_SILENCE = 0.5
_PREFIX = 0.3
_LONGEST = 60.0
"""Seconds after which an utterance is cut though nobody paused: it is held in memory."""
_THRESHOLD = 0.5
_LOUDEST_THRESHOLD = 0.04
"""The level at threshold 1; the usual 0.5 is 0.02, which is 34 dB below full scale."""


@dataclass(frozen=True, slots=True)
class Started:
    """Speech began so many seconds from the start of the audio."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Utterance:
    """Samples of one utterance, and where it began and ended in seconds from the start of the audio."""

    samples: bytes
    first: float
    """Where the first sample is: some audio from before speech began is kept."""
    began: float
    ended: float


class UtteranceCutter:
    """Fed with 16-bit samples of one channel; holds at most a minute of them."""

    def __init__(self, rate: int, activity: VoiceActivityOptions) -> None:
        self._rate = rate
        self._frame = int(rate * _FRAME) * pcm.WIDTH
        self._by_hand = activity.disabled
        threshold = activity.threshold if activity.HasField("threshold") else _THRESHOLD
        self._threshold = threshold * _LOUDEST_THRESHOLD
        self._silence = _seconds(activity.silence_duration, _SILENCE)
        self._prefix = int(_seconds(activity.prefix_padding, _PREFIX) * rate) * pcm.WIDTH
        self._rest = b""
        self._held = bytearray()
        self._begun = 0
        """Bytes of audio before what is held."""
        self._started: float | None = None
        self._quiet = 0.0

    def feed(self, samples: bytes) -> list[Started | Utterance]:
        """What these samples began or ended, in order."""
        data = self._rest + samples
        whole = len(data) // self._frame * self._frame
        self._rest = data[whole:]
        found: list[Started | Utterance] = []
        for place in range(0, whole, self._frame):
            found += self._judge(data[place : place + self._frame])
        return found

    def end(self) -> list[Started | Utterance]:
        """Ends the utterance now; nothing where there was no speech since the last one."""
        self._held += self._rest
        self._rest = b""
        if self._started is None and not (self._by_hand and self._held):
            return []
        return [self._cut()]

    def _judge(self, frame: bytes) -> list[Started | Utterance]:
        self._held += frame
        found: list[Started | Utterance] = []
        if self._by_hand:
            return [self._cut()] if self._held_seconds() >= _LONGEST else []
        loud = pcm.level(pcm.samples_of(frame)) > self._threshold
        if self._started is None:
            if loud:
                self._started = self._place() - _FRAME
                found.append(Started(self._started))
            else:
                self._forget(len(self._held) - self._prefix)
        self._quiet = 0.0 if loud else self._quiet + _FRAME
        if self._started is not None and (self._quiet >= self._silence or self._held_seconds() >= _LONGEST):
            found.append(self._cut())
        return found

    def _cut(self) -> Utterance:
        ended = self._place() - (self._quiet if self._started is not None else 0.0)
        first = self._begun / pcm.WIDTH / self._rate
        began = first if self._started is None else self._started
        utterance = Utterance(bytes(self._held), first, began, max(began, ended))
        self._forget(len(self._held))
        self._started, self._quiet = None, 0.0
        return utterance

    def _forget(self, size: int) -> None:
        if size > 0:
            del self._held[:size]
            self._begun += size

    def _place(self) -> float:
        """Seconds of audio up to the end of what is held."""
        return (self._begun + len(self._held)) / pcm.WIDTH / self._rate

    def _held_seconds(self) -> float:
        return len(self._held) / pcm.WIDTH / self._rate


def _seconds(told: Duration, default: float) -> float:
    seconds = told.ToMicroseconds() / 1_000_000
    return min(seconds, _LONGEST) if seconds > 0 else default
