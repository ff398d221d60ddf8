"""Admission, deadlines and cancellation."""

import asyncio
from pathlib import Path
from statistics import quantiles

import grpc
import pytest
from aignehub.admin.v1 import key_service_pb2 as keys_pb

from tests.fake_provider import FakeProvider, chunk, hangs, streams
from tests.running import RunningHub, ask, bearer, failure, provider, running_hub, until
from tests.timing import best_of_three


@pytest.mark.parametrize(
    ("limits", "code", "reason"),
    [
        ({"max_concurrent_calls": 2}, grpc.StatusCode.UNAVAILABLE, "SERVER_OVERLOADED"),
        ({"max_concurrent_calls_per_key": 2}, grpc.StatusCode.RESOURCE_EXHAUSTED, "CONCURRENCY_LIMIT_EXCEEDED"),
    ],
)
async def test_too_many_calls_at_once_are_refused_with_a_hint(
    tmp_path: Path, limits: dict[str, int], code: grpc.StatusCode, reason: str
) -> None:
    async with running_hub(tmp_path, sandbox=True, limits=limits) as hub:
        other = bearer(await hub.new_key())
        held = [hub.chat.CreateChatCompletion(ask(model="sandbox/hang"), metadata=hub.auth) for _ in range(2)]
        await until(lambda: hub.hub.active_calls == 2)
        for stream in (False, True):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                if stream:
                    await hub.chat.StreamChatCompletion(ask(model="sandbox/echo"), metadata=hub.auth).read()
                else:
                    await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=hub.auth)
            told = failure(raised.value)
            assert (told.code, told.reason) == (code, reason)
            assert told.retry.retry_delay.seconds >= 1
            assert told.quota.violations
        if reason == "CONCURRENCY_LIMIT_EXCEEDED":
            await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=other, timeout=5)
        for call in held:
            call.cancel()
        await until(lambda: hub.hub.active_calls == 0)
        await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=hub.auth, timeout=5)


async def test_a_key_has_its_own_bound(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        key = bearer(await hub.new_key(limits=keys_pb.Limits(concurrent_calls=1)))
        held = hub.chat.CreateChatCompletion(ask(model="sandbox/hang"), metadata=key)
        await until(lambda: hub.hub.active_calls == 1)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=key)
        assert failure(raised.value).reason == "CONCURRENCY_LIMIT_EXCEEDED"
        held.cancel()


@pytest.mark.parametrize("stream", [False, True])
@best_of_three
async def test_a_deadline_bounds_a_hanging_provider(tmp_path: Path, stream: bool) -> None:
    loop = asyncio.get_running_loop()
    async with running_hub(tmp_path, sandbox=True) as hub:
        await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=hub.auth, timeout=5)
        began = loop.time()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            if stream:
                await hub.chat.StreamChatCompletion(ask(model="sandbox/hang"), metadata=hub.auth, timeout=0.3).read()
            else:
                await hub.chat.CreateChatCompletion(ask(model="sandbox/hang"), metadata=hub.auth, timeout=0.3)
        assert loop.time() - began < 0.35
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert failure(raised.value).reason == "PROVIDER_TIMEOUT"  # told by the hub, just before the client's own end
        await until(lambda: hub.hub.active_calls == 0)


async def test_the_hubs_own_cap_bounds_a_call_without_a_deadline(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, limits={"max_call_seconds": 0.3}) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await asyncio.wait_for(hub.chat.CreateChatCompletion(ask(model="sandbox/hang"), metadata=hub.auth), 3)
        assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


async def _cancel_and_time(hub: RunningHub, fake: FakeProvider, stream: bool) -> float:
    loop = asyncio.get_running_loop()
    seen, gone = len(fake.seen), len(fake.disconnects)
    call: grpc.aio.Call
    if stream:
        reading = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=10)
        await reading.read()
        call = reading
    else:
        call = hub.chat.CreateChatCompletion(ask(), metadata=hub.auth, timeout=10)
        await until(lambda: len(fake.seen) > seen)
    began = loop.time()
    call.cancel()
    await until(lambda: len(fake.disconnects) > gone)
    return fake.disconnects[-1] - began


@pytest.mark.parametrize("stream", [False, True])
@best_of_three
async def test_a_cancel_closes_the_providers_socket(tmp_path: Path, stream: bool) -> None:
    async def never() -> None:
        await asyncio.sleep(3600)

    answer = streams(chunk({"content": "a"}), then=never) if stream else hangs
    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub:
        waits = [await _cancel_and_time(hub, fake, stream) for _ in range(200)]
        assert quantiles(waits, n=100)[98] < 0.05
        await until(lambda: hub.hub.active_calls == 0)
