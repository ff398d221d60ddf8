"""Where the vectors go: JSON lines on standard output, or one array in a .npy file."""

import sys
from array import array
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

import orjson
from aignehub.v1 import embedding_service_pb2 as pb

from server.cli.failure import FAILED, USAGE, CommandFailed

_HEADER = 128  # bytes of the .npy header, with room for any number of rows


class Sink(Protocol):
    """Takes the answers in order; a context manager that leaves nothing half done."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Lets go of what is open."""

    def write(self, first: int, answer: pb.CreateEmbeddingsResponse) -> None:
        """The vectors of one batch, whose first text is number ``first``."""

    def finish(self) -> None:
        """Called once everything was written."""


class JsonLines:
    """A line each, flushed with every batch so that a pipe sees it at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def write(self, first: int, answer: pb.CreateEmbeddingsResponse) -> None:
        """Every number is written as the double that it is: reading it back as a single float loses nothing."""
        for place, one in enumerate(answer.embeddings):
            line = orjson.dumps({"index": first + place, "embedding": _floats(one).tolist()})
            sys.stdout.write(line.decode() + "\n")
        sys.stdout.flush()

    def finish(self) -> None:
        """Nothing is left to do."""


class NpyFile:
    """An array of little-endian float32, a row for each text, which numpy.load reads.

    https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """

    def __init__(self, path: Path) -> None:
        """Nothing is written yet; the file appears under its name only when it is whole."""
        self._path = path
        self._begun = path.with_name(f".{path.name}.part")
        self._file: IO[bytes] | None = None
        self._rows = self._columns = 0

    def __enter__(self) -> Self:
        try:
            self._file = self._begun.open("wb")
            self._file.write(bytes(_HEADER))
        except OSError as error:
            raise self._unwritable(error, USAGE) from None
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._begun.unlink(missing_ok=True)

    def write(self, first: int, answer: pb.CreateEmbeddingsResponse) -> None:
        """Appends the rows. Raises CommandFailed where they are of another length than those before."""
        if self._rows and answer.dimensions != self._columns:
            raise CommandFailed(
                f"text {first} has a vector of {answer.dimensions} numbers, those before of {self._columns}",
                "name one --model with its provider",
            )
        self._columns = answer.dimensions
        self._rows += len(answer.embeddings)
        self._put(b"".join(one.packed for one in answer.embeddings))

    def finish(self) -> None:
        """Writes the header and gives the file its name."""
        described = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({self._rows}, {self._columns}), }}"
        begin = b"\x93NUMPY\x01\x00" + (_HEADER - 10).to_bytes(2, "little")
        assert self._file is not None, "entered before it is finished"  # noqa: S101 - a programming error, not input
        try:
            self._file.seek(0)
            self._file.write(begin + described.ljust(_HEADER - 11).encode() + b"\n")
            self._file.close()
            self._begun.replace(self._path)
        except OSError as error:
            raise self._unwritable(error, FAILED) from None

    def _put(self, data: bytes) -> None:
        assert self._file is not None, "entered before it is written to"  # noqa: S101 - as above
        try:
            self._file.write(data)
        except OSError as error:
            raise self._unwritable(error, FAILED) from None

    def _unwritable(self, error: OSError, status: int) -> CommandFailed:
        why = error.strerror or "it cannot be written"
        return CommandFailed(f"--npy: {self._path}: {why}", "name a file that you can write", status=status)


def _floats(one: pb.Embedding) -> "array[float]":
    found = array("f", one.packed)
    if sys.byteorder == "big":
        found.byteswap()
    return found
