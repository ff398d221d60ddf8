"""Two attempts side by side: the second begins where the first is slow, the first content wins."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from server.errors import HubError
from server.routing.attempt import Attempt
from server.routing.budget import HedgeBudget
from server.routing.course import Course

T = TypeVar("T")


class Lost(Exception):
    """An attempt failed, and none runs beside it."""

    def __init__(self, attempt: Attempt, error: HubError) -> None:
        super().__init__()
        self.attempt = attempt
        self.error = error


class Race(Generic[T]):
    """One race. ``one`` makes an attempt, ``drop`` closes what a loser gave that nobody will read."""

    def __init__(
        self,
        course: Course,
        one: Callable[[Attempt], Awaitable[T]],
        drop: Callable[[T], Awaitable[None]],
        budget: HedgeBudget,
    ) -> None:
        self._course = course
        self._one = one
        self._drop = drop
        self._budget = budget
        self._running: dict[asyncio.Task[T], Attempt] = {}

    async def run(self, attempt: Attempt, hedge_after: float) -> tuple[Attempt, T]:
        """The attempt whose content came first, and what it gave; the other is cancelled. Raises Lost.

        Where the budget is spent or no other provider may be asked, the first runs on alone.
        """
        self._start(attempt)
        wait: float | None = hedge_after
        try:
            while True:
                done, _ = await asyncio.wait(self._running, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                if not done:
                    wait = None
                    if self._budget.spend() and (second := self._course.beside(attempt)) is not None:
                        self._start(second)
                elif (won := self._won(done)) is not None:
                    return won
        finally:
            await self._end()

    def _start(self, attempt: Attempt) -> None:
        async def made() -> T:
            return await self._one(attempt)

        self._running[asyncio.create_task(made())] = attempt

    def _won(self, done: set[asyncio.Task[T]]) -> tuple[Attempt, T] | None:
        """The winner among those that ended; None where others still run. Raises Lost where none does."""
        for task in done:
            attempt = self._running[task]
            error = task.exception()
            if error is None:
                del self._running[task]
                for loser in self._running.values():
                    loser.lost()
                return attempt, task.result()
            if not isinstance(error, HubError):
                raise error
            del self._running[task]
            if not self._running:
                raise Lost(attempt, error)
            self._course.failed(attempt, error)
        return None

    async def _end(self) -> None:
        left, self._running = self._running, {}
        for task in left:
            task.cancel()
        for result in await asyncio.gather(*left, return_exceptions=True):
            if not isinstance(result, BaseException):
                await self._drop(result)
        for attempt in left.values():
            attempt.abandoned()
