"""The models that misbehave, over real HTTP."""

import asyncio
import time
from http import HTTPStatus

import aiohttp
import orjson
import pytest

from tests.unit.sandbox.client import LIMIT, Client, Streamed


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 504, 529, 599]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_fail_has_the_status_and_an_error(client: Client, status: int, stream: bool) -> None:
    reply = await client.chat(f"fail-{status}", stream=stream)
    assert reply.status == status
    assert set(reply.body["error"]) == {"message", "type", "param", "code"}
    assert str(status) in reply.body["error"]["message"]
    assert reply.headers.get("Retry-After") == ("2" if status == HTTPStatus.TOO_MANY_REQUESTS else None)


@pytest.mark.parametrize(
    "model",
    [
        "fail",
        "fail-",
        "fail-200",
        "fail-399",
        "fail-600",
        "fail-4x4",
        "fail-٤٠٤",
        "slow-",
        "slow--5",
        "slow-1e3",
        "slow-99999999",
        "Echo",
        "echo ",
        "unknown",
        "fail-500/x",
    ],
)
async def test_an_unknown_model_is_404(client: Client, model: str) -> None:
    reply = await client.chat(model)
    assert reply.status == 404
    assert reply.body["error"]["code"] == "model_not_found"
    assert reply.body["error"]["param"] == "model"


@pytest.mark.parametrize("stream", [False, True])
async def test_slow_waits_before_its_first_byte(client: Client, stream: bool) -> None:
    started = time.perf_counter()
    body = client.body("slow-150", "late", stream=stream)
    async with asyncio.timeout(LIMIT), client.session.post(client.base + "/chat/completions", json=body) as response:
        waited = time.perf_counter() - started
        assert b"late" in await response.read()
    assert waited >= 0.15


async def test_slow_echoes(client: Client) -> None:
    assert (await client.both("slow-1", "again")).text == "again"


async def test_hang_never_answers(client: Client) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.chat("hang")


async def test_cut_breaks_a_stream_after_some_tokens(client: Client) -> None:
    streamed = Streamed()
    with pytest.raises(aiohttp.ClientPayloadError):
        await client.stream_into(streamed, "cut")
    told = [delta["content"] for delta in streamed.deltas() if delta.get("content")]
    assert "".join(told).startswith("This answer will break off")
    assert not streamed.done
    assert not any(choice["finish_reason"] for event in streamed.events for choice in event["choices"])


async def test_cut_breaks_a_body(client: Client) -> None:
    body = client.body("cut")
    async with asyncio.timeout(LIMIT), client.session.post(client.base + "/chat/completions", json=body) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientPayloadError):
            await response.read()


@pytest.mark.parametrize("stream", [False, True])
async def test_garbage_is_no_answer(client: Client, stream: bool) -> None:
    body = client.body("garbage", stream=stream)
    async with asyncio.timeout(LIMIT), client.session.post(client.base + "/chat/completions", json=body) as response:
        assert response.status == 200
        assert response.content_type == ("text/event-stream" if stream else "application/json")
        raw = await response.read()
    for line in raw.splitlines():
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(line.removeprefix(b"data: "))
    assert raw
    assert b"[DONE]" not in raw
