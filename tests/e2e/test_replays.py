"""Idempotency keys: one answer and one charge for all repeats of a call."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import options_pb2
from aiohttp import web

from tests.fake_provider import FakeProvider, answers, completion
from tests.running import RunningHub, ask, bearer, failure, provider, running_hub, until


def keyed(key: str = "k-1", text: str = "Hi", **more: Any) -> Any:
    return ask(text, gateway=options_pb2.GatewayOptions(idempotency_key=key), **more)


async def code(hub: RunningHub, request: Any, **more: Any) -> grpc.StatusCode:
    try:
        await hub.chat.CreateChatCompletion(request, metadata=more.get("metadata", hub.auth), timeout=5)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_a_repeat_gets_the_same_answer_without_another_call(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion("once"))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        one = await hub.chat.CreateChatCompletion(keyed(), metadata=hub.auth, timeout=5)
        again = await hub.chat.CreateChatCompletion(keyed(), metadata=hub.auth, timeout=5)
        assert one.choices == again.choices
        assert one.gateway.request_id != again.gateway.request_id
        assert len(fake.seen) == 1
        # Another caller's key of the same name, and another key, are calls of their own.
        other = bearer(await hub.new_key())
        assert await code(hub, keyed(), metadata=other) == grpc.StatusCode.OK
        assert await code(hub, keyed("k-2")) == grpc.StatusCode.OK
        assert len(fake.seen) == 3


async def test_repeats_join_the_call_in_progress(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def waits(_: web.Request) -> web.StreamResponse:
        await gate.wait()
        return web.json_response(completion("once"))

    async with FakeProvider(waits) as fake, running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub:
        calls = [hub.chat.CreateChatCompletion(keyed(), metadata=hub.auth, timeout=5) for _ in range(5)]
        await until(lambda: len(fake.seen) == 1)
        calls[0].cancel()  # whoever began it may leave: the others still wait
        await asyncio.sleep(0.05)
        gate.set()
        texts = [(await call).choices[0].message.content[0].text for call in calls[1:]]
    assert texts == ["once"] * 4
    assert len(fake.seen) == 1


async def test_where_everybody_leaves_the_provider_is_told(tmp_path: Path) -> None:
    async def hangs(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    async with FakeProvider(hangs) as fake, running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub:
        calls = [hub.chat.CreateChatCompletion(keyed(), metadata=hub.auth, timeout=5) for _ in range(2)]
        await until(lambda: len(fake.seen) == 1)
        for call in calls:
            call.cancel()
        await until(lambda: len(fake.disconnects) == 1)


async def test_the_same_key_with_another_request_is_refused(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        assert await code(hub, keyed()) == grpc.StatusCode.OK
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(keyed(text="other"), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "IDEMPOTENCY_KEY_REUSED")
    assert told.bad_request.field_violations[0].field == "gateway.idempotency_key"


async def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers({"error": {"message": "no"}}, 400)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        assert await code(hub, keyed()) == grpc.StatusCode.INVALID_ARGUMENT
        fake.answer = answers(completion())
        assert await code(hub, keyed()) == grpc.StatusCode.OK


async def test_a_stream_takes_no_key(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for _ in hub.chat.StreamChatCompletion(keyed(model="sandbox/echo"), metadata=hub.auth, timeout=5):
                pass
    assert failure(raised.value).bad_request.field_violations[0].field == "gateway.idempotency_key"
