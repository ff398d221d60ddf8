"""Where the texts come from: arguments, files, or standard input line by line as it comes."""

import asyncio
import os
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from server.cli.failure import USAGE, CommandFailed

_LARGEST_TEXT = 16 * 1024 * 1024  # no model reads as much; without a bound a file without line ends would fill memory
_READ = 64 * 1024
_AHEAD = 16  # reads waiting to be embedded


@dataclass(frozen=True, slots=True)
class Source:
    """Texts that are all known from the beginning; files are read when their turn comes."""

    words: Sequence[str]
    files: Sequence[Path]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.words) + len(self.files)

    async def texts(self) -> AsyncIterator[str]:
        """Each in turn."""
        for place, word in enumerate(self.words):
            yield _sound(word, f"TEXT {place + 1}")
        for path in self.files:
            yield _whole(path)


def read_texts(words: Sequence[str], files: Sequence[Path]) -> Source | None:
    """What the command line names; None where it names nothing, and standard input is meant."""
    if list(words) == ["-"] and not files:
        return None
    return Source(words, files) if words or files else None


async def batches_of(texts: AsyncIterator[str], size: int) -> AsyncGenerator[list[str]]:
    """The texts in lists of ``size``, the last one shorter."""
    batch: list[str] = []
    async for text in texts:
        batch.append(text)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


async def lines_of_standard_input() -> AsyncIterator[str]:
    """Every line without its end, as it comes. Raises CommandFailed naming a line that cannot be embedded."""
    number = 0
    rest = b""
    async for data in _standard_input():
        *lines, rest = (rest + data).split(b"\n")
        if len(rest) > _LARGEST_TEXT:
            raise CommandFailed(f"line {number + len(lines) + 1} is longer than 16 MiB", "cut it", status=USAGE)
        for line in lines:
            number += 1
            yield _line(line, number)
    if rest:
        yield _line(rest, number + 1)


async def _standard_input() -> AsyncIterator[bytes]:
    """Reads in a thread of its own, which may be left waiting: the terminal has no other way to be read."""
    loop = asyncio.get_running_loop()
    room = threading.Semaphore(_AHEAD)
    pieces: asyncio.Queue[bytes | OSError] = asyncio.Queue()
    source = sys.stdin.fileno()  # its buffer has a lock, which a thread that waits would hold as the program ends

    def read() -> None:
        data: bytes | OSError = b"begin"
        while data and not isinstance(data, OSError):
            room.acquire()
            try:
                data = os.read(source, _READ)
            except OSError as error:
                data = error
            try:
                loop.call_soon_threadsafe(pieces.put_nowait, data)
            except RuntimeError:  # the loop is closed: nobody waits for more
                return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while data := await pieces.get():
        room.release()
        if isinstance(data, OSError):
            raise CommandFailed("standard input cannot be read", "give a TEXT or a --file", status=USAGE)
        yield data


def _line(line: bytes, number: int) -> str:
    text = _decoded(line.removesuffix(b"\r"), f"line {number}")
    if not text.strip():
        raise CommandFailed(f"line {number} is empty", "leave such lines out, for example with grep .", status=USAGE)
    return text


def _whole(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_TEXT + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CommandFailed(f"--file: {path}: {why}", "name a file that you can read", status=USAGE) from None
    if len(data) > _LARGEST_TEXT:
        raise CommandFailed(f"--file: {path} is larger than 16 MiB", "cut it into pieces", status=USAGE)
    text = _decoded(data, str(path))
    if not text.strip():
        raise CommandFailed(f"--file: {path} holds no text", "name another", status=USAGE)
    return text


def _decoded(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise CommandFailed(f"{what} is not UTF-8 text", "convert it, for example with iconv", status=USAGE) from None


def _sound(text: str, what: str) -> str:
    # Bytes of the command line that are no text arrive as lone surrogates, which no protobuf string may hold.
    return _decoded(text.encode("utf-8", "surrogateescape"), what)
