"""Recordings in pieces: handed on to the provider as they come where it takes them so, gathered where it does not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aiohttp import web

from server.cli.early_end import true_status
from server.wire import wav
from server.wire.recording import GATHERED_BYTES
from tests.e2e.test_transcription import SECOND, fields, form, stub, uploads
from tests.fake_provider import FakeProvider, answers
from tests.running import failure, provider, running_hub, until


def told(**config: Any) -> pb.UploadTranscriptionRequest:
    config = {"model": "openai/whisper-1", **config}
    return pb.UploadTranscriptionRequest(config=pb.UploadTranscriptionConfig(**config))


def piece(data: bytes) -> pb.UploadTranscriptionRequest:
    return pb.UploadTranscriptionRequest(audio=data)


class Listening:
    """An answer that reads its request as it comes."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.whole = asyncio.Event()

    async def __call__(self, request: web.Request) -> web.Response:
        async for data in request.content.iter_any():
            self.heard += data
        self.whole.set()
        return web.json_response({"text": "heard"})


async def test_a_provider_hears_what_the_caller_has_not_finished(tmp_path: Path) -> None:
    listening, may_go_on = Listening(), asyncio.Event()

    async def slowly() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        yield told(filename="talk.mp3")
        yield piece(SECOND[:20000])
        await may_go_on.wait()
        yield piece(SECOND[20000:])

    async with (
        FakeProvider(listening, reads=False) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = asyncio.ensure_future(stub(hub).UploadTranscription(slowly(), metadata=hub.auth, timeout=10))
        await until(lambda: len(listening.heard) > 20000)
        assert not listening.whole.is_set()
        may_go_on.set()
        answer = await call
    headers = {name.lower(): value for name, value in fake.seen[0].headers.items()}
    assert (headers["transfer-encoding"], "content-length" in headers) == ("chunked", False)
    fake.seen[0].body = bytes(listening.heard)
    assert form(fake.seen[0])[-1][2] == SECOND
    assert 'filename="talk.wav"' in form(fake.seen[0])[-1][1]
    assert fields(fake.seen[0]) == {"model": ["whisper-1"]}
    assert answer.transcript.duration.seconds == 1  # told by the header that passed
    assert answer.usage.billed_audio_duration.seconds == 1


async def test_a_provider_that_reads_slowly_slows_the_caller_down(tmp_path: Path) -> None:
    may_read, sent = asyncio.Event(), 0
    data = wav.write_header(16000, 1, None) + bytes(16 * 2**20)

    async def answer(request: web.Request) -> web.Response:
        await may_read.wait()
        return web.json_response({"text": str(len(await request.read()))})

    async def counted() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        nonlocal sent
        async for request in uploads(data, 256 * 1024):
            sent += len(request.audio)
            yield request

    async with (
        FakeProvider(answer, reads=False) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = asyncio.ensure_future(stub(hub).UploadTranscription(counted(), metadata=hub.auth, timeout=20))
        await until(lambda: bool(fake.seen))
        await asyncio.sleep(0.3)
        held = sent
        may_read.set()
        answer_ = await call
    assert held < 12 * 2**20
    assert int(answer_.transcript.text) > len(data)


@pytest.mark.parametrize("way", ["cancels", "breaks the rules"])
async def test_a_caller_who_gives_up_ends_the_providers_request(tmp_path: Path, way: str) -> None:
    listening = Listening()

    async def never_ending() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        yield told()
        yield piece(SECOND[:20000])
        await until(lambda: len(listening.heard) > 10000)
        if way == "breaks the rules":
            yield told()
        await asyncio.sleep(30)

    async with (
        FakeProvider(listening, reads=False) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = stub(hub).UploadTranscription(never_ending(), metadata=hub.auth, timeout=20)
        task = asyncio.ensure_future(call)
        await until(lambda: len(listening.heard) > 10000)
        if way == "cancels":
            call.cancel()
        await until(lambda: bool(fake.disconnects))
        [raised] = await asyncio.gather(task, return_exceptions=True)
        await until(lambda: hub.hub.active_calls == 0)
    assert not listening.whole.is_set()
    if way == "breaks the rules":
        assert isinstance(raised, grpc.aio.AioRpcError)
        assert failure(raised).bad_request.field_violations[0].field == "config"


async def test_a_refusal_in_the_middle_ends_the_upload(tmp_path: Path) -> None:
    async def refuses(request: web.Request) -> web.Response:
        await request.content.readany()
        return web.json_response({"error": {"message": "no such key", "code": "invalid_api_key"}}, status=401)

    async def endless() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        yield told()
        while True:
            yield piece(SECOND)
            await asyncio.sleep(0.01)

    async with (
        FakeProvider(refuses, reads=False) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            call = stub(hub).UploadTranscription(endless(), metadata=hub.auth, timeout=10)
            with true_status(call):
                await call
    assert failure(raised.value).reason == "PROVIDER_CREDENTIAL_INVALID"


@pytest.mark.parametrize(
    ("kind", "config", "data"),
    [
        ("openai-compatible", {}, SECOND * 3),  # a server that may answer 411
        ("openai", {}, SECOND[:3000]),  # whole already when it is known what it is
        ("openai", {"format": audio_pb2.AUDIO_FORMAT_PCM_S16LE, "sample_rate_hertz": 16000}, bytes(64000)),
    ],
)
async def test_what_is_gathered_has_a_length(tmp_path: Path, kind: str, config: dict[str, Any], data: bytes) -> None:
    async with (
        FakeProvider(answers({"text": "heard"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "host", kind)]) as hub,
    ):
        heard = audio_pb2.AudioInputConfig(**config)
        requests = uploads(data, 1000, "host/whisper-1", input=heard)
        answer = await stub(hub).UploadTranscription(requests, metadata=hub.auth, timeout=5)
    assert answer.transcript.text == "heard"
    assert int(fake.seen[0].headers["Content-Length"]) == len(fake.seen[0].body)
    sent = form(fake.seen[0])[-1][2]
    assert sent.removeprefix(wav.write_header(16000, 1, len(data)) if config else b"") == data


@pytest.mark.parametrize("kind", ["openai", "openai-compatible"])
async def test_the_bound_is_one_whichever_way_it_comes(tmp_path: Path, kind: str) -> None:
    data = SECOND[:44] + bytes(GATHERED_BYTES)
    async with (
        FakeProvider(answers({"text": "x"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "host", kind)]) as hub,
    ):
        tried = []
        whole = pb.CreateTranscriptionRequest(model="host/whisper-1")
        whole.audio.data = data
        for call in (
            stub(hub).UploadTranscription(uploads(data, model="host/whisper-1"), metadata=hub.auth, timeout=20),
            stub(hub).CreateTranscription(whole, metadata=hub.auth, timeout=20),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as raised, true_status(call):
                await call
            tried.append(failure(raised.value))
    assert [one.code for one in tried] == [grpc.StatusCode.INVALID_ARGUMENT] * 2
    assert [one.bad_request.field_violations[0].field for one in tried] == ["audio", "audio.data"]
    assert tried[0].message.removeprefix("audio: ") == tried[1].message.removeprefix("audio.data: ")
    assert not fake.seen


async def test_another_provider_hears_it_from_the_beginning(tmp_path: Path) -> None:
    refused, listening = asyncio.Event(), Listening()

    async def refuses(request: web.Request) -> web.Response:
        await request.content.readany()
        refused.set()
        return web.json_response({"error": {"message": "overloaded"}}, status=503)

    async def slowly() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        yield told(model="whisper-1")
        yield piece(SECOND[:20000])
        await refused.wait()
        await asyncio.sleep(0.1)
        yield piece(SECOND[20000:])

    async with FakeProvider(refuses, reads=False) as one, FakeProvider(listening, reads=False) as other:
        providers = [provider(one.base_url, "one"), provider(other.base_url, "other")]
        async with running_hub(tmp_path, providers=providers) as hub:
            answer = await stub(hub).UploadTranscription(slowly(), metadata=hub.auth, timeout=10)
    assert [attempt.provider for attempt in answer.gateway.attempts] == ["one", "other"]
    other.seen[0].body = bytes(listening.heard)
    assert form(other.seen[0])[-1][2] == SECOND
