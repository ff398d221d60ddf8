"""One request to several models, their answers in one stream."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from aignehub.v1.chat_service_pb2 import FanOutChatCompletionResponse, StreamChatCompletionResponse
from google.rpc.code_pb2 import CANCELLED
from google.rpc.status_pb2 import Status

from server.calls import current_call
from server.errors import HubError
from server.statuses import rich_status, unexpected

Answer = Callable[[], AsyncGenerator[StreamChatCompletionResponse]]
"""Begins one model's answer."""

_AHEAD = 8
"""Chunks that wait to be written, of all models together: a slow reader holds every model back."""
_LOST = Status(code=CANCELLED, message="the content of another model came first")


class FanOut:
    """The answers of one call. Whichever way it ends, no task of it is left."""

    def __init__(self, answers: Sequence[Answer], *, first_wins: bool) -> None:
        """With ``first_wins``, the model whose content comes first is the only one that is heard."""
        self._answers = answers
        self._first_wins = first_wins
        self._winner: int | None = None
        self._queue: asyncio.Queue[FanOutChatCompletionResponse] = asyncio.Queue(_AHEAD)
        self._tasks: list[asyncio.Task[None]] = []

    async def events(self) -> AsyncGenerator[FanOutChatCompletionResponse]:
        """Chunks as they come and a status for each model; the last of these ends the stream."""
        self._tasks = [asyncio.create_task(self._one(place)) for place in range(len(self._answers))]
        left = len(self._tasks)
        try:
            while left:
                event = await self._queue.get()
                left -= event.HasField("status")
                yield event
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _one(self, place: int) -> None:
        status = Status()
        try:
            async with aclosing(self._answers[place]()) as chunks:
                async for chunk in chunks:
                    if not self._may_speak(place):
                        status = _LOST
                        break
                    await self._queue.put(FanOutChatCompletionResponse(model_index=place, chunk=chunk))
        except HubError as error:
            status = rich_status(error, current_call.get().request_id)
        except asyncio.CancelledError:
            if self._winner in (None, place):
                raise
            status = _LOST
        except Exception as error:
            status = rich_status(unexpected(error), current_call.get().request_id)
        await self._queue.put(FanOutChatCompletionResponse(model_index=place, status=status))

    def _may_speak(self, place: int) -> bool:
        """Whether this model is heard; the first to ask, which has content, silences the others."""
        if not self._first_wins:
            return True
        if self._winner is None:
            self._winner = place
            for other, task in enumerate(self._tasks):
                if other != place:
                    task.cancel()
        return self._winner == place
