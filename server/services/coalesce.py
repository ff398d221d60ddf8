"""Fewer, larger messages for callers who ask for them: deltas that arrive within a window become one."""

import asyncio
from collections.abc import AsyncGenerator, Set
from contextlib import aclosing

from aignehub.v1.chat_service_pb2 import ChatChoiceDelta, StreamChatCompletionResponse, ToolCallDelta
from google.protobuf.message import Message

_MOST_HELD = 1000
"""Chunks merged into one message that its caller has not taken yet; past them the provider is not read on."""


async def coalesced(
    chunks: AsyncGenerator[StreamChatCompletionResponse], window: float
) -> AsyncGenerator[StreamChatCompletionResponse]:
    """The same deltas in the same order, in a message for each ``window`` seconds in which any came.

    The first chunk, the beginning of a tool call, the end of a choice and the last chunk wait for nothing: with them
    goes what was held. What came before an error is sent before it is raised.
    """
    held = _Held()
    reading = asyncio.create_task(held.fill(chunks), name="coalesce")
    try:
        while (chunk := await held.take(window)) is not None:
            yield chunk
        await reading  # raises what the provider's stream ended with
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        if not reading.cancelled():
            reading.exception()  # a caller who left is not told, and it is no error that nobody saw


class _Held:
    """The message that grows."""

    def __init__(self) -> None:
        self._message: StreamChatCompletionResponse | None = None
        self._count = 0
        self._since = 0.0
        self._begun = False
        self._over = False
        self._some, self._now, self._room = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def fill(self, chunks: AsyncGenerator[StreamChatCompletionResponse]) -> None:
        """Takes in every chunk."""
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    self._put(chunk)
                    while self._count >= _MOST_HELD:
                        self._room.clear()
                        await self._room.wait()
        finally:
            self._over = True
            self._some.set()
            self._now.set()

    def _put(self, chunk: StreamChatCompletionResponse) -> None:
        if self._message is None:
            self._message, self._since = chunk, asyncio.get_running_loop().time()
            self._some.set()
        else:
            append(self._message, chunk)
        self._count += 1
        if not self._begun or _is_boundary(chunk):
            self._begun = True
            self._now.set()

    async def take(self, window: float) -> StreamChatCompletionResponse | None:
        """What is held once its window is over or nothing may wait; None after the last."""
        await self._some.wait()
        if not self._now.is_set():
            try:
                async with asyncio.timeout_at(self._since + window):
                    await self._now.wait()
            except TimeoutError:
                pass  # the window is over
        message, self._message, self._count = self._message, None, 0
        if not self._over:
            self._some.clear()
            self._now.clear()
        self._room.set()
        return message


def append(message: StreamChatCompletionResponse, chunk: StreamChatCompletionResponse) -> None:
    """Puts what ``chunk`` says behind what ``message`` says; text goes on in the delta it belongs to."""
    joined = bool(message.choices and chunk.choices) and _goes_on(message.choices[-1], chunk.choices[0])
    for whole in ("usage", "gateway"):  # told so far, not in addition
        if chunk.HasField(whole):
            message.ClearField(whole)
    place = len(message.choices)
    message.MergeFrom(chunk)
    if joined:
        del message.choices[place]


def _goes_on(last: ChatChoiceDelta, delta: ChatChoiceDelta) -> bool:
    """Extends ``last`` by ``delta`` and returns True where that says the same as one after the other."""
    if last.index != delta.index:
        return False
    if _has_only(delta, _TEXT) and _has_only(last, _BEGUN_TEXT) and last.part_index == delta.part_index:
        last.content += delta.content
        return True
    if _has_only(delta, _CALLS) and _has_only(last, _BEGUN_CALLS) and len(delta.tool_calls) == 1:
        return _call_goes_on(last.tool_calls[-1], delta.tool_calls[0])
    return False


def _call_goes_on(last: ToolCallDelta, call: ToolCallDelta) -> bool:
    if last.index != call.index or last.signature or not _has_only(call, _ARGUMENTS):
        return False
    last.arguments_delta += call.arguments_delta
    return True


_TEXT, _BEGUN_TEXT = (
    frozenset({"index", "content", "part_index"}),
    frozenset({"index", "content", "part_index", "role"}),
)
_CALLS, _BEGUN_CALLS = frozenset({"index", "tool_calls"}), frozenset({"index", "tool_calls", "role"})
_ARGUMENTS = frozenset({"index", "arguments_delta"})


def _has_only(message: Message, names: Set[str]) -> bool:
    """Whether it says something, and nothing but this beside its place."""
    found = {field.name for field, _ in message.ListFields()}
    return found <= names and bool(found & {"content", "tool_calls", "arguments_delta"})


def _is_boundary(chunk: StreamChatCompletionResponse) -> bool:
    return chunk.HasField("gateway") or any(
        delta.finish_reason or any(call.id or call.name for call in delta.tool_calls) for delta in chunk.choices
    )
