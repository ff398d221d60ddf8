"""A coroutine that is under way before it is awaited runs as it would in a task of its own."""

import asyncio
from collections.abc import Awaitable

import pytest

from server.begun import Begun


class _Step:
    """What a coroutine did, one entry after the other."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.next: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        try:
            self.done.append("begun")
            self.done.append(await self.future)
            self.done.append(await self.next)
        finally:
            self.done.append("ended")


async def test_it_runs_to_its_first_wait_at_once_and_on_when_asked() -> None:
    step = _Step()
    begun = Begun(step.run())
    assert step.done == ["begun"]
    assert not begun.over()
    step.future.set_result("a")
    assert step.done == ["begun"]
    assert not begun.over()
    assert step.done == ["begun", "a"]
    step.next.set_result("b")
    assert begun.over()
    assert begun.over()
    assert step.done == ["begun", "a", "b", "ended"]
    await begun


async def test_it_can_be_awaited_at_any_time() -> None:
    step = _Step()
    begun = Begun(step.run())
    asyncio.get_running_loop().call_later(0.001, step.future.set_result, "a")
    asyncio.get_running_loop().call_later(0.002, step.next.set_result, "b")
    await asyncio.wait_for(_of(begun), 2)
    assert step.done == ["begun", "a", "b", "ended"]


async def test_it_raises_what_the_coroutine_does() -> None:
    step = _Step()
    begun = Begun(step.run())
    step.future.set_exception(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        begun.over()
    assert begun.over()

    again = _Step()
    begun = Begun(again.run())
    asyncio.get_running_loop().call_soon(again.future.set_exception, ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await asyncio.wait_for(_of(begun), 2)
    assert again.done == ["begun", "ended"]


async def test_what_its_first_part_raises_is_raised_at_once() -> None:
    async def fails() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Begun(fails())


async def test_it_ends_where_whoever_waits_is_cancelled() -> None:
    step = _Step()
    waiting = asyncio.create_task(_of(Begun(step.run())))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 2)
    assert step.done == ["begun", "ended"]
    assert step.future.cancelled()


async def test_it_ends_where_it_is_dropped() -> None:
    step = _Step()
    begun = Begun(step.run())
    begun.drop()
    assert step.done == ["begun", "ended"]
    assert begun.over()


async def _of(awaitable: Awaitable[None]) -> None:
    await awaitable
