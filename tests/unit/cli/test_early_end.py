"""The hub ends a call while its request is still coming: grpc.aio then mixes up the status."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from server.cli.early_end import true_status

_METADATA = (("why", "told"),)


async def _refuse(requests: AsyncIterator[bytes], context: Any) -> bytes:
    await anext(requests)
    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "no more", _METADATA)
    return b""


async def _refuse_streaming(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
    yield await _refuse(requests, context)


async def _large() -> AsyncIterator[Any]:
    for _ in range(64):
        yield bytes(65536)


@pytest.mark.parametrize("streaming", [True, False])
async def test_the_status_is_the_one_that_was_sent(streaming: bool) -> None:
    server = grpc.aio.server()
    handlers: Any = {
        "one": grpc.stream_unary_rpc_method_handler(_refuse),
        "many": grpc.stream_stream_rpc_method_handler(_refuse_streaming),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("early", handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for _ in range(20):
                call: Any = (channel.stream_stream("/early/many") if streaming else channel.stream_unary("/early/one"))(
                    _large(), timeout=10
                )
                with pytest.raises(grpc.aio.AioRpcError) as raised, true_status(call):
                    if streaming:
                        async for _ in call:
                            pass
                    else:
                        await call
                error = raised.value
                assert (error.code(), error.details()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "no more")
                assert ("why", "told") in [tuple(pair) for pair in error.trailing_metadata() or ()]
    finally:
        await server.stop(None)


async def test_a_failure_of_another_kind_stays_as_it_is() -> None:
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        call: Any = channel.stream_unary("/early/one")(_large(), timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as raised, true_status(call):
            await call
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
