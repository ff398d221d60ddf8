"""Text to speech through the front door."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2, model_service_pb2, options_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import web

from tests.fake_provider import Answer, FakeProvider, answers, hangs
from tests.running import RunningHub, failure, provider, running_hub, until

MP3 = b"\xff\xf3\xe4\xc4" + bytes(range(256)) * 40


def say(
    text: str = "Hello", model: str = "openai/tts-1", voice: str = "alloy", **options: Any
) -> pb.CreateSpeechRequest:
    return pb.CreateSpeechRequest(model=model, input=text, options=audio_pb2.SpeechOptions(voice=voice, **options))


def speaks(*pieces: bytes, kind: str = "audio/mpeg", gate: asyncio.Event | None = None) -> Answer:
    """The pieces, each written at once; the last only after ``gate``."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": kind, "x-request-id": "up-1"})
        await response.prepare(request)
        for piece in pieces[:-1]:
            await response.write(piece)
        if gate:
            await asyncio.wait_for(gate.wait(), 5)
        await response.write(pieces[-1])
        return response

    return answer


def stub(hub: RunningHub) -> "AudioServiceStub":
    return AudioServiceStub(hub.channel)


async def left(call: Any) -> list[Any]:
    """The messages that are still to come; a call that was read by hand cannot be iterated over."""
    found = []
    while (message := await call.read()) is not grpc.aio.EOF:
        found.append(message)
    return found


async def test_the_whole_of_it(tmp_path: Path) -> None:
    async with (
        FakeProvider(speaks(MP3)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        answer = await stub(hub).CreateSpeech(
            say(format=audio_pb2.AUDIO_FORMAT_MP3, speed=1.5), metadata=hub.auth, timeout=5
        )
    [seen] = fake.seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1/audio/speech")
    assert seen.json == {"model": "tts-1", "input": "Hello", "voice": "alloy", "response_format": "mp3", "speed": 1.5}
    assert answer.audio == MP3
    assert (answer.format, answer.sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_MP3, 24000)
    assert (answer.usage.billed_characters, answer.usage.estimated) == (5, True)
    gateway = answer.gateway
    assert (gateway.provider, gateway.provider_model, gateway.provider_request_id) == ("openai", "tts-1", "up-1")
    assert [attempt.credential for attempt in gateway.attempts] == ["key-1"]


async def test_the_first_audio_leaves_before_the_provider_ends(tmp_path: Path) -> None:
    may_end = asyncio.Event()
    async with (
        FakeProvider(speaks(MP3, b"tail", gate=may_end)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = stub(hub).StreamSpeech(say(), metadata=hub.auth, timeout=5)
        first = await call.read()
        assert isinstance(first, pb.StreamSpeechResponse)
        assert (first.format, first.sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_MP3, 24000)
        assert MP3.startswith(first.audio)
        assert not may_end.is_set()
        may_end.set()
        rest = await left(call)
    assert first.audio + b"".join(chunk.audio for chunk in rest) == MP3 + b"tail"
    assert all(not chunk.format for chunk in rest)
    assert rest[-1].usage.billed_characters == 5
    assert rest[-1].gateway.provider == "openai"


async def test_events_tell_the_tokens(tmp_path: Path) -> None:
    import base64

    events = [{"type": "speech.audio.delta", "audio": base64.b64encode(part).decode()} for part in (MP3[:99], MP3[99:])]
    usage = {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}
    events.append({"type": "speech.audio.done", "usage": usage})  # type: ignore[dict-item]
    body = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)
    async with (
        FakeProvider(speaks(body, kind="text/event-stream")) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = say(model="openai/gpt-4o-mini-tts", instructions="Cheerfully")
        answer = await stub(hub).CreateSpeech(request, metadata=hub.auth, timeout=5)
    assert fake.seen[0].json["stream_format"] == "sse"
    assert fake.seen[0].json["instructions"] == "Cheerfully"
    assert answer.audio == MP3
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.estimated) == (14, 101, False)


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_closes_the_socket(tmp_path: Path, streamed: bool) -> None:
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        audio = stub(hub)
        call: Any = (audio.StreamSpeech if streamed else audio.CreateSpeech)(say(), metadata=hub.auth, timeout=30)
        task = asyncio.ensure_future(call.read() if streamed else call)
        await until(lambda: bool(fake.seen))
        call.cancel()
        await until(lambda: bool(fake.disconnects))
        await asyncio.gather(task, return_exceptions=True)


async def test_a_slow_reader_stops_the_provider(tmp_path: Path) -> None:
    written = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal written
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        for _ in range(4000):
            await response.write(MP3)
            written += len(MP3)
        return response

    async with (
        FakeProvider(endless) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = stub(hub).StreamSpeech(say(), metadata=hub.auth, timeout=30)
        await call.read()
        before = -1
        while before != written:  # until nothing moves any more
            before = written
            await asyncio.sleep(0.3)
        assert written < 20 * 2**20  # sockets and HTTP/2 windows hold some megabytes; the answer is 41
        call.cancel()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (say(ssml=True), "options.ssml"),
        (say(format=audio_pb2.AUDIO_FORMAT_MULAW), "options.format"),
        (say(sample_rate_hertz=16000), "options.sample_rate_hertz"),
        (say("x" * 5000), "input"),
        (say(speed=9), "options.speed"),
        (pb.CreateSpeechRequest(model="openai/tts-1", input="x"), "options"),
    ],
)
async def test_what_cannot_be_is_refused_by_name(tmp_path: Path, request_: pb.CreateSpeechRequest, field: str) -> None:
    async with (
        FakeProvider(answers({})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(request_, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert not fake.seen


async def sent(config: pb.SpeechSessionConfig, text: str) -> AsyncIterator[pb.StreamSpeechSessionRequest]:
    yield pb.StreamSpeechSessionRequest(config=config)
    yield pb.StreamSpeechSessionRequest(text=text)


async def test_tuning_that_a_model_lacks_is_dropped_or_refused(tmp_path: Path) -> None:
    async with (
        FakeProvider(speaks(MP3)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = say(instructions="Slowly")
        answer = await stub(hub).CreateSpeech(request, metadata=hub.auth, timeout=5)
        assert list(answer.gateway.adjusted_fields) == ["options.instructions"]
        assert "instructions" not in fake.seen[0].json
        config = pb.SpeechSessionConfig(model=request.model, options=request.options)
        call = stub(hub).StreamSpeechSession(sent(config, "One. Two."), metadata=hub.auth, timeout=5)
        assert list([one async for one in call][-1].chunk.gateway.adjusted_fields) == ["config.options.instructions"]
        request.gateway.CopyFrom(options_pb2.GatewayOptions(strict_parameters=True))
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(request, metadata=hub.auth, timeout=5)
    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_failures_of_the_provider(tmp_path: Path) -> None:
    for answer, reason in (
        (answers({"error": {"message": "slow down"}}, 429), "PROVIDER_RATE_LIMITED"),
        (answers({"error": {"message": "no", "code": "invalid_api_key"}}, 401), "PROVIDER_CREDENTIAL_INVALID"),
        (answers({"text": "no audio"}), "PROVIDER_BAD_RESPONSE"),
        (speaks(b""), "PROVIDER_BAD_RESPONSE"),
    ):
        async with (
            FakeProvider(answer) as fake,
            running_hub(tmp_path / reason / str(id(answer)), providers=[provider(fake.base_url)]) as hub,
        ):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub(hub).CreateSpeech(say(), metadata=hub.auth, timeout=5)
            assert failure(raised.value).reason == reason


async def test_another_host_has_its_own_words(tmp_path: Path) -> None:
    async with FakeProvider(speaks(MP3)) as fake:
        providers = [provider(fake.base_url, kind, kind) for kind in ("xai", "groq", "together")]
        async with running_hub(tmp_path, providers=providers) as hub:
            for model in ("xai/grok-tts", "groq/orpheus", "together/sonic"):
                await stub(hub).CreateSpeech(say(model=model), metadata=hub.auth, timeout=5)
            pcm = say(model="together/sonic", format=audio_pb2.AUDIO_FORMAT_PCM_S16LE, sample_rate_hertz=16000)
            await stub(hub).CreateSpeech(pcm, metadata=hub.auth, timeout=5)
    xai, groq, together, raw = fake.seen
    assert (xai.raw_path, xai.json) == ("/v1/tts", {"text": "Hello", "voice_id": "alloy", "language": "auto"})
    assert groq.json["response_format"] == "wav"
    assert "response_format" not in together.json
    assert (raw.json["response_format"], raw.json["response_encoding"]) == ("raw", "pcm_s16le")
    assert raw.json["sample_rate"] == 16000


async def session_requests(*texts: str | None, **options: Any) -> AsyncIterator[pb.StreamSpeechSessionRequest]:
    config = pb.SpeechSessionConfig(
        model="sandbox/speak", options=audio_pb2.SpeechOptions(voice="flute", speed=4, **options)
    )
    yield pb.StreamSpeechSessionRequest(config=config)
    for text in texts:
        if text is None:
            yield pb.StreamSpeechSessionRequest(flush=pb.FlushSpeech())
        else:
            yield pb.StreamSpeechSessionRequest(text=text)


@pytest.mark.parametrize("form", [audio_pb2.AUDIO_FORMAT_UNSPECIFIED, audio_pb2.AUDIO_FORMAT_PCM_S16LE])
async def test_a_session_speaks_sentence_by_sentence(tmp_path: Path, form: audio_pb2.AudioFormat.ValueType) -> None:
    words = ("The first sen", "tence is here. Then ", "comes the second one! And ", None, "a rest")
    async with running_hub(tmp_path, sandbox=True) as hub:
        call = stub(hub).StreamSpeechSession(session_requests(*words, format=form), metadata=hub.auth, timeout=10)
        chunks = [answer.chunk async for answer in call]
        headerless = form == audio_pb2.AUDIO_FORMAT_PCM_S16LE
        heard = await stub(hub).CreateTranscription(
            pb.CreateTranscriptionRequest(
                model="sandbox/hear",
                audio=media_pb2.Media(data=b"".join(chunk.audio for chunk in chunks)),
                input=audio_pb2.AudioInputConfig(format=form, sample_rate_hertz=24000) if headerless else None,
            ),
            metadata=hub.auth,
            timeout=10,
        )
    assert heard.transcript.text == "The first sentence is here. Then comes the second one! And a rest"
    assert chunks[0].format == (form or audio_pb2.AUDIO_FORMAT_WAV)
    assert chunks[0].sample_rate_hertz == 24000
    assert sum(1 for chunk in chunks if chunk.format) == 1
    assert chunks[-1].usage.billed_characters == len("The first sentence is here.Then comes the second one!Anda rest")
    assert sum(1 for chunk in chunks if chunk.HasField("gateway")) == 1


async def test_a_session_speaks_before_its_text_ends(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def requests() -> AsyncIterator[pb.StreamSpeechSessionRequest]:
        async for request in session_requests("A whole sentence now. "):
            yield request
        await asyncio.wait_for(may_end.wait(), 5)

    async with running_hub(tmp_path, sandbox=True) as hub:
        call = stub(hub).StreamSpeechSession(requests(), metadata=hub.auth, timeout=10)
        first = await call.read()
        assert isinstance(first, pb.StreamSpeechSessionResponse)
        assert first.chunk.audio
        may_end.set()
        assert (await left(call))[-1].chunk.HasField("gateway")


async def test_a_session_begins_with_its_settings(tmp_path: Path) -> None:
    async def no_config() -> AsyncIterator[pb.StreamSpeechSessionRequest]:
        yield pb.StreamSpeechSessionRequest(text="Hello")

    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for _ in stub(hub).StreamSpeechSession(no_config(), metadata=hub.auth, timeout=5):
                pass
        assert failure(raised.value).bad_request.field_violations[0].field == "config"
        for requests, field in (
            (session_requests("Hello", format=audio_pb2.AUDIO_FORMAT_FLAC), "config.options.format"),
            (session_requests(), "text"), (session_requests("  ", None, "\n"), "text"),
        ):  # fmt: skip
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                async for _ in stub(hub).StreamSpeechSession(requests, metadata=hub.auth, timeout=5):
                    pass
            assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT or field != "text"
            assert failure(raised.value).bad_request.field_violations[0].field == field


async def test_a_stream_that_is_cut_ends_with_usage_and_a_status(tmp_path: Path) -> None:
    received = []
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            request = say("Cut this in the middle, please. " * 8, model="sandbox/cut")
            async for chunk in stub(hub).StreamSpeech(request, metadata=hub.auth, timeout=5):
                received.append(chunk)
    assert received[0].audio
    assert received[-1].usage.billed_characters > 0
    assert failure(raised.value).reason == "PROVIDER_UNAVAILABLE"


async def test_voices_and_models_are_listed(tmp_path: Path) -> None:
    async with running_hub(
        tmp_path,
        sandbox=True,
        providers=[provider("http://127.0.0.1:9/v1"), provider("http://127.0.0.1:9", "groq", "groq")],
    ) as hub:
        audio = stub(hub)
        every = await audio.ListVoices(pb.ListVoicesRequest(), metadata=hub.auth, timeout=5)
        page = await audio.ListVoices(pb.ListVoicesRequest(page_size=2), metadata=hub.auth, timeout=5)
        arabic = await audio.ListVoices(
            pb.ListVoicesRequest(model="groq/x", language="ar"), metadata=hub.auth, timeout=5
        )
        asked = model_service_pb2.ListModelsRequest(provider="sandbox")
        models = (await hub.models.ListModels(asked, metadata=hub.auth, timeout=5)).models
    assert {(voice.provider, voice.id) for voice in every.voices} >= {("openai", "alloy"), ("sandbox", "flute")}
    assert ([voice.id for voice in page.voices], page.next_page_token) == (["alloy", "ash"], "2")
    assert {voice.id for voice in arabic.voices} == {"abdullah", "fahad", "sultan", "lulwa", "noura", "aisha"}
    can = {model.id: list(model.capabilities) for model in models}
    assert can["sandbox/speak"] == [model_service_pb2.MODEL_CAPABILITY_SPEECH]
    assert model_service_pb2.MODEL_CAPABILITY_LIVE_TRANSCRIPTION in can["sandbox/hear"]


async def test_defaults_fill_an_empty_model(tmp_path: Path) -> None:
    async with running_hub(
        tmp_path, sandbox=True, defaults={"speech": "sandbox/speak", "transcription": "sandbox/hear"}
    ) as hub:
        spoken = await stub(hub).CreateSpeech(say(model="", voice="flute"), metadata=hub.auth, timeout=5)
        heard = await stub(hub).CreateTranscription(
            pb.CreateTranscriptionRequest(audio=media_pb2.Media(data=spoken.audio)), metadata=hub.auth, timeout=5
        )
    assert heard.transcript.text == "Hello"
