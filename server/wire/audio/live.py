"""Live transcription over a WebSocket, whichever provider speaks it: what is asked for, and what its events tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Protocol

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
    dialogue: "Callable[[], LiveDialogue]"
    """Makes what speaks one session."""
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


class LiveDialogue(Protocol):
    """One session of live transcription, both ways. One object per session; it owns all state of it."""

    def append(self, samples: bytes) -> Frame:
        """The message that adds samples."""

    def commit(self) -> Sequence[Frame]:
        """The messages that end the utterance now."""

    def keep_alive(self) -> Sequence[Frame]:
        """The messages that keep a session open which hears nothing."""

    def finish(self) -> Sequence[Frame]:
        """The messages that have the provider tell the rest and end the session with an event ENDED.

        Nothing where a commit and its answer are all there is to the end of a session.
        """

    def read(self, message: Frame) -> Sequence[Event]:
        """What a message means, in order; nothing where it is of no interest.

        Raises ProviderBadResponse where it cannot be read.
        """

    def patience(self) -> float | None:
        """Seconds within which another message must come before ``overdue`` is asked; None where none is due."""

    def overdue(self) -> Sequence[Event]:
        """What it means that no message came within ``patience``."""


def refuse_untold(config: StreamTranscriptionConfig, name: str, *, words: bool = False, speakers: bool = False) -> None:
    """Refuses what the host ``name`` does not tell live: subtitles and log probabilities, and words and speakers."""
    options = config.options
    asked = {
        "word_timestamps": options.word_timestamps and not words,
        "diarization": options.HasField("diarization") and not speakers,
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
