"""The file that ``hub speak`` writes: what it held stays until the first sound is there."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from server.cli.failure import USAGE, CommandFailed


class SoundFile:
    """Takes sound as it comes; an older content goes with the first of it."""

    def __init__(self, file: BinaryIO, *, replace: bool) -> None:
        self._file = file
        self._replace = replace
        self.begun = False
        """Whether any sound came."""

    def write(self, sound: bytes) -> None:
        """Writes it after what came before."""
        if self._replace and not self.begun:
            self._file.truncate(0)
        self.begun = True
        self._file.write(sound)


@contextmanager
def sound_file(output: str) -> Iterator[SoundFile]:
    """``-`` is standard output. Raises CommandFailed where the file cannot be written, before anything is paid for."""
    if output == "-":
        yield SoundFile(sys.stdout.buffer, replace=False)
        sys.stdout.buffer.flush()
        return
    path = Path(output)
    was_there = path.exists()
    try:
        opened = path.open("ab")
    except OSError as error:
        why = error.strerror or "it cannot be written"
        raise CommandFailed(f"-o: {output}: {why}", "name a file that you can write", status=USAGE) from None
    with opened:
        sound = SoundFile(opened, replace=path.is_file())  # a pipe or a device holds nothing that could go
        try:
            yield sound
        finally:
            if not (was_there or sound.begun):
                path.unlink()
