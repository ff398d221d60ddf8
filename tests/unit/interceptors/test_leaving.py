"""A caller who leaves in the middle of a stream ends its method at once, and is told of as one who left."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from server.calls import CurrentCall
from server.identity.caller import Caller
from server.identity.rights import Rights
from server.interceptors.admission import Slots
from server.interceptors.entry import EntryInterceptor
from tests.running import until

_LARGE = b"x" * 2**20


class _EveryoneIsRoot:
    async def authenticate(self, metadata: Any) -> Caller:
        return Caller("key:test", Rights(methods=("*",)))


@pytest.mark.parametrize("writing", [True, False], ids=["while it is written to", "while it waits"])
@pytest.mark.parametrize("drops", [True, False], ids=["connection gone", "call cancelled"])
async def test_a_caller_who_leaves(writing: bool, drops: bool) -> None:
    ended, told = asyncio.Event(), []

    async def stream(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        try:
            yield b"first"
            while writing:
                yield _LARGE
            await asyncio.sleep(30)
        finally:
            ended.set()

    def tell(call: CurrentCall, code: str) -> None:
        told.append((code, call.reason))

    slots = Slots(10, 10)
    server = grpc.aio.server(interceptors=[EntryInterceptor(_EveryoneIsRoot(), slots, tell)])
    method: Any = grpc.unary_stream_rpc_method_handler(stream)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("t.T", {"us": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    channel: Any = grpc.aio.insecure_channel(f"127.0.0.1:{port}")
    try:
        call: Any = channel.unary_stream("/t.T/us")(b"a", timeout=10)
        assert await call.read() == b"first"
        if drops:
            await channel.close()
        else:
            call.cancel()
        await until(lambda: bool(told))
        assert ended.is_set()
        assert told == [("CANCELLED", "")]
        assert slots.active == 0
    finally:
        await channel.close()
        await server.stop(None)
