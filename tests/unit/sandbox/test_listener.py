"""Starting, stopping, and clients that leave."""

import asyncio
import gc
import time
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from server.errors import FailedPrecondition, InvalidArgument, Unavailable
from server.sandbox import routes
from server.sandbox.exchange import Serve
from server.sandbox.listener import Sandbox
from server.sandbox.registry import chat_model
from server.sandbox.request import ChatRequest
from tests.timing import best_of_three
from tests.unit.sandbox.client import Client

STORY = {"tokens": "5000", "tokens_per_second": "50"}


class Serving:
    """How many requests the sandbox is answering just now."""

    def __init__(self) -> None:
        self.count = 0

    def counted(self, serve: Serve) -> Serve:
        async def counting(http: web.Request, request: ChatRequest) -> web.StreamResponse:
            self.count += 1
            try:
                return await serve(http, request)
            finally:
                self.count -= 1

        return counting

    async def becomes(self, count: int, limit: float) -> float:
        """Seconds until so many requests are being answered."""
        started = time.perf_counter()
        while self.count != count:
            assert time.perf_counter() - started < limit, f"{self.count} requests are being answered"
            await asyncio.sleep(0.002)
        return time.perf_counter() - started


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Serving:
    serving = Serving()

    def counted(name: str) -> Serve | None:
        serve = chat_model(name)
        return None if serve is None else serving.counted(serve)

    monkeypatch.setattr(routes, "chat_model", counted)
    return serving


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("model", "metadata"), [("hang", {}), ("slow-60000", {}), ("story", STORY)])
async def test_a_client_that_leaves_frees_its_request(
    client: Client, model: str, metadata: dict[str, str], stream: bool, serving: Serving
) -> None:
    body = client.body(model, stream=stream, metadata=metadata)

    async def post() -> aiohttp.ClientResponse:
        return await client.session.post(client.base + "/chat/completions", json=body)

    call = asyncio.create_task(post())
    await serving.becomes(1, 2)
    if call.done():
        call.result().close()
    else:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert await serving.becomes(0, 1) < 0.5


async def test_a_client_that_leaves_a_story_at_full_speed_frees_its_request(client: Client, serving: Serving) -> None:
    body = client.body("story", stream=True, metadata={"tokens": "100000"})
    response = await client.session.post(client.base + "/chat/completions", json=body)
    await response.content.readany()
    response.close()
    await serving.becomes(0, 1)


@best_of_three
async def test_a_story_at_full_speed_leaves_others_their_turn(client: Client) -> None:
    turns = 0

    async def take_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(take_turns())
    await client.stream("story", metadata={"tokens": "6400"})
    others.cancel()
    assert turns >= 200


@best_of_three
async def test_stop_ends_hanging_requests_at_once(serving: Serving) -> None:
    sandbox = Sandbox()
    base = await sandbox.start()
    async with aiohttp.ClientSession() as session:
        client = Client(session, base)
        calls = [asyncio.create_task(client.chat("hang")) for _ in range(20)]
        calls += [asyncio.create_task(client.chat("slow-60000")) for _ in range(5)]
        streams = [asyncio.create_task(client.stream("story", metadata=STORY)) for _ in range(5)]
        await serving.becomes(30, 5)
        started = time.perf_counter()
        await sandbox.stop()
        assert time.perf_counter() - started < 0.5
        ends = await asyncio.gather(*calls, *streams, return_exceptions=True)
        assert all(isinstance(end, aiohttp.ClientError) for end in ends)
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.chat("echo")
    assert serving.count == 0


async def test_stop_is_harmless_when_not_serving() -> None:
    sandbox = Sandbox()
    await sandbox.stop()
    await sandbox.start()
    await sandbox.stop()
    await sandbox.stop()


async def test_it_can_be_started_again_on_the_same_port() -> None:
    sandbox = Sandbox()
    base = await sandbox.start()
    port = urlsplit(base).port or 0
    async with aiohttp.ClientSession() as session:
        assert (await Client(session, base).chat("echo")).status == 200
        with pytest.raises(FailedPrecondition):
            await sandbox.start()
        await sandbox.stop()
        assert await sandbox.start(port=port) == base
        assert (await Client(session, base).chat("echo")).status == 200
    await sandbox.stop()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.2"])
async def test_it_serves_loopback(host: str) -> None:
    sandbox = Sandbox()
    base = await sandbox.start(host)
    assert base.endswith("/v1")
    async with aiohttp.ClientSession() as session:
        assert (await Client(session, base).chat("echo")).status == 200
    await sandbox.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "", "127.0.0.1.example.com"])
async def test_it_serves_nothing_but_loopback(host: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await Sandbox().start(host)
    assert refused.value.fields[0].field == "host"


async def test_a_port_in_use_is_told() -> None:
    first, second = Sandbox(), Sandbox()
    port = urlsplit(await first.start()).port or 0
    with pytest.raises(Unavailable) as refused:
        await second.start(port=port)
    assert str(port) in refused.value.message
    await second.stop()
    await first.stop()


@pytest.mark.slow
async def test_answers_leave_nothing_behind(client: Client, serving: Serving) -> None:
    async def round_of_calls() -> None:
        await asyncio.gather(*(client.both(model) for model in ("echo", "tools", "reason") for _ in range(10)))

    await round_of_calls()
    gc.collect()
    tasks = len(asyncio.all_tasks())
    for _ in range(5):
        await round_of_calls()
    await serving.becomes(0, 1)
    assert len(asyncio.all_tasks()) <= tasks


async def test_clients_that_leave_while_they_are_spoken_to_are_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    body = b'{"model": "speak", "voice": "horn", "input": "%s"}' % (b"word " * 100)
    request = b"POST /v1/audio/speech HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    sandbox = Sandbox()
    there = urlsplit(await sandbox.start())

    async def leaves(after: float) -> None:
        _, writer = await asyncio.open_connection(there.hostname, there.port)
        writer.write(request)
        await asyncio.sleep(after)
        writer.transport.abort()

    try:
        await asyncio.gather(*(leaves(place / 1000) for place in range(40)))
        await asyncio.sleep(0.05)
    finally:
        await sandbox.stop()
    assert [one for one in caplog.records if one.name.startswith("aiohttp")] == []
