"""Messages of a stream are written in order, one at a time, and none is made long before its caller takes it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from typing_extensions import override

from server.errors import ProviderUnavailable
from server.methods import Scope, surrounded

_MESSAGE = 256 * 1024


@asynccontextmanager
async def streaming(stream: Callable[[bytes, Any], AsyncIterator[bytes]]) -> AsyncIterator[Any]:
    """A call of the method."""

    class Failing(Scope):
        @override
        async def failed(self, error: BaseException) -> None:
            if isinstance(error, ProviderUnavailable):
                await self.context.abort(grpc.StatusCode.UNAVAILABLE, error.message)

        def __init__(self, context: Any) -> None:
            self.context = context

    method: Any = grpc.unary_stream_rpc_method_handler(stream)
    server = grpc.aio.server()
    handlers: Any = {"us": surrounded(method, Failing)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel.unary_stream("/t.T/us")(b"a", timeout=10)  # type: ignore[arg-type]
    finally:
        await server.stop(None)


async def test_all_arrive_in_order() -> None:
    async def stream(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        for number in range(300):
            yield b"%d" % number
            if number % 7 == 0:
                await asyncio.sleep(0)

    async with streaming(stream) as call:
        assert [message async for message in call] == [b"%d" % number for number in range(300)]


async def test_a_caller_who_does_not_read_holds_the_method_up() -> None:
    made = 0

    async def stream(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        nonlocal made
        while made < 200:
            made += 1
            yield b"x" * _MESSAGE

    async with streaming(stream) as call:
        messages = aiter(call)
        assert len(await anext(messages)) == _MESSAGE
        await asyncio.sleep(0.2)
        assert made < 80  # what the windows of HTTP/2 take, and one more
        assert len([message async for message in messages]) == 199


async def test_messages_before_an_error_arrive() -> None:
    async def stream(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield b"x" * _MESSAGE
        yield b"y" * _MESSAGE
        raise ProviderUnavailable("gone")

    async with streaming(stream) as call:
        got = []
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for message in call:
                got.append(message[:1])
                await asyncio.sleep(0.01)
        assert got == [b"x", b"y"]
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
