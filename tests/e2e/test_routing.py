"""A provider stumbles and the caller does not notice: plans, attempts and keys through the front door."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import options_pb2
from aignehub.v1.chat_service_pb2 import StreamChatCompletionResponse
from aiohttp import web

from server.routing.health import credentials
from tests.fake_provider import DONE, USAGE, Answer, FakeProvider, answers, chunk, completion, streams
from tests.running import RunningHub, ask, failure, provider, running_hub, until

OK = answers(completion("from the second"))


def fails(status: int, headers: dict[str, str] | None = None, message: str = "no") -> Answer:
    return answers({"error": {"message": message}}, status, headers)


def in_turn(*each: Answer) -> Answer:
    """The first answer to the first request, and so on; the last to all others."""
    left = list(each)

    async def answer(request: web.Request) -> web.StreamResponse:
        return await (left.pop(0) if len(left) > 1 else left[0])(request)

    return answer


def by_key(**each: Answer) -> Answer:
    """By the bearer of the request."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return await each[request.headers["Authorization"].removeprefix("Bearer ")](request)

    return answer


@asynccontextmanager
async def two(
    tmp_path: Path, first: Answer, second: Answer, **settings: Any
) -> AsyncIterator[tuple[RunningHub, FakeProvider, FakeProvider]]:
    """Two providers of one model behind the group ``both``."""
    async with (
        FakeProvider(first) as one,
        FakeProvider(second) as other,
        running_hub(
            tmp_path,
            providers=[provider(one.base_url, "a", "openai"), provider(other.base_url, "b", "openai")],
            groups={"both": ["a/m", "b/m"]},
            **settings,
        ) as hub,
    ):
        yield hub, one, other


async def call(hub: RunningHub, model: str = "both", timeout: float | None = 10, **gateway: Any) -> Any:
    request = ask(model=model, gateway=options_pb2.GatewayOptions(**gateway))
    return await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=timeout)


async def stream(
    hub: RunningHub, model: str = "both", timeout: float | None = 10, **gateway: Any
) -> list[StreamChatCompletionResponse]:
    request = ask(model=model, gateway=options_pb2.GatewayOptions(**gateway))
    return [one async for one in hub.chat.StreamChatCompletion(request, metadata=hub.auth, timeout=timeout)]


def text(chunks: list[StreamChatCompletionResponse]) -> str:
    return "".join(delta.content for one in chunks for delta in one.choices)


@pytest.mark.parametrize("status", [401, 402, 403, 404, 408, 429, 500, 502, 503, 504, 529])
async def test_another_provider_answers(tmp_path: Path, status: int) -> None:
    async with two(tmp_path, fails(status), OK) as (hub, one, other):
        response = await call(hub)
    assert response.choices[0].message.content[0].text == "from the second"
    assert (len(one.seen), len(other.seen)) == (1, 1)
    tried = [(attempt.provider, attempt.status.code != 0) for attempt in response.gateway.attempts]
    assert tried == [("a", True), ("b", False)]
    assert response.gateway.provider == "b"


@pytest.mark.parametrize("status", [400, 413, 422])
async def test_a_bad_request_is_made_once(tmp_path: Path, status: int) -> None:
    async with two(tmp_path, fails(status), OK) as (hub, one, other):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(hub)
    assert failure(raised.value).code == grpc.StatusCode.INVALID_ARGUMENT
    assert (len(one.seen), len(other.seen)) == (1, 0)


async def test_a_stream_moves_on_until_its_first_content(tmp_path: Path) -> None:
    begun = streams(chunk({"role": "assistant"}), b'data: {"error": {"message": "overloaded", "code": 503}}\n\n')
    async with two(tmp_path, begun, streams(chunk({"content": "Hello"}), chunk({}, "stop"), USAGE, DONE)) as (
        hub,
        _,
        _,
    ):
        chunks = await stream(hub)
    assert text(chunks) == "Hello"
    assert [one.provider for one in chunks[-1].gateway.attempts] == ["a", "b"]
    assert chunks[-1].gateway.attempts[0].status.code == grpc.StatusCode.UNAVAILABLE.value[0]


async def test_a_stream_with_content_never_moves_on(tmp_path: Path) -> None:
    cut = streams(chunk({"content": "Hel"}), b'data: {"error": {"message": "overloaded", "code": 503}}\n\n')
    async with two(tmp_path, cut, OK) as (hub, one, other):
        chunks: list[StreamChatCompletionResponse] = []
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for each in hub.chat.StreamChatCompletion(ask(model="both"), metadata=hub.auth, timeout=10):
                chunks.append(each)
    assert failure(raised.value).code == grpc.StatusCode.UNAVAILABLE
    assert text(chunks) == "Hel"
    assert chunks[-1].usage.total_tokens > 0
    assert [each.status.code for each in chunks[-1].gateway.attempts] == [14]
    assert (len(one.seen), len(other.seen)) == (1, 0)


async def test_an_answer_that_broke_off_is_not_paid_for_twice(tmp_path: Path) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"id": "half')
        assert request.transport
        request.transport.abort()
        return response

    async with two(tmp_path, cut, OK) as (hub, one, other):
        with pytest.raises(grpc.aio.AioRpcError):
            await call(hub)
    assert (len(one.seen), len(other.seen)) == (1, 0)


async def test_a_fallback_model_is_asked_after_repeats(tmp_path: Path) -> None:
    async with two(tmp_path, fails(503), OK, routing={"max_repeats": 1}) as (hub, one, other):
        response = await call(hub, "a/m", fallback_models=["b/other"])
    assert response.gateway.provider_model == "other"
    assert (len(one.seen), len(other.seen)) == (2, 1)


async def test_another_key_of_the_same_provider_comes_first(tmp_path: Path) -> None:
    keys = [{"key": "k1", "name": "spent"}, {"key": "k2", "name": "good"}]
    async with (
        FakeProvider(by_key(k1=fails(401), k2=OK)) as fake,
        running_hub(tmp_path, providers=[{**provider(fake.base_url), "api_keys": keys}]) as hub,
    ):
        first = await call(hub, "openai/m")
        more = [await call(hub, "openai/m") for _ in range(4)]
    assert [(one.credential, one.status.code != 0) for one in first.gateway.attempts] == [
        ("spent", True),
        ("good", False),
    ]
    # A refused key is left alone until its check is due.
    assert all([one.credential for one in each.gateway.attempts] == ["good"] for each in more)


async def test_retry_after_is_obeyed_and_told(tmp_path: Path) -> None:
    async with (
        FakeProvider(in_turn(fails(429, {"Retry-After": "30"}), OK)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        for _ in range(2):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(hub, "openai/m")
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")
            assert 28 <= told.retry.retry_delay.seconds <= 30
        # The other models of the key do not suffer for it.
        assert (await call(hub, "openai/another")).gateway.provider == "openai"
    assert len(fake.seen) == 2


@pytest.mark.parametrize(("status", "code"), [(429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE")])
@pytest.mark.parametrize("how", [call, stream])
async def test_a_long_retry_after_is_told_and_not_waited_out(tmp_path: Path, status: int, code: str, how: Any) -> None:
    async with (
        FakeProvider(fails(status, {"Retry-After": "600"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async with asyncio.timeout(3):
                await how(hub, "openai/m", timeout=None)
    told = failure(raised.value)
    assert told.code.name == code
    assert told.retry.retry_delay.seconds == 600
    assert len(fake.seen) == 1


async def test_a_short_retry_after_is_waited_out(tmp_path: Path) -> None:
    async with (
        FakeProvider(in_turn(fails(429, {"Retry-After": "0.2"}), OK)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        response = await call(hub, "openai/m")
    assert len(response.gateway.attempts) == 2
    assert len(fake.seen) == 2


async def test_an_attempt_that_cannot_be_in_time_is_not_begun(tmp_path: Path) -> None:
    async with (
        FakeProvider(fails(503)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            request = ask(model="openai/m")
            await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=0.1)
    # The first pause is 0.125 s at least, so the status of the one attempt comes at once.
    assert failure(raised.value).code == grpc.StatusCode.UNAVAILABLE
    assert len(fake.seen) == 1


async def test_attempt_timeout_bounds_the_first_content(tmp_path: Path) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(chunk({"role": "assistant"}))
        await asyncio.sleep(30)
        return response

    options = options_pb2.GatewayOptions()
    options.attempt_timeout.FromMilliseconds(150)
    good = streams(chunk({"content": "Hello"}), chunk({}, "stop"), USAGE, DONE)
    async with two(tmp_path, silent, good) as (hub, one, _):
        request = ask(model="both", gateway=options)
        chunks = [each async for each in hub.chat.StreamChatCompletion(request, metadata=hub.auth, timeout=10)]
        assert text(chunks) == "Hello"
        assert len(one.disconnects) == 1


async def test_attempt_timeout_bounds_a_whole_answer_too(tmp_path: Path) -> None:
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    options = options_pb2.GatewayOptions()
    options.attempt_timeout.FromMilliseconds(150)
    async with two(tmp_path, silent, OK) as (hub, _, _):
        response = await hub.chat.CreateChatCompletion(ask(model="both", gateway=options), metadata=hub.auth, timeout=9)
    told = [(each.provider, each.status.message) for each in response.gateway.attempts]
    assert told == [("a", "no content within gateway.attempt_timeout, 0.15 s"), ("b", "")]


async def test_a_hedge_answers_where_the_first_is_slow(tmp_path: Path) -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.json_response(completion("too late"))

    options = options_pb2.GatewayOptions()
    options.hedge_after.FromMilliseconds(50)
    async with two(tmp_path, OK, OK, routing={"hedge_share": 1.0}) as (hub, one, _):
        one.answer = slow
        response = await hub.chat.CreateChatCompletion(
            ask(model="both", gateway=options), metadata=hub.auth, timeout=10
        )
        for _ in range(100):
            if one.disconnects:
                break
            await asyncio.sleep(0.01)
    assert response.choices[0].message.content[0].text == "from the second"
    assert [(each.provider, each.lost) for each in response.gateway.attempts] == [("a", True), ("b", False)]
    assert len(one.disconnects) == 1  # the loser was cancelled at once


async def test_providers_of_the_callers_choice(tmp_path: Path) -> None:
    async with two(tmp_path, answers(completion("a")), answers(completion("b"))) as (hub, _, _):
        assert (await call(hub, providers=["b"])).gateway.provider == "b"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(hub, providers=["nobody"])
    told = failure(raised.value)
    assert told.bad_request.field_violations[0].field == "gateway.providers"
    assert "served by a, b" in told.message


@pytest.mark.parametrize("broken", [fails(500), fails(503)])
async def test_a_broken_provider_is_left_alone(tmp_path: Path, broken: Answer) -> None:
    async with two(tmp_path, broken, OK) as (hub, one, other):
        for _ in range(40):
            await call(hub)
    assert len(other.seen) == 40
    assert len(one.seen) == 5  # what it takes to open the breaker


async def test_where_nothing_else_is_left_a_broken_provider_is_asked(tmp_path: Path) -> None:
    async with (
        FakeProvider(in_turn(*[fails(500)] * 6, OK)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        for _ in range(6):
            with pytest.raises(grpc.aio.AioRpcError):
                await call(hub, "openai/m")
        assert (await call(hub, "openai/m")).gateway.provider == "openai"


async def test_a_refused_key_is_checked_by_a_free_request_and_works_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_FIRST_CHECK", 0.05)
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/models"):
            asked.append(request.headers["Authorization"])
            return web.json_response({"object": "list", "data": [{"id": "m", "object": "model"}]})
        if request.headers["Authorization"] == "Bearer k1" and not asked:
            return web.json_response({"error": {"message": "no"}}, status=401)
        return await OK(request)

    keys = [{"key": "k1", "name": "first"}, {"key": "k2", "name": "second"}]
    listed = {"ask_providers": False}
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[{**provider(fake.base_url), "api_keys": keys}], models=listed) as hub,
    ):
        await call(hub, "openai/m")
        await until(lambda: bool(asked))
        used = {(await call(hub, "openai/m")).gateway.attempts[0].credential for _ in range(4)}
    assert asked == ["Bearer k1"]
    assert used == {"first", "second"}
