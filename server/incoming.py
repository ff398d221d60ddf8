"""The messages of a call that sends several."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

import grpc

_PATIENCE = 0.1
_BEFORE_DEADLINE = 0.05


class Incoming:
    """Reads and decodes the next message when it is asked for one."""

    __slots__ = ("_context", "_decode", "_ended", "_reading")

    def __init__(self, decode: Callable[[bytes], Any], context: "grpc.aio.ServicerContext[Any, Any]") -> None:
        self._decode = decode
        self._context = context
        self._ended = False
        self._reading = False
        """Stays true where whoever waited for a message was cancelled: gRPC goes on reading it."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._reading = True
        raw = await self._context.read()
        self._reading = False
        if raw is grpc.aio.EOF:
            self._ended = True
            raise StopAsyncIteration
        return self._decode(raw)

    async def hear_out(self) -> None:
        """Gives a caller whose call failed a tenth of a second to send the rest, which nobody reads.

        A client of grpc.aio whose call ends while it sends raises INTERNAL in place of the status that it was sent:
        https://github.com/grpc/grpc/issues/36066.
        """
        left = self._context.time_remaining()
        patience = _PATIENCE if left is None else min(_PATIENCE, left - _BEFORE_DEADLINE)
        if self._ended or patience <= 0:
            return
        if self._reading:
            await asyncio.sleep(patience)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while await self._context.read() is not grpc.aio.EOF:
                    pass
        self._ended = True
