"""A coroutine that is under way before anybody waits for it, without a task of its own."""

from collections.abc import Coroutine, Generator
from contextlib import suppress
from typing import Any


class Begun:
    """Runs a coroutine up to its first wait at once, and the rest when it is awaited; then it is often there already.

    The coroutine may wait for futures alone. What its first part raises is raised when this is made.
    """

    __slots__ = ("_coroutine", "_future")

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._coroutine = coroutine
        try:
            self._future: Any = coroutine.send(None)
        except StopIteration:
            self._future = None

    def over(self) -> bool:
        """Whether nothing is left to wait for, having run what was left. Raises what the coroutine does."""
        while self._future is not None and self._future.done():
            self._future = None
            try:
                self._future = self._coroutine.send(None)
            except StopIteration:
                return True
        return self._future is None

    def __await__(self) -> Generator[Any, Any, None]:
        """Returns when the coroutine has. Raises what it does."""
        while not self.over():
            try:
                yield self._future  # which the coroutine itself has marked as waited for, as a task wants it
            except BaseException:
                self.drop()
                raise

    def drop(self) -> None:
        """Nobody waits for it any more. What needs no more waiting is still run."""
        with suppress(Exception):
            self.over()
        self._future = None
        self._coroutine.close()
