"""A recording while it comes in: read once from its source, however many ask for it and whoever gives up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from server.backends.arrival import Arrival
from server.errors import InvalidArgument, ProviderUnavailable

PIECES = [b"one", b"two", b"three"]


async def all_of(arrival: Arrival) -> list[bytes]:
    return [piece async for piece in arrival.pieces()]


class Source:
    """Pieces that come when they are let through."""

    def __init__(self, pieces: list[bytes], *, failure: Exception | None = None) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self._pieces = pieces
        self._failure = failure

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            self.asked += 1
            await self.gate.wait()
            yield piece
        if self._failure is not None:
            raise self._failure


def arriving(source: Source, kept_bytes: int = 100) -> Arrival:
    return Arrival(aiter(source), kept_bytes=kept_bytes)


async def test_it_can_be_read_again_and_by_two_at_once() -> None:
    source = Source(PIECES)
    async with arriving(source) as arrival:
        asyncio.get_running_loop().call_later(0.01, source.gate.set)
        one, other = await asyncio.gather(all_of(arrival), all_of(arrival))
        assert one == other == PIECES
        assert await all_of(arrival) == PIECES
        assert arrival.whole
    assert source.asked == 3


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    source = Source(PIECES)
    source.gate.set()
    async with arriving(source) as arrival, aclosing(arrival.pieces()) as pieces:
        assert source.asked == 0
        assert await anext(pieces) == b"one"
        await asyncio.sleep(0)
        assert source.asked == 1


async def test_a_reader_who_gives_up_loses_nothing_for_the_next() -> None:
    source = Source(PIECES)
    async with arriving(source) as arrival:
        waiting = asyncio.create_task(all_of(arrival))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        source.gate.set()
        assert await all_of(arrival) == PIECES


async def test_what_is_too_long_to_keep_is_told_once() -> None:
    source = Source(PIECES)
    source.gate.set()
    async with arriving(source, kept_bytes=5) as arrival:
        assert await all_of(arrival) == PIECES
        assert not arrival.whole
        with pytest.raises(ProviderUnavailable, match="second time"):
            await all_of(arrival)


async def test_a_fault_of_the_source_reaches_every_reader() -> None:
    source = Source(PIECES[:1], failure=InvalidArgument.field("config", "comes once"))
    source.gate.set()
    async with arriving(source) as arrival:
        for _ in range(2):
            with pytest.raises(InvalidArgument):
                await all_of(arrival)


async def test_leaving_it_ends_the_reading() -> None:
    source = Source(PIECES)
    async with arriving(source) as arrival:
        waiting = asyncio.create_task(all_of(arrival))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert len([task for task in asyncio.all_tasks() if task is not asyncio.current_task()]) == 0
