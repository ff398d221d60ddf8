"""What is to be transcribed, whichever method it came by."""

from dataclasses import dataclass, field, replace

from aignehub.v1.audio_pb2 import AudioInputConfig, TranscriptionOptions
from aignehub.v1.options_pb2 import GatewayOptions


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in pieces that are never joined, or the URL it is to be fetched from."""

    pieces: tuple[bytes, ...] = ()
    url: str = ""
    mime_type: str = ""
    """As the caller said, until ``ready`` puts what the bytes say."""
    filename: str = ""
    field: str = "audio.data"
    """The proto path to name where the bytes are wrong."""
    mime_field: str = "audio.mime_type"

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(map(len, self.pieces))


@dataclass(frozen=True, slots=True)
class Dictation:
    """One recording and everything asked of its transcript."""

    recording: Recording
    input: AudioInputConfig = field(default_factory=AudioInputConfig)
    options: TranscriptionOptions = field(default_factory=TranscriptionOptions)
    gateway: GatewayOptions = field(default_factory=GatewayOptions)
    translate: bool = False
    """True where the transcript is wanted in another language than was spoken."""
    target_language: str = ""
    """Wanted for a translation; empty is English."""
    options_field: str = "options"
    """The proto path of ``options``."""
    target_field: str = "target_language"

    def heard_from(self, recording: Recording) -> "Dictation":
        """The same with another recording."""
        return replace(self, recording=recording)
