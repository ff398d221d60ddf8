"""A real hub with a provider that fails every call, and one that stalls: errors, added latency, what a hedge saves.

``python -m benchmarks.failover`` makes 10,000 calls of each kind against a hub in a process of its own, in about a
minute.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter

import grpc
from aignehub.v1 import chat_pb2, chat_service_pb2, options_pb2
from aignehub.v1.chat_service_pb2_grpc import ChatServiceStub
from aiohttp import web

from tests.fake_provider import completion
from tests.wire.hub import Hub

CALLS = 10_000
_AT_ONCE = 16
_STALL, _STALLED_SHARE = 1.0, 0.03
_HEDGE_AFTER = 0.1


@dataclass(frozen=True, slots=True)
class _Provider:
    name: str
    base_url: str

    def config(self) -> dict[str, object]:
        """Its entry in the hub's configuration."""
        return {"name": self.name, "kind": "openai", "base_url": self.base_url, "api_keys": ["key"]}


Answer = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def _served(name: str, answer: Answer) -> AsyncIterator[_Provider]:
    app = web.Application()
    app.router.add_post("/v1/chat/completions", answer)
    runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield _Provider(name, f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
    finally:
        await runner.cleanup()


async def _good(_: web.Request) -> web.Response:
    return web.json_response(completion())


async def _dead(_: web.Request) -> web.Response:
    return web.json_response({"error": {"message": "down"}}, status=500)


def _stalling(seed: int) -> Answer:
    random = Random(seed)

    async def answer(request: web.Request) -> web.Response:
        if random.random() < _STALLED_SHARE:
            await asyncio.sleep(_STALL)
        return await _good(request)

    return answer


@dataclass
class Outcome:
    """What came of the calls of one kind."""

    latencies: list[float]
    failed: int = 0
    attempts: int = 0

    def quantile(self, share: float) -> float:
        """Milliseconds within which that share of the calls were."""
        ordered = sorted(self.latencies)
        return ordered[int(len(ordered) * share)] * 1000


async def _calls(first: Answer, number: int, hedge_after: float | None = None) -> Outcome:
    outcome = Outcome([])
    options = options_pb2.GatewayOptions()
    if hedge_after is not None:
        options.hedge_after.FromMilliseconds(int(hedge_after * 1000))
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text="Hi")])
    request = chat_service_pb2.CreateChatCompletionRequest(model="both", messages=[message], gateway=options)
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(_served("one", first))
        other = await stack.enter_async_context(_served("other", _good))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="failover-"))
        hub = await stack.enter_async_context(Hub(Path(folder), [one, other], groups={"both": ["one/m", "other/m"]}))
        stub = ChatServiceStub(await stack.enter_async_context(grpc.aio.insecure_channel(hub.address)))
        left = iter(range(number))

        async def caller() -> None:
            for _ in left:
                began = perf_counter()
                try:
                    response = await stub.CreateChatCompletion(
                        request, metadata=(("authorization", f"Bearer {hub.key}"),), timeout=30
                    )
                except grpc.aio.AioRpcError:
                    outcome.failed += 1
                else:
                    outcome.attempts += len(response.gateway.attempts)
                outcome.latencies.append(perf_counter() - began)

        await asyncio.gather(*(caller() for _ in range(_AT_ONCE)))
    return outcome


async def _main() -> None:
    for name, first, hedge_after in (
        ("both work", _good, None),
        ("one answers 500 to everything", _dead, None),
        ("one stalls 1 s for 3 in 100", _stalling(1), None),
        ("the same, hedged after 0.1 s", _stalling(1), _HEDGE_AFTER),
    ):
        outcome = await _calls(first, CALLS, hedge_after)
        print(
            f"{name:<32} {outcome.failed} failed, {outcome.attempts / CALLS:.3f} attempts a call, "
            f"p50 {outcome.quantile(0.5):.1f} ms, p99 {outcome.quantile(0.99):.1f} ms",
            flush=True,
        )


if __name__ == "__main__":
    asyncio.run(_main())
