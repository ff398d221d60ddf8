"""Live transcription through the front door: over a realtime WebSocket, and by utterance."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, options_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import WSMsgType, web

from server.backends.live_session import Session
from server.cli.early_end import true_status
from server.sandbox.audio import melody
from server.wire.pcm import bytes_of
from tests.fake_provider import FakeProvider, answers
from tests.running import RunningHub, failure, provider, running_hub, until
from tests.timing import best_of_three

RATE = 24000
SILENCE = bytes(2 * RATE)


def sung(text: str, rate: int = RATE) -> bytes:
    return b"".join(map(bytes_of, melody.sing(text, rate, 2)))


def stub(hub: RunningHub) -> "AudioServiceStub":
    return AudioServiceStub(hub.channel)


async def speaking(
    *parts: bytes | None, model: str = "sandbox/hear", rate: int = RATE, **config: Any
) -> AsyncIterator[pb.StreamTranscriptionRequest]:
    heard = audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_PCM_S16LE, sample_rate_hertz=rate)
    yield pb.StreamTranscriptionRequest(config=pb.StreamTranscriptionConfig(model=model, **{"input": heard, **config}))
    for part in parts:
        if part is None:
            yield pb.StreamTranscriptionRequest(commit=pb.CommitUtterance())
        for place in range(0, len(part or b""), 9601):  # odd, so that samples are cut in two
            yield pb.StreamTranscriptionRequest(audio=(part or b"")[place : place + 9601])


async def events(hub: RunningHub, requests: AsyncIterator[Any]) -> list[pb.StreamTranscriptionResponse]:
    call = stub(hub).StreamTranscription(requests, metadata=hub.auth, timeout=20)
    with true_status(call):
        return [one async for one in call]


def finals(found: Sequence[pb.StreamTranscriptionResponse]) -> list[str]:
    return [one.final.transcript.text for one in found if one.HasField("final")]


async def test_over_the_sandboxes_socket(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        found = await events(hub, speaking(sung("One thing."), SILENCE, sung("And another."), interim_results=True))
    assert found[0].ready.session_id.startswith("sess_")
    assert finals(found) == ["One thing.", "And another."]
    assert [one.final.utterance for one in found if one.HasField("final")] == [0, 1]
    guesses = [one.interim.text for one in found if one.HasField("interim") and one.interim.utterance == 0]
    assert guesses[-1] == "One thing."
    assert guesses[0] == "One"
    said = [one.speech_event.type for one in found if one.HasField("speech_event")]
    assert said[:3] == [
        pb.SPEECH_EVENT_TYPE_SPEECH_START, pb.SPEECH_EVENT_TYPE_SPEECH_END, pb.SPEECH_EVENT_TYPE_UTTERANCE_END,
    ]  # fmt: skip
    second = next(one.final.transcript for one in found if one.final.utterance == 1)
    assert second.segments[0].start_offset.ToMilliseconds() > 1000
    summary = found[-1].summary
    assert summary.usage.billed_audio_duration.ToMilliseconds() > 0
    assert summary.gateway.provider == "sandbox"
    assert summary.gateway.request_id


@pytest.mark.parametrize("rate", [16000, 44100])
async def test_other_rates_are_heard(tmp_path: Path, rate: int) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        found = await events(hub, speaking(sung("Any rate.", rate), rate=rate))
    assert finals(found) == ["Any rate."]
    assert not any(one.HasField("interim") for one in found)


async def test_commits_by_hand(tmp_path: Path) -> None:
    by_hand = pb.VoiceActivityOptions(disabled=True)
    async with running_hub(tmp_path, sandbox=True) as hub:
        found = await events(hub, speaking(sung("First."), None, sung("Second."), None, voice_activity=by_hand))
    assert finals(found) == ["First.", "Second."]


def realtime_fake(script: list[str], seen: list[dict[str, Any]], *, dies_after: int | None = None) -> Any:
    """A realtime provider that answers every commit with the next text; the first session may die on the way."""
    sessions = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sessions
        sessions += 1
        mine = sessions
        appended = 0
        socket = web.WebSocketResponse()
        await socket.prepare(request)

        async def tell(kind: str, **more: Any) -> None:
            await socket.send_json({"type": kind, **more})

        await tell("session.created", session={"id": f"s{mine}"})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            event = json.loads(message.data)
            seen.append({**event, "session": mine, "update": event.get("session")})
            if event["type"] == "session.update":
                await tell("session.updated", session={"id": f"s{mine}"})
            elif event["type"] == "input_audio_buffer.append":
                appended += 1
                if mine == 1 and appended == dies_after:
                    await tell("error", error={"type": "x", "code": "session_expired", "message": "60 minutes"})
                    break
            else:
                text = script.pop(0)
                await tell("input_audio_buffer.committed", item_id=text)
                await tell("conversation.item.input_audio_transcription.delta", item_id=text, delta=text)
                usage = {"type": "tokens", "input_tokens": 5, "output_tokens": 2, "total_tokens": 7}
                kind = "conversation.item.input_audio_transcription.completed"
                await tell(kind, item_id=text, transcript=text, usage=usage)
        await socket.close()
        return socket

    return answer


async def test_the_events_that_openai_gets(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    async with (
        FakeProvider(realtime_fake(["Hello."], seen)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        found = await events(
            hub,
            speaking(
                sung("x"), None, model="openai/gpt-4o-transcribe",
                options=audio_pb2.TranscriptionOptions(languages=["en"], prompt="p"),
                voice_activity=pb.VoiceActivityOptions(threshold=0.25),
            ),
        )  # fmt: skip
    assert fake.seen[0].raw_path == "/v1/realtime?intent=transcription"
    assert fake.seen[0].headers["Authorization"] == "Bearer sk-test-upstream-key"
    assert seen[0]["update"] == {
        "type": "transcription",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": {"model": "gpt-4o-transcribe", "language": "en", "prompt": "p"},
                "turn_detection": {"type": "server_vad", "threshold": 0.25},
            }
        },
    }
    sent = b"".join(base64.b64decode(one["audio"]) for one in seen if one["type"] == "input_audio_buffer.append")
    assert sent == sung("x")
    assert finals(found) == ["Hello."]
    assert (found[-1].summary.usage.input_tokens, found[-1].summary.usage.total_tokens) == (5, 7)
    assert not found[-1].summary.usage.estimated


async def test_a_session_that_expires_is_renewed_and_nothing_is_lost(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []
    by_hand = pb.VoiceActivityOptions(disabled=True)
    async with (
        FakeProvider(realtime_fake(["All of it."], seen, dies_after=3)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        said = sung("A longer text, so that there are several pieces.")
        found = await events(hub, speaking(said, None, model="openai/gpt-4o-transcribe", voice_activity=by_hand))
    assert len(fake.seen) == 2
    assert finals(found) == ["All of it."]
    again = [one for one in seen if one["session"] == 2 and one["type"] == "input_audio_buffer.append"]
    assert b"".join(base64.b64decode(one["audio"]) for one in again) == said
    renewed = [one.speech_event.type for one in found if one.HasField("speech_event")]
    assert pb.SPEECH_EVENT_TYPE_SESSION_RENEWED in renewed


async def test_a_session_is_renewed_before_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "age", property(lambda self: 3400.0 if self.id == "s1" else 0.0))
    seen: list[dict[str, Any]] = []
    by_hand = pb.VoiceActivityOptions(disabled=True)
    async with (
        FakeProvider(realtime_fake(["Whole."], seen)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        found = await events(hub, speaking(sung("one"), None, model="openai/gpt-4o-transcribe", voice_activity=by_hand))
    assert len(fake.seen) == 2
    assert finals(found) == ["Whole."]


async def test_cancelling_closes_the_socket(tmp_path: Path) -> None:
    left = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "session.updated", "session": {"id": "s"}})
        try:
            async for _ in socket:
                pass
        finally:
            left.set()
        return socket

    async def endless() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        async for request in speaking(model="openai/gpt-4o-transcribe"):
            yield request
        await asyncio.sleep(60)

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = stub(hub).StreamTranscription(endless(), metadata=hub.auth, timeout=30)
        first: Any = await call.read()
        assert first.HasField("ready")
        call.cancel()
        await asyncio.wait_for(left.wait(), 2)
        await until(lambda: hub.hub.active_calls == 0)


async def test_a_refused_handshake_is_the_providers_failure(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers({"error": {"message": "no"}}, 401)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await events(hub, speaking(sung("x"), model="openai/gpt-4o-transcribe"))
    assert failure(raised.value).reason == "PROVIDER_CREDENTIAL_INVALID"


async def test_by_utterance_where_there_is_no_live_api(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"text": f" heard {len(fake.seen)} "})

    async with FakeProvider(answer) as fake:  # noqa: SIM117 # the answer needs the fake
        async with running_hub(tmp_path, providers=[provider(fake.base_url, "groq", "groq")]) as hub:
            found = await events(
                hub,
                speaking(
                    sung("a", 16000), SILENCE, sung("b", 16000), rate=16000, model="groq/whisper", interim_results=True
                ),
            )
            strict = options_pb2.GatewayOptions(strict_parameters=True)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await events(hub, speaking(rate=16000, model="groq/whisper", interim_results=True, gateway=strict))
    assert found[0].HasField("ready")
    assert found[0].ready.session_id == ""
    assert finals(found) == ["heard 1", "heard 2"]
    assert list(found[-1].summary.gateway.adjusted_fields) == ["config.interim_results"]
    assert found[-1].summary.usage.estimated
    assert found[-1].summary.usage.billed_audio_duration.ToMilliseconds() > 500
    assert b"RIFF" in fake.seen[0].body
    assert failure(raised.value).bad_request.field_violations[0].field == "config.interim_results"


async def test_a_failing_utterance_ends_with_usage_and_a_status(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if len(fake.seen) > 1:
            return web.json_response({"error": {"message": "overloaded"}}, status=503)
        return web.json_response({"text": "heard"})

    received = []
    async with FakeProvider(answer) as fake:  # noqa: SIM117 # the answer needs the fake
        async with running_hub(tmp_path, providers=[provider(fake.base_url, "groq", "groq")]) as hub:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                requests = speaking(sung("a", 16000), SILENCE, sung("b", 16000), rate=16000, model="groq/whisper")
                call = stub(hub).StreamTranscription(requests, metadata=hub.auth, timeout=20)
                with true_status(call):
                    async for one in call:
                        received.append(one)
    assert finals(received) == ["heard"]
    assert received[-1].summary.usage.billed_audio_duration.ToMilliseconds() > 0
    assert failure(raised.value).reason == "PROVIDER_UNAVAILABLE"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"input": audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_MP3)}, "config.input.format"),
        (
            {"input": audio_pb2.AudioInputConfig(format=audio_pb2.AUDIO_FORMAT_PCM_S16LE)},
            "config.input.sample_rate_hertz",
        ),
        ({"options": audio_pb2.TranscriptionOptions(word_timestamps=True)}, "config.options.word_timestamps"),
        ({"options": audio_pb2.TranscriptionOptions(logprobs=True)}, "config.options.logprobs"),
    ],
)
async def test_what_cannot_be_heard_live_is_refused_by_name(tmp_path: Path, config: dict[str, Any], field: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await events(hub, speaking(**config))
    assert failure(raised.value).bad_request.field_violations[0].field == field


async def test_the_first_message_is_the_settings(tmp_path: Path) -> None:
    async def audio_first() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        yield pb.StreamTranscriptionRequest(audio=b"12")

    async def twice() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        for _ in range(2):
            async for request in speaking():
                yield request

    async with running_hub(tmp_path, sandbox=True) as hub:
        for requests in (audio_first(), twice()):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await events(hub, requests)
            assert failure(raised.value).bad_request.field_violations[0].field == "config"


@pytest.mark.parametrize("kind", ["openai", "groq"])
async def test_a_stream_without_audio_is_the_callers_mistake(tmp_path: Path, kind: str) -> None:
    seen: list[dict[str, Any]] = []
    received = []
    async with (
        FakeProvider(realtime_fake([], seen)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, kind, kind)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            requests = speaking(b"", model=f"{kind}/whisper-1")
            call = stub(hub).StreamTranscription(requests, metadata=hub.auth, timeout=5)
            with true_status(call):
                async for one in call:
                    received.append(one)
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field == "audio"
    assert [one.WhichOneof("event") for one in received] == ["ready", "summary"]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("sandbox/fail-503", "PROVIDER_UNAVAILABLE"), ("sandbox/cut", "PROVIDER_UNAVAILABLE"),
        ("sandbox/garbage", "PROVIDER_BAD_RESPONSE"), ("sandbox/nobody", "MODEL_NOT_FOUND"),
    ],
)  # fmt: skip
async def test_the_sandbox_fails_live_too(tmp_path: Path, model: str, reason: str) -> None:
    async def patiently() -> AsyncIterator[Any]:
        # A client of grpc.aio that is writing when a stream is refused never learns the status.
        async for request in speaking(sung("x"), SILENCE, model=model):
            yield request
            await asyncio.sleep(0.3)

    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await events(hub, patiently())
    assert failure(raised.value).reason == reason


async def test_the_sandbox_is_slow_live_too(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        began = asyncio.get_running_loop().time()
        found = await events(hub, speaking(sung("Late."), model="sandbox/slow-150"))
        assert asyncio.get_running_loop().time() - began >= 0.15
    assert finals(found) == ["Late."]


@best_of_three
async def test_a_large_piece_of_live_audio_holds_nobody_up(tmp_path: Path) -> None:
    """A megabyte at 8 kHz takes half a second to bring to the provider's rate."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    async def large() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        async for request in speaking(model="openai/gpt-4o-transcribe", rate=8000):
            yield request
        yield pb.StreamTranscriptionRequest(audio=bytes(2**20))

    seen: list[dict[str, Any]] = []
    async with (
        FakeProvider(realtime_fake([""], seen)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        watching = asyncio.create_task(watch())
        with suppress(grpc.aio.AioRpcError):
            await events(hub, large())
        watching.cancel()
    assert sum(len(base64.b64decode(one.get("audio", ""))) for one in seen) == pytest.approx(3 * 2**20, abs=8)
    assert longest < 0.1
