"""A stream of batches: answers as they are ready, a bad batch among good ones, pressure both ways, every way to end."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aiohttp import web
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo
from google.rpc.status_pb2 import Status

from server.services.batches import IN_FLIGHT
from tests.e2e.test_memory import MIB, OPTIONS, measured_hub
from tests.fake_embeddings import ask, embeds, floats, vector_of
from tests.fake_provider import FakeProvider, hangs
from tests.running import RunningHub, bearer, failure, provider, running_hub, until


def _batch(number: int, *texts: str, **more: Any) -> pb.StreamEmbeddingsRequest:
    return pb.StreamEmbeddingsRequest(batch_id=number, request=ask(*texts, **more))


def _info(status: Status) -> ErrorInfo:
    found = ErrorInfo()
    assert any(detail.Unpack(found) for detail in status.details)
    return found


async def _all(
    hub: RunningHub, batches: Iterable[pb.StreamEmbeddingsRequest], key: str = ""
) -> list[pb.StreamEmbeddingsResponse]:
    call = hub.embeddings.StreamEmbeddings(iter(batches), metadata=bearer(key or hub.admin_key), timeout=20)
    return [answer async for answer in call]


async def test_answers_come_as_they_are_ready(tmp_path: Path) -> None:
    slow_may_end = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if (await request.json())["input"] == ["slow"]:
            await slow_may_end.wait()
        return await embeds()(request)

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.embeddings.StreamEmbeddings(metadata=(*hub.auth, ("x-request-id", "mine-1")), timeout=10)
        await call.write(_batch(7, "slow"))
        await call.write(_batch(2**63, "quick", "er"))
        first = await call.read()
        assert isinstance(first, pb.StreamEmbeddingsResponse)
        slow_may_end.set()
        await call.done_writing()
        second = await call.read()
        assert await call.read() is grpc.aio.EOF
        assert isinstance(second, pb.StreamEmbeddingsResponse)
    assert [first.batch_id, second.batch_id] == [2**63, 7]
    assert [floats(one) for one in first.response.embeddings] == [vector_of("quick"), vector_of("er")]
    assert first.response.usage.total_tokens == 20
    gateway = first.response.gateway
    assert (gateway.request_id, gateway.provider, len(gateway.attempts)) == ("mine-1", "openai", 1)
    assert 0 < gateway.gateway_duration.ToMilliseconds() + 1 < 1000


async def test_a_bad_batch_is_answered_and_the_stream_goes_on(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, defaults={"embeddings": "sandbox/embed"}) as hub:
        key = await hub.new_key(allowed_models=["sandbox/*"])
        batches = [
            _batch(1, "good", model=""),
            _batch(2, model="sandbox/embed"),
            _batch(3, "a", model="sandbox/fail-503"),
            _batch(4, "a", model="nobody/x"),
            pb.StreamEmbeddingsRequest(batch_id=5),
            _batch(6, "good", "too", model="sandbox/embed"),
            _batch(7, "a", model="sandbox/embed", encoding=pb.EMBEDDING_ENCODING_INT8),
        ]
        got = {answer.batch_id: answer for answer in await _all(hub, batches, key)}
        other = {answer.batch_id: answer for answer in await _all(hub, [_batch(1, "a", model="openai/e")], key)}
    assert sorted(got) == [1, 2, 3, 4, 5, 6, 7]
    assert [len(got[number].response.embeddings) for number in (1, 6)] == [1, 2]
    told = {number: (one.error.code, _info(one.error).reason) for number, one in got.items() if one.HasField("error")}
    assert told == {
        2: (grpc.StatusCode.INVALID_ARGUMENT.value[0], "REQUEST_INVALID"),
        3: (grpc.StatusCode.UNAVAILABLE.value[0], "PROVIDER_UNAVAILABLE"),
        4: (grpc.StatusCode.NOT_FOUND.value[0], "MODEL_NOT_FOUND"),
        5: (grpc.StatusCode.INVALID_ARGUMENT.value[0], "REQUEST_INVALID"),
        7: (grpc.StatusCode.UNIMPLEMENTED.value[0], "UNSUPPORTED_BY_PROVIDER"),
    }
    wrong = BadRequest()
    assert any(detail.Unpack(wrong) for detail in got[2].error.details)
    assert wrong.field_violations[0].field == "inputs"
    assert any(detail.Is(RequestInfo.DESCRIPTOR) for detail in got[3].error.details)
    assert _info(got[3].error).metadata["provider"] == "sandbox"
    assert other[1].error.code != 0


async def test_rights_are_judged_for_every_batch(tmp_path: Path) -> None:
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        key = await hub.new_key(allowed_models=["openai/small"])
        batches = [_batch(1, "a", model="openai/small"), _batch(2, "a", model="openai/large")]
        got = {answer.batch_id: answer for answer in await _all(hub, batches, key)}
        chat_only = await hub.new_key(allowed_methods=["aignehub.v1.ChatService/*"])
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await _all(hub, batches[:1], chat_only)  # grpc.aio loses the status where it is still writing
    assert got[1].HasField("response")
    assert _info(got[2].error).reason == "MODEL_NOT_ALLOWED"
    assert failure(raised.value).reason == "METHOD_NOT_ALLOWED"
    assert len(fake.seen) == 1


async def test_an_id_in_flight_is_refused_and_may_be_used_again_after(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        await may_end.wait()
        return await embeds()(request)

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.embeddings.StreamEmbeddings(metadata=hub.auth, timeout=10)
        await call.write(_batch(3, "a"))
        await call.write(_batch(3, "b"))
        refused = await call.read()
        assert isinstance(refused, pb.StreamEmbeddingsResponse)
        may_end.set()
        answered = await call.read()
        assert isinstance(answered, pb.StreamEmbeddingsResponse)
        await call.write(_batch(3, "c"))
        again = await call.read()
        assert isinstance(again, pb.StreamEmbeddingsResponse)
        await call.done_writing()
        assert await call.read() is grpc.aio.EOF
    assert refused.error.message.startswith("batch_id: 3 is in flight already")
    assert answered.HasField("response")
    assert again.HasField("response")
    assert [seen.json["input"] for seen in fake.seen] == [["a"], ["c"]]


async def test_a_slow_provider_holds_the_writer_back(tmp_path: Path) -> None:
    may_go = asyncio.Semaphore(0)
    text = "x" * 400_000  # flow control lets a few messages through; what it does not, is not read

    async def answer(request: web.Request) -> web.StreamResponse:
        await may_go.acquire()
        return await embeds()(request)

    written = 0

    async def batches() -> AsyncIterator[pb.StreamEmbeddingsRequest]:
        nonlocal written
        for number in range(40):
            yield _batch(number, text)
            written += 1

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.embeddings.StreamEmbeddings(batches(), metadata=hub.auth, timeout=20)
        answers = asyncio.ensure_future(_count(call))
        await until(lambda: len(fake.seen) == IN_FLIGHT, 10)
        await asyncio.sleep(0.3)
        assert len(fake.seen) == IN_FLIGHT
        assert written < 40
        for _ in range(40):
            may_go.release()
        assert await answers == 40


async def _count(call: Any) -> int:
    return len([one async for one in call])


async def test_a_slow_reader_holds_the_provider_back(tmp_path: Path) -> None:
    texts = ["a"] * 500
    async with (
        FakeProvider(embeds()) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        batches = (_batch(number, *texts, dimensions=512) for number in range(60))  # a mebibyte of vectors each
        call = hub.embeddings.StreamEmbeddings(iter(batches), metadata=hub.auth, timeout=20)
        rest = aiter(call)
        await anext(rest)
        asked = -1
        while asked < len(fake.seen):
            asked = len(fake.seen)
            await asyncio.sleep(1)
        assert asked < 30
        assert 1 + await _count(rest) == 60


@pytest.mark.parametrize("way", ["cancel", "deadline", "hub's longest call"])
async def test_every_end_closes_every_request(tmp_path: Path, way: str) -> None:
    limits = {"max_call_seconds": 0.5} if way.startswith("hub") else {}
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "doubao", "doubao")], limits=limits) as hub,
    ):
        before = len(asyncio.all_tasks())
        timeout = 0.5 if way == "deadline" else 10
        call = hub.embeddings.StreamEmbeddings(metadata=hub.auth, timeout=timeout)
        for number in range(2):
            await call.write(_batch(number, *["a"] * 500, model="doubao/e"))  # two requests each
        await until(lambda: len(fake.seen) == 4)
        if way == "cancel":
            call.cancel()
        else:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await _count(call)
            assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: len(fake.disconnects) == 4)
        await until(lambda: hub.hub.active_calls == 0)
        del call
        await until(lambda: len(asyncio.all_tasks()) <= before)


async def test_an_idle_stream_ends_at_the_hubs_longest_call(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, limits={"max_call_seconds": 0.3}) as hub:
        call = hub.embeddings.StreamEmbeddings(metadata=hub.auth)
        await call.write(_batch(1, "a", model="sandbox/embed"))
        assert isinstance(await call.read(), pb.StreamEmbeddingsResponse)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call.read()
        assert failure(raised.value).reason == "DEADLINE_EXCEEDED"
        await until(lambda: hub.hub.active_calls == 0)


async def test_a_stream_without_batches_ends_well(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        assert await _all(hub, []) == []


async def test_a_batch_past_the_transports_limit_ends_the_stream(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, grpc={"max_receive_message_bytes": 100_000}) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await _all(hub, [_batch(1, "a", model="sandbox/embed"), _batch(2, "x" * 200_000, model="sandbox/embed")])
        assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        await until(lambda: hub.hub.active_calls == 0)


@pytest.mark.slow
async def test_ten_thousand_texts_in_one_stream_with_flat_memory(tmp_path: Path) -> None:
    async with (
        measured_hub(tmp_path, sandbox=True) as hub,
        grpc.aio.insecure_channel(hub.address, options=OPTIONS) as channel,
    ):
        stub = EmbeddingServiceStub(channel)
        await _embed_texts(stub, hub.key, 2_000)
        before = await hub.settled()
        await _embed_texts(stub, hub.key, 10_000)  # 60 MB of vectors
        after = await hub.settled()
    assert after["peak_bytes"] - before["peak_bytes"] < 8 * MIB
    assert after["native_bytes"] - before["native_bytes"] < MIB
    assert after["tasks"] <= before["tasks"]
    assert after["sockets"] <= before["sockets"]


async def _embed_texts(stub: Any, key: str, count: int) -> None:
    size = 100
    batches = (
        _batch(number, *[f"text {number} {place}" for place in range(size)], model="sandbox/embed", dimensions=1536)
        for number in range(count // size)
    )
    seen: set[int] = set()
    async for answer in stub.StreamEmbeddings(iter(batches), metadata=bearer(key), timeout=60):
        assert len(answer.response.embeddings) == size
        seen.add(answer.batch_id)
    assert seen == set(range(count // size))
