"""Live transcription over a WebSocket, whichever provider speaks it: what is asked for, and what its events tell."""

from dataclasses import dataclass, field
from enum import Enum, auto

from aignehub.v1.audio_pb2 import Transcript
from aignehub.v1.audio_service_pb2 import StreamTranscriptionConfig
from aignehub.v1.usage_pb2 import Usage
from google.protobuf.duration_pb2 import Duration

from server.errors import HubError, InvalidArgument, UnsupportedByProvider
from server.wire.audio.complete import SUBTITLES
from server.wire.http import HttpRequest

Frame = str | bytes
"""One message of a WebSocket, of the kind that its type is."""

_LONGEST = 60_000  # milliseconds


@dataclass(frozen=True, slots=True)
class LivePlan:
    """How one call is served, however many sessions that takes."""

    request: HttpRequest
    """The handshake; its ``adjusted_fields`` are what was dropped."""
    rate: int
    """Of the 16-bit samples of one channel that a session hears."""
    detects: bool
    """Whether the provider finds the ends of utterances."""
    greeting: tuple[Frame, ...] = ()
    """Sent first."""
    awaits_ready: bool = True
    """False where an open socket is a listening one."""
    session_seconds: float = float("inf")
    """A session is given up for a new one after this long."""
    keep_alive: float = 0.0
    """Seconds without audio after which the provider must hear something; 0 where it does not mind."""


class Kind(Enum):
    """What an event of the provider tells."""

    CREATED = auto()
    READY = auto()
    SPEECH_STARTED = auto()
    SPEECH_STOPPED = auto()
    COMMITTED = auto()
    """An utterance has ended; its transcript comes."""
    NOTHING_COMMITTED = auto()
    """The oldest commit of ours found nothing to end."""
    DELTA = auto()
    """More text of an utterance."""
    GUESS = auto()
    """All the text of an utterance as it seems now."""
    COMPLETED = auto()
    """An utterance's transcript, which will not change."""
    EXPIRED = auto()
    """The session is over and another may go on."""
    ENDED = auto()
    """Everything that was heard is told; comes after the frames of ``finish``."""
    FAILED = auto()


@dataclass(frozen=True, slots=True)
class Event:
    """One event. Every time in it is counted in seconds from the session's first sample."""

    kind: Kind
    item: str = ""
    """Which utterance; the session's own id for CREATED and READY."""
    text: str = ""
    seconds: float = 0.0
    span: tuple[float, float] | None = None
    """Where an utterance begins and ends, where a COMMITTED event tells it."""
    answers: bool = False
    """Whether a COMMITTED event with a span answers the oldest commit of ours."""
    transcript: Transcript | None = None
    """Words with their times, speakers and the language, where a COMPLETED event tells them."""
    usage: Usage | None = None
    """Of the utterance (COMPLETED) or of the whole session (ENDED)."""
    error: HubError | None = field(default=None)


def refuse_untold(config: StreamTranscriptionConfig, name: str, *, words: bool) -> None:
    """Refuses what no live session tells: subtitles, log probabilities, and, without ``words``, times and speakers."""
    options = config.options
    asked = {
        "word_timestamps": options.word_timestamps and not words,
        "diarization": options.HasField("diarization") and not words,
        "logprobs": options.logprobs,
        "format": options.format in SUBTITLES,
    }
    for field_name, is_set in asked.items():
        if is_set:
            raise UnsupportedByProvider.of(
                f"config.options.{field_name}",
                f"{name} does not tell it live; send the recording to UploadTranscription",
            )


def milliseconds(told: Duration) -> int:
    """A duration of the caller's ``voice_activity``. Raises InvalidArgument where it is below 0 or above a minute."""
    found = round(told.ToMicroseconds() / 1000)
    if not 0 <= found <= _LONGEST:
        raise InvalidArgument.field("config.voice_activity", "its durations are from 0 to 60 s")
    return found
