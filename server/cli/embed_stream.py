"""Many batches over one stream, their answers in the order of the batches."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from time import monotonic
from typing import Any

from aignehub.v1 import embedding_service_pb2 as pb
from google.rpc.status_pb2 import Status

from server.cli.client import Hub
from server.cli.early_end import true_status
from server.cli.explain import explain_status
from server.cli.failure import CommandFailed

_IN_FLIGHT = 8  # twice what the hub works on together, so that it never waits for us


async def embed_all(
    hub: Hub, begin: pb.CreateEmbeddingsRequest, batches: AsyncIterator[list[str]], timeout: float | None
) -> AsyncGenerator[pb.CreateEmbeddingsResponse]:
    """An answer for every batch, in order. Raises CommandFailed naming the texts of a batch that failed.

    The first batch is a call of its own. It is the only one where there are few texts, and where a key or a model is
    refused, the refusal then arrives whole: grpc.aio loses the status of a stream that it is still writing to.
    """
    ends_at = None if timeout is None else monotonic() + timeout
    first = await anext(batches, None)
    if first is None:
        return
    yield await hub.embeddings.CreateEmbeddings(_request(begin, first), metadata=hub.metadata, timeout=timeout)
    second = await anext(batches, None)
    if second is None:
        return
    left = None if ends_at is None else max(0.001, ends_at - monotonic())
    call = hub.embeddings.StreamEmbeddings(metadata=hub.metadata, timeout=left)
    stream = _Stream(call, begin, len(first))
    try:
        with true_status(call):
            async for answer in stream.answers(second, batches):
                yield answer
    finally:
        await stream.close()


class _Stream:
    def __init__(self, call: Any, begin: pb.CreateEmbeddingsRequest, done: int) -> None:
        self._call = call
        self._begin = begin
        self._places: dict[int, tuple[int, int]] = {}
        self._sent = done
        self._room = asyncio.Semaphore(_IN_FLIGHT)
        self._writer: asyncio.Task[None] | None = None

    async def answers(
        self, first: list[str], batches: AsyncIterator[list[str]]
    ) -> AsyncGenerator[pb.CreateEmbeddingsResponse]:
        self._writer = asyncio.create_task(self._write(first, batches))
        early: dict[int, pb.CreateEmbeddingsResponse] = {}
        due = 1
        async for answer in self._read(self._writer):
            places = self._places.pop(answer.batch_id)
            if answer.HasField("error"):
                raise _failed(answer.error, places)
            early[answer.batch_id] = answer.response
            while due in early:
                yield early.pop(due)
                self._room.release()
                due += 1
        await self._writer

    async def close(self) -> None:
        # An abandoned call of grpc.aio is neither collected nor cancelled (grpc#43462); ended calls ignore this.
        self._call.cancel()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    async def _read(self, writer: "asyncio.Task[None]") -> AsyncIterator[pb.StreamEmbeddingsResponse]:
        """What the hub answers; where writing fails because the input does, that is raised at once."""
        while True:
            reading = asyncio.ensure_future(self._call.read())
            watched = {reading} if writer.done() else {reading, writer}
            await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            if writer.done() and writer.exception() is not None:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                writer.result()
            answer = await reading
            if not isinstance(answer, pb.StreamEmbeddingsResponse):
                return
            yield answer

    async def _write(self, first: list[str], batches: AsyncIterator[list[str]]) -> None:
        number = 1
        batch: list[str] | None = first
        while batch is not None:
            await self._room.acquire()
            self._places[number] = (self._sent, self._sent + len(batch) - 1)
            self._sent += len(batch)
            await self._call.write(pb.StreamEmbeddingsRequest(batch_id=number, request=_request(self._begin, batch)))
            number += 1
            batch = await anext(batches, None)
        await self._call.done_writing()


def _request(begin: pb.CreateEmbeddingsRequest, texts: Sequence[str]) -> pb.CreateEmbeddingsRequest:
    request = pb.CreateEmbeddingsRequest(inputs=[pb.EmbeddingInput(text=text) for text in texts])
    request.MergeFrom(begin)
    return request


def _failed(status: Status, places: tuple[int, int]) -> CommandFailed:
    return CommandFailed(f"texts {places[0]} to {places[1]}: {explain_status(status)}")
