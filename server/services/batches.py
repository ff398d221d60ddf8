"""A stream of batches, each answered on its own: as it is ready, and without ending the stream where it fails."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from aignehub.v1.embedding_service_pb2 import (
    CreateEmbeddingsResponse,
    StreamEmbeddingsRequest,
    StreamEmbeddingsResponse,
)

from server.calls import current_call
from server.errors import DeadlineExceeded, HubError, InvalidArgument
from server.statuses import rich_status, unexpected

IN_FLIGHT = 4
"""Batches of one stream that are worked on or wait to be written. No further one is read until an answer has left, so
that a slow provider and a slow reader both hold the writer back."""

_Work = Callable[[StreamEmbeddingsRequest], Awaitable[CreateEmbeddingsResponse]]
_Answer = StreamEmbeddingsResponse | BaseException | None


class Batches:
    """The batches of one stream. Whichever way it ends, no task of it is left."""

    def __init__(self, work: _Work, deadline: float) -> None:
        """``work`` answers one batch or raises; ``deadline`` of the whole stream is on the loop's clock."""
        self._work = work
        self._deadline = deadline
        self._free = asyncio.Semaphore(IN_FLIGHT)
        # Never longer than the batches in flight and the end.
        self._ready: asyncio.Queue[_Answer] = asyncio.Queue()
        self._ids: set[int] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def answers(
        self, requests: AsyncIterator[StreamEmbeddingsRequest]
    ) -> AsyncGenerator[StreamEmbeddingsResponse]:
        """An answer for every batch, as they become ready. Raises DeadlineExceeded, and what reading raises."""
        reader = asyncio.create_task(self._read(requests))
        try:
            while (answer := await self._next()) is not None:
                if isinstance(answer, BaseException):
                    raise answer
                yield answer
                self._free.release()
        finally:
            await _end({reader, *self._tasks})

    async def _next(self) -> _Answer:
        try:
            async with asyncio.timeout_at(self._deadline):
                return await self._ready.get()
        except TimeoutError:
            raise DeadlineExceeded("the deadline of the stream passed; send what is left in another") from None

    async def _read(self, requests: AsyncIterator[StreamEmbeddingsRequest]) -> None:
        end: _Answer = None
        try:
            await self._free.acquire()
            async for batch in requests:
                self._begin(batch)
                await self._free.acquire()
            if self._tasks:
                await asyncio.wait(self._tasks)
        except Exception as error:
            end = error
        self._ready.put_nowait(end)

    def _begin(self, batch: StreamEmbeddingsRequest) -> None:
        if batch.batch_id in self._ids:
            why = f"{batch.batch_id} is in flight already; this batch was not embedded, number each differently"
            self._ready.put_nowait(_failed(batch.batch_id, InvalidArgument.field("batch_id", why)))
            return
        self._ids.add(batch.batch_id)
        task = asyncio.create_task(self._run(batch))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, batch: StreamEmbeddingsRequest) -> None:
        try:
            answer = StreamEmbeddingsResponse(batch_id=batch.batch_id, response=await self._work(batch))
        except HubError as error:
            answer = _failed(batch.batch_id, error)
        except Exception as error:
            answer = _failed(batch.batch_id, unexpected(error))
        self._ids.discard(batch.batch_id)
        self._ready.put_nowait(answer)


def _failed(batch_id: int, error: HubError) -> StreamEmbeddingsResponse:
    status = rich_status(error, current_call.get().request_id)
    return StreamEmbeddingsResponse(batch_id=batch_id, error=status)


async def _end(tasks: "set[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
