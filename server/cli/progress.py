"""One line that grows while bytes pass: on a terminal, on standard error, and gone at the end."""

import sys
from time import monotonic
from types import TracebackType
from typing import Self

_EVERY = 0.1  # seconds between two looks of the line
_WIDTH = 24


class Progress:
    """Counts bytes; shows a bar where the total is known. Silent where standard error is no terminal."""

    def __init__(self, verb: str, total: int | None = None) -> None:
        self._verb = verb
        self._total = total
        self._done = 0
        self._shown = 0.0
        self._on = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._on and self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def add(self, size: int) -> None:
        """So many bytes more."""
        self._done += size
        now = monotonic()
        if self._on and now - self._shown >= _EVERY:
            self._shown = now
            sys.stderr.write(f"\r\x1b[K{self._line()}")
            sys.stderr.flush()

    def _line(self) -> str:
        size = f"{self._done / 1024 / 1024:.1f} MiB {self._verb}"
        if not self._total:
            return size
        full = min(_WIDTH, self._done * _WIDTH // self._total)
        return f"[{'#' * full}{'.' * (_WIDTH - full)}] {size}"
