"""How far a long work is, on a terminal's standard error."""

import sys
from time import monotonic
from types import TracebackType
from typing import Self

_WIDTH = 30
_PAUSE = 0.1  # seconds between two drawings
_CLEAR = "\r\x1b[K"


class Progress:
    """A bar, or a count where nobody knows how many there will be. Nothing at all where no one is watching."""

    def __init__(self, total: int | None) -> None:
        """``total`` is the number of texts, None where it is not known."""
        self._total = total
        self._shown = sys.stderr.isatty()
        # A bar within the lines that the command prints on the same terminal has to give way to them.
        self._shared = sys.stdout.isatty()
        self._began = monotonic()
        self._drawn = 0.0
        self._there = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clear()

    def show(self, done: int) -> None:
        """Draws anew, at most ten times a second."""
        now = monotonic()
        if not self._shown or now - self._drawn < _PAUSE:
            return
        self._drawn = now
        self._there = True
        rate = done / max(now - self._began, 0.001)
        sys.stderr.write(f"{_CLEAR}{self._bar(done)} {rate:.0f}/s")
        sys.stderr.flush()

    def hide(self) -> None:
        """Makes room for lines that are about to be printed."""
        if self._shared:
            self._clear()

    def _clear(self) -> None:
        if self._there:
            self._there = False
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()

    def _bar(self, done: int) -> str:
        if not self._total:
            return f"{done} texts"
        filled = _WIDTH * done // self._total
        return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {done}/{self._total}"
