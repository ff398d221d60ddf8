"""Bounds on time and memory, held on a machine that others use too."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

P = ParamSpec("P")


def best_of_three(test: Callable[P, Awaitable[None]]) -> Callable[P, Awaitable[None]]:
    """The test passes where one of three runs does: a busy neighbour can only make a measurement worse."""

    @functools.wraps(test)
    async def run(*arguments: P.args, **named: P.kwargs) -> None:
        for _ in range(2):
            try:
                return await test(*arguments, **named)
            except (AssertionError, TimeoutError):
                continue
        return await test(*arguments, **named)

    return run
