"""A recording while it comes in: handed on at once, and kept as long as it is small enough to be sent a second time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Self

from server.errors import ProviderUnavailable
from server.wire.recording import GATHERED_BYTES


class Arrival:
    """See Coming. Left, it reads no further."""

    def __init__(self, source: AsyncIterator[bytes], *, kept_bytes: int = GATHERED_BYTES) -> None:
        self._source = source
        self._most = kept_bytes
        self._size = 0
        self._kept: list[bytes] = []
        self._first = 0
        """Which piece the first of those that are kept is."""
        self._whole = True
        self._ended = False
        self._failure: Exception | None = None
        self._reading: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    @property
    def whole(self) -> bool:
        """See Coming.whole."""
        return self._whole

    async def pieces(self) -> AsyncGenerator[bytes]:
        """See Coming.pieces."""
        place = 0
        while True:
            if place < self._first:
                raise ProviderUnavailable("the recording is too long to be kept, so it cannot be sent a second time")
            while place - self._first < len(self._kept):
                yield self._kept[place - self._first]
                place += 1
            if place < self._first:
                continue
            if self._failure is not None:
                raise self._failure
            if self._ended:
                return
            await self._next()

    async def _next(self) -> None:
        """Waits for one more piece. Whoever gives up waiting leaves the reading to the others."""
        if self._reading is None:
            self._reading = asyncio.create_task(self._read())
        await asyncio.shield(self._reading)

    async def _read(self) -> None:
        try:
            piece = await anext(self._source, None)
        except Exception as error:
            self._failure = error
        else:
            if piece is None:
                self._ended = True
            else:
                self._keep(piece)
        finally:
            self._reading = None

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        self._whole = self._size <= self._most
        if not self._whole:
            self._first += len(self._kept)
            self._kept.clear()
        self._kept.append(piece)
