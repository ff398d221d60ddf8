"""What is to be transcribed, whichever method it came by."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from aignehub.v1.audio_pb2 import AudioInputConfig, TranscriptionOptions
from aignehub.v1.options_pb2 import GatewayOptions

from server.errors import InvalidArgument
from server.wire import sound

GATHERED_BYTES = 25 * 1024 * 1024
"""Most of a recording that is held in memory; OpenAI's and Groq's own bound of one."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """How a provider takes recordings."""

    max_bytes: int = GATHERED_BYTES
    """Of one recording."""
    chunked: bool = False
    """Whether it takes one that is still coming, so that nobody knows its length."""


WHOLE = Uploads()
CHUNKED = Uploads(chunked=True)


def too_large(path: str, most: int) -> InvalidArgument:
    """A recording above the bound of whoever takes it."""
    return InvalidArgument.field(
        path, f"holds more than {most} bytes, which is the most of one recording; compress it, or send it in parts"
    )


class Coming(Protocol):
    """A recording that the caller is still sending."""

    @property
    def whole(self) -> bool:
        """Whether all of it that came is kept, so that it can be read from its beginning once more."""

    def pieces(self) -> AsyncGenerator[bytes]:
        """All of it from its beginning, as it comes. Raises what reading it raises."""


class Passage:
    """The bytes of a recording that is still coming, handed on once as they come.

    Keeps only how many passed and what both ends tell of the sound. Raises InvalidArgument naming ``path`` where there
    are more than ``most``.
    """

    def __init__(self, coming: AsyncIterator[bytes], *, path: str, most: int) -> None:
        self._coming = coming
        self._path = path
        self._most = most
        self._size = 0
        self._head = self._tail = b""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        piece = await anext(self._coming)
        self._size += len(piece)
        if self._size > self._most:
            raise too_large(self._path, self._most)
        if len(self._head) < sound.LOOKED_AT:
            self._head += piece[: sound.LOOKED_AT - len(self._head)]
        self._tail = (self._tail + piece[-sound.LOOKED_AT :])[-sound.LOOKED_AT :]
        return piece

    def describe(self) -> sound.Sound:
        """What is told by the bytes that passed."""
        return sound.describe_ends(self._head, self._tail, self._size)


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in pieces that are never joined, or on its way, or the URL it is to be fetched from."""

    pieces: tuple[bytes, ...] = ()
    url: str = ""
    coming: Coming | None = None
    """All of it, in place of ``pieces``, where the caller is still sending it."""
    passage: Passage | None = None
    """All of it, in place of ``pieces``, where it is to be handed on as it comes."""
    mime_type: str = ""
    """As the caller said, until ``ready`` puts what the bytes say."""
    filename: str = ""
    field: str = "audio.data"
    """The proto path to name where the bytes are wrong."""
    mime_field: str = "audio.mime_type"

    @property
    def size(self) -> int:
        """Bytes in all, as far as they are here."""
        return sum(map(len, self.pieces))

    def describe(self) -> sound.Sound:
        """What the bytes tell of the sound; of a passage, once it has passed."""
        return self.passage.describe() if self.passage is not None else sound.describe(self.pieces)


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
    input_field: str = "input"
    target_field: str = "target_language"

    def heard_from(self, recording: Recording) -> "Dictation":
        """The same with another recording."""
        return replace(self, recording=recording)
