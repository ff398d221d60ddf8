"""ElevenLabs through the front door: a fake of its HTTP and WebSocket API."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2, model_service_pb2, options_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aiohttp import WSMsgType, web
from google.protobuf.duration_pb2 import Duration

from server.wire import wav
from tests.e2e.test_live_transcription import SILENCE, events, finals, speaking, sung
from tests.e2e.test_transcription import SECOND, fields, form, stub, uploads
from tests.fake_provider import FakeProvider, Seen, answers
from tests.running import RunningHub, failure, provider, running_hub

VOICE = "JBFqnCBsd6RMkjVDRZzb"


def word(text: str, start: float, end: float, kind: str = "word", speaker: str = "speaker_0") -> dict[str, Any]:
    return {"text": text, "start": start, "end": end, "type": kind, "speaker_id": speaker, "logprob": -0.5}


HEARD: Any = {
    "language_code": "eng", "language_probability": 0.98, "text": "Hello there. (laughs) All well?",
    "audio_duration_secs": 2.5, "transcription_id": "t",
    "words": [
        word("Hello", 0.1, 0.4), word(" ", 0.4, 0.5, "spacing"), word("there.", 0.5, 0.9),
        word(" ", 0.9, 1.0, "spacing"), word("(laughs)", 1.0, 1.4, "audio_event"), word(" ", 1.4, 1.5, "spacing"),
        word("All", 1.5, 1.7, speaker="speaker_1"), word(" ", 1.7, 1.8, "spacing"),
        word("well?", 1.8, 2.0, speaker="speaker_1"),
    ],
}  # fmt: skip


def at(fake: FakeProvider) -> list[dict[str, Any]]:
    return [provider(fake.base_url.removesuffix("/v1"), "elevenlabs", "elevenlabs")]


def query(seen: Seen) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(seen.raw_path).query, keep_blank_values=True)


def hear(model: str = "elevenlabs/scribe_v2", **options: Any) -> pb.CreateTranscriptionRequest:
    return pb.CreateTranscriptionRequest(
        model=model, audio=media_pb2.Media(data=SECOND), options=audio_pb2.TranscriptionOptions(**options)
    )


def say(text: str = "Hello.", voice: str = VOICE, **options: Any) -> pb.CreateSpeechRequest:
    return pb.CreateSpeechRequest(
        model="elevenlabs/eleven_flash_v2_5", input=text, options=audio_pb2.SpeechOptions(voice=voice, **options)
    )


async def test_a_recording_is_a_form(tmp_path: Path) -> None:
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        request = hear(
            languages=["en-GB"], keywords=["Scribe", "Größe"], temperature=0.5, word_timestamps=True, logprobs=True,
            format=audio_pb2.TRANSCRIPT_FORMAT_SRT, prompt="p",
            diarization=audio_pb2.DiarizationOptions(max_speakers=2, min_speakers=2),
        )  # fmt: skip
        request.gateway.extra_body_json = '{"tag_audio_events": false, "enable_logging": false}'
        answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
        plain = await stub(hub).CreateTranscription(hear(segment_timestamps=True), metadata=hub.auth, timeout=5)
        await stub(hub).CreateTranscription(hear(), metadata=hub.auth, timeout=5)
    first, second, third = fake.seen
    assert (first.method, first.raw_path) == ("POST", "/v1/speech-to-text?enable_logging=false")
    assert first.headers["xi-api-key"] == "sk-test-upstream-key"
    assert "Authorization" not in first.headers
    assert fields(first) == {
        "model_id": ["scribe_v2"], "language_code": ["en"], "timestamps_granularity": ["word"], "diarize": ["true"],
        "num_speakers": ["2"], "temperature": ["0.5"], "keyterms": ["Scribe", "Größe"], "tag_audio_events": ["false"],
    }  # fmt: skip
    assert form(first)[-1][2] == SECOND
    assert "Content-Type: audio/wav" in form(first)[-1][1]
    assert fields(second) == {"model_id": ["scribe_v2"], "timestamps_granularity": ["word"]}
    assert fields(third) == {"model_id": ["scribe_v2"], "timestamps_granularity": ["none"]}
    told = answer.transcript
    assert (told.text, told.language, told.duration.ToMilliseconds()) == (HEARD["text"], "eng", 2500)
    assert [one.word for one in told.words] == ["Hello", "there.", "(laughs)", "All", "well?"]
    assert [(one.text, one.speaker) for one in told.segments] == [
        ("Hello there.", "speaker_0"), ("(laughs)", "speaker_0"), ("All well?", "speaker_1"),
    ]  # fmt: skip
    assert told.words[0].confidence == pytest.approx(0.6065, abs=1e-3)
    assert told.rendered.startswith("1\n00:00:00,100 --> 00:00:00,900\nspeaker_0: Hello there.\n")
    assert "".join(one.token for one in answer.logprobs) == HEARD["text"]
    assert {one.logprob for one in answer.logprobs} == {-0.5}
    assert (answer.usage.billed_audio_duration.ToMilliseconds(), answer.usage.estimated) == (2500, False)
    assert list(answer.gateway.adjusted_fields) == ["options.diarization.min_speakers", "options.prompt"]
    assert [(one.text, one.speaker) for one in plain.transcript.segments][:1] == [("Hello there.", "")]
    assert not plain.transcript.words


async def test_several_channels_are_one_transcript(tmp_path: Path) -> None:
    channels = {
        "transcripts": [
            {"language_code": "eng", "text": "Hello.", "channel_index": 0, "audio_duration_secs": 3.0,
             "words": [{"text": "Hello.", "start": 0.0, "end": 0.5, "type": "word"}]},
            {"language_code": "eng", "text": "Hi.", "channel_index": 1, "audio_duration_secs": 3.0,
             "words": [{"text": "Hi.", "start": 0.2, "end": 0.4, "type": "word"}]},
        ]
    }  # fmt: skip
    async with FakeProvider(answers(channels)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        request = hear(word_timestamps=True)
        request.gateway.extra_body_json = '{"use_multi_channel": true}'
        answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert answer.transcript.text == "Hello.\nHi."
    assert [(one.word, one.speaker) for one in answer.transcript.words] == [("Hello.", "0"), ("Hi.", "1")]
    assert answer.transcript.duration.seconds == 3


async def test_an_upload_has_no_length_and_arrives_whole(tmp_path: Path) -> None:
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        data = SECOND * 40
        requests = uploads(data, 30000, "elevenlabs/scribe_v2")
        answer = await stub(hub).UploadTranscription(requests, metadata=hub.auth, timeout=5)
    assert answer.transcript.text == HEARD["text"]
    assert "Content-Length" not in fake.seen[0].headers
    assert form(fake.seen[0])[-1][2] == data


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (hear(languages=["en", "de"]), "options.languages"),
        (
            hear(diarization=audio_pb2.DiarizationOptions(known_speakers=[audio_pb2.KnownSpeaker(name="a")])),
            "options.diarization.known_speakers",
        ),
    ],
)
async def test_what_it_cannot_hear_is_refused_by_name(
    tmp_path: Path, request_: pb.CreateTranscriptionRequest, field: str
) -> None:
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(request_, metadata=hub.auth, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as translated:
            requests = uploads(SECOND, model="elevenlabs/scribe_v2", target_language="fr")
            await stub(hub).UploadTranscription(requests, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert failure(translated.value).bad_request.field_violations[0].field == "config.model"
    assert not fake.seen


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}, "PROVIDER_CREDENTIAL_INVALID"),
        (401, {"detail": {"status": "quota_exceeded", "message": "This request exceeds your quota of 10000."}},
         "PROVIDER_QUOTA_EXCEEDED"),
        (404, {"detail": {"status": "voice_not_found", "message": "A voice for the voice_id x was not found."}},
         "PROVIDER_REJECTED_REQUEST"),
        (400, {"detail": {"type": "validation_error", "code": "text_too_long", "message": "too long"}},
         "PROVIDER_REJECTED_REQUEST"),
        (422, {"detail": [{"loc": ["body", "text"], "msg": "field required", "type": "missing"}]},
         "PROVIDER_REJECTED_REQUEST"),
        (429, {"detail": {"status": "too_many_concurrent_requests", "message": "Too many"}}, "PROVIDER_RATE_LIMITED"),
        (200, {"hello": 1}, "PROVIDER_BAD_RESPONSE"),
    ],
)  # fmt: skip
async def test_refusals(tmp_path: Path, status: int, body: Any, reason: str) -> None:
    async with FakeProvider(answers(body, status)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(say(), metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert told.reason == reason
    if status in (400, 404):
        expected = "options.voice" if status == 404 else "input"
        assert [one.field for one in told.bad_request.field_violations] == [expected]


def audio(data: bytes, headers: dict[str, str] | None = None) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=data, content_type="audio/mpeg", headers=headers)

    return answer


async def test_speech(tmp_path: Path) -> None:
    async with (
        FakeProvider(audio(b"ID3" + bytes(200), {"character-cost": "3", "request-id": "el-7"})) as fake,
        running_hub(tmp_path, providers=at(fake)) as hub,
    ):
        spoken = await stub(hub).CreateSpeech(say(), metadata=hub.auth, timeout=5)
        request = say(voice="george", speed=0.75, language="de-AT", format=audio_pb2.AUDIO_FORMAT_MULAW)
        extra = {"voice_settings": {"stability": 0.5}, "seed": 7, "previous_text": "Before."}
        request.gateway.extra_body_json = json.dumps({**extra, "optimize_streaming_latency": 3})
        ulaw = [chunk async for chunk in stub(hub).StreamSpeech(request, metadata=hub.auth, timeout=5)]
    first, second = fake.seen
    assert (first.raw_path, first.json) == (
        f"/v1/text-to-speech/{VOICE}/stream", {"text": "Hello.", "model_id": "eleven_flash_v2_5"},
    )  # fmt: skip
    assert first.headers["xi-api-key"] == "sk-test-upstream-key"
    assert (spoken.format, spoken.usage.billed_characters, spoken.usage.estimated) == (
        audio_pb2.AUDIO_FORMAT_MP3, 3, False,
    )  # fmt: skip
    assert spoken.gateway.provider_request_id == "el-7"
    assert second.raw_path == f"/v1/text-to-speech/{VOICE}/stream?output_format=ulaw_8000&optimize_streaming_latency=3"
    assert second.json == {
        "text": "Hello.", "model_id": "eleven_flash_v2_5", "language_code": "de",
        "voice_settings": {"speed": 0.75, "stability": 0.5}, "seed": 7, "previous_text": "Before.",
    }  # fmt: skip
    assert (ulaw[0].format, ulaw[0].sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_MULAW, 8000)


async def test_wav_is_made_of_samples(tmp_path: Path) -> None:
    samples = b"\x01\x02" * 500
    async with FakeProvider(audio(samples)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        request = say(format=audio_pb2.AUDIO_FORMAT_WAV, sample_rate_hertz=16000)
        spoken = await stub(hub).CreateSpeech(request, metadata=hub.auth, timeout=5)
    assert query(fake.seen[0]) == [("output_format", "pcm_16000")]
    assert (spoken.format, spoken.sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_WAV, 16000)
    header = wav.read_header(spoken.audio)
    assert header
    assert (header.rate, spoken.audio[header.data_at :]) == (16000, samples)
    assert (spoken.usage.billed_characters, spoken.usage.estimated) == (6, True)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (say(ssml=True), "options.ssml"), (say(speed=1.3), "options.speed"), (say(speed=0.5), "options.speed"),
        (say(format=audio_pb2.AUDIO_FORMAT_FLAC), "options.format"),
        (say(format=audio_pb2.AUDIO_FORMAT_OPUS, sample_rate_hertz=16000), "options.sample_rate_hertz"),
    ],
)  # fmt: skip
async def test_what_it_cannot_say_is_refused_by_name(tmp_path: Path, request_: Any, field: str) -> None:
    async with FakeProvider(audio(b"x")) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(request_, metadata=hub.auth, timeout=5)
        strict = say(instructions="softly")
        strict.gateway.CopyFrom(options_pb2.GatewayOptions(strict_parameters=True))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub(hub).CreateSpeech(strict, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert failure(refused.value).bad_request.field_violations[0].field == "options.instructions"
    assert not fake.seen


async def test_cancelled_speech_closes_the_socket(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "audio/mpeg"})
        await response.prepare(request)
        while True:
            await response.write(b"ID3" + bytes(500))
            await asyncio.sleep(0.01)

    async with FakeProvider(endless) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        call = stub(hub).StreamSpeech(say(), metadata=hub.auth, timeout=20)
        first: Any = await call.read()
        assert first.audio
        call.cancel()
        async with asyncio.timeout(3):
            while not fake.disconnects:
                await asyncio.sleep(0.01)


async def test_voices_come_page_by_page(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if "next_page_token" in request.query:
            return web.json_response(
                {"voices": [{"voice_id": "v2", "name": "Two", "labels": {"language": "de"}}], "has_more": False}
            )
        one = {"voice_id": "v1", "name": "One", "verified_languages": [{"language": "en", "locale": "en-US"}, {}]}
        return web.json_response({"voices": [one, {"name": "no id"}], "has_more": True, "next_page_token": "a b"})

    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        told = await stub(hub).ListVoices(pb.ListVoicesRequest(page_size=1), metadata=hub.auth, timeout=5)
        rest = await stub(hub).ListVoices(
            pb.ListVoicesRequest(page_size=1, page_token=told.next_page_token), metadata=hub.auth, timeout=5
        )
    assert [(one.id, one.display_name, list(one.languages)) for one in (*told.voices, *rest.voices)] == [
        ("v1", "One", ["en-US"]), ("v2", "Two", ["de"]),
    ]  # fmt: skip
    assert [one.raw_path for one in fake.seen] == [
        "/v2/voices?page_size=100", "/v2/voices?page_size=100&next_page_token=a%20b",
    ]  # fmt: skip


Script = Callable[[web.WebSocketResponse, dict[str, Any]], Awaitable[bool]]


def socket_of(script: Script, heard: list[dict[str, Any]]) -> Any:
    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"message_type": "session_started", "session_id": f"el-{len(heard)}", "config": {}})
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            heard.append(json.loads(message.data))
            if not await script(socket, heard[-1]):
                break
        await socket.close()
        return socket

    return answer


async def committed(socket: web.WebSocketResponse, text: str, *times: tuple[str, float, float]) -> None:
    words = [{"text": one, "start": start, "end": end, "type": "word", "logprob": -0.1} for one, start, end in times]
    timed = {"message_type": "committed_transcript_with_timestamps", "text": text, "language_code": "en"}
    await socket.send_json({"message_type": "committed_transcript", "text": text})
    await socket.send_json({**timed, "words": words})


def sent(heard: list[dict[str, Any]]) -> bytes:
    return b"".join(base64.b64decode(one["audio_base_64"]) for one in heard)


async def live(hub: RunningHub, *parts: bytes | None, **config: Any) -> list[pb.StreamTranscriptionResponse]:
    config = {"model": "elevenlabs/scribe_v2_realtime", "rate": 16000, **config}
    return await events(hub, speaking(*parts, **config))


async def test_live_speech(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []
    told = False

    async def script(socket: web.WebSocketResponse, message: dict[str, Any]) -> bool:
        nonlocal told
        if message["commit"]:
            await committed(socket, "Last words.", ("Last", 3.0, 3.2), ("words.", 3.3, 3.6))
        elif not told:
            told = True
            await socket.send_json({"message_type": "partial_transcript", "text": "One"})
            await socket.send_json({"message_type": "something_new"})
            await committed(socket, "One thing.", ("One", 0.5, 0.7), ("thing.", 0.8, 1.0))
        return True

    said = sung("A longer text, so that there are several pieces.", 16000)
    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await live(
            hub, said, interim_results=True,
            options=audio_pb2.TranscriptionOptions(
                word_timestamps=True, keywords=["Nova"], prompt="Before.", languages=["en-US", "de"]
            ),
            voice_activity=pb.VoiceActivityOptions(threshold=0.95, silence_duration=Duration(seconds=1)),
        )  # fmt: skip
    assert fake.seen[0].headers["xi-api-key"] == "sk-test-upstream-key"
    assert urlsplit(fake.seen[0].raw_path).path == "/v1/speech-to-text/realtime"
    assert query(fake.seen[0]) == [
        ("model_id", "scribe_v2_realtime"), ("audio_format", "pcm_16000"), ("include_timestamps", "true"),
        ("language_code", "en"), ("secondary_languages", "de"), ("include_language_detection", "true"),
        ("keyterms", "Nova"), ("commit_strategy", "vad"), ("vad_silence_threshold_secs", "1"),
        ("vad_threshold", "0.9"),
    ]  # fmt: skip
    assert sent(heard) == said
    assert [one["commit"] for one in heard] == [False] * (len(heard) - 1) + [True]
    assert [one.get("previous_text") for one in heard] == ["Before."] + [None] * (len(heard) - 1)
    assert {one["sample_rate"] for one in heard} == {16000}
    assert found[0].ready.session_id == "el-0"
    assert finals(found) == ["One thing.", "Last words."]
    assert [one.interim.text for one in found if one.HasField("interim")] == ["One"]
    last = [one.final.transcript for one in found if one.HasField("final")][-1]
    assert [(one.word, one.start_offset.ToMilliseconds()) for one in last.words] == [("Last", 3000), ("words.", 3300)]
    assert last.language == "en"
    summary = found[-1].summary
    assert summary.usage.estimated
    assert list(summary.gateway.adjusted_fields) == ["config.voice_activity.threshold"]


async def test_commits_by_hand(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []

    async def script(socket: web.WebSocketResponse, message: dict[str, Any]) -> bool:
        if message["commit"]:
            number = sum(one["commit"] for one in heard)
            await committed(socket, f"Number {number}.", (f"Number {number}.", number - 1.0, number - 0.5))
        return True

    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        by_hand = pb.VoiceActivityOptions(disabled=True)
        found = await live(hub, sung("a", 16000), None, bytes(3200), None, voice_activity=by_hand)
    assert ("commit_strategy", "manual") in query(fake.seen[0])
    assert finals(found) == ["Number 1.", "Number 2."]
    # The second commit is of a tenth of a second, and 0.3 must be there: silence fills it up.
    assert len(sent(heard)) >= len(sung("a", 16000)) + 2 * int(0.3 * 16000)


async def test_an_expired_session_goes_on_in_another(tmp_path: Path) -> None:
    heard: list[dict[str, Any]] = []

    async def script(socket: web.WebSocketResponse, message: dict[str, Any]) -> bool:
        if len(heard) == 1:
            await socket.send_json({"message_type": "session_time_limit_exceeded", "error": "90 minutes"})
            return False
        if message["commit"]:
            await committed(socket, "All of it.", ("All of it.", 0.1, 0.9))
        return True

    said = sung("All of it, and more of it.", 16000)
    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await live(hub, said)
    assert len(fake.seen) == 2
    assert finals(found) == ["All of it."]
    assert sent(heard[1:]) == said


async def test_a_silent_caller_is_kept_connected_and_times_stay_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.wire.elevenlabs.live._KEEP_ALIVE", 0.05)
    heard: list[dict[str, Any]] = []

    async def script(socket: web.WebSocketResponse, message: dict[str, Any]) -> bool:
        if message["commit"]:
            end = len(sent(heard)) / 32000
            await committed(socket, "Late.", ("Late.", end - 0.5, end - 0.25))
        return True

    async def slowly() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        async for request in speaking(SILENCE[:32000], model="elevenlabs/scribe_v2_realtime", rate=16000):
            yield request
        await asyncio.sleep(0.3)
        yield pb.StreamTranscriptionRequest(audio=sung("x", 16000))

    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await events(hub, slowly())
    caller = 1.0 + len(sung("x", 16000)) / 32000
    assert len(sent(heard)) / 32000 > caller
    final = next(one.final.transcript for one in found if one.HasField("final"))
    assert final.segments[0].end_offset.ToMilliseconds() == pytest.approx((caller - 0.25) * 1000, abs=2)
    assert len(fake.seen) == 1


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("auth_error", "PROVIDER_CREDENTIAL_INVALID"), ("quota_exceeded", "PROVIDER_QUOTA_EXCEEDED"),
        ("rate_limited", "PROVIDER_RATE_LIMITED"), ("resource_exhausted", "PROVIDER_UNAVAILABLE"),
        ("input_error", "PROVIDER_REJECTED_REQUEST"), ("transcriber_error", "PROVIDER_UNAVAILABLE"),
    ],
)  # fmt: skip
async def test_failures_of_a_session(tmp_path: Path, kind: str, reason: str) -> None:
    async def script(socket: web.WebSocketResponse, _: dict[str, Any]) -> bool:
        await socket.send_json({"message_type": kind, "error": "so it is"})
        return False

    async with FakeProvider(socket_of(script, [])) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await live(hub, sung("x", 16000))
    assert failure(raised.value).reason == reason


async def test_a_model_that_does_not_listen_live_hears_by_utterance(tmp_path: Path) -> None:
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await live(hub, sung("a", 16000), model="elevenlabs/scribe_v2")
    assert finals(found) == [HEARD["text"]]
    assert [one.raw_path for one in fake.seen] == ["/v1/speech-to-text"]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"logprobs": True}, "config.options.logprobs"),
        ({"diarization": audio_pb2.DiarizationOptions()}, "config.options.diarization"),
        ({"format": audio_pb2.TRANSCRIPT_FORMAT_VTT}, "config.options.format"),
    ],
)
async def test_what_cannot_be_heard_live_is_refused_by_name(
    tmp_path: Path, options: dict[str, Any], field: str
) -> None:
    async with FakeProvider(answers({})) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await live(hub, options=audio_pb2.TranscriptionOptions(**options))
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert not fake.seen


async def test_what_its_models_can_do_is_told(tmp_path: Path) -> None:
    entries = [
        {"model_id": "eleven_v3", "name": "Eleven v3", "can_do_text_to_speech": True},
        {"model_id": "eleven_english_sts_v2", "name": "Eleven English v2", "can_do_text_to_speech": False},
    ]
    async with (
        FakeProvider(answers(entries)) as fake,
        running_hub(tmp_path, providers=at(fake), models={"ask_providers": True, "timeout": 5}) as hub,
    ):
        listed = await hub.models.ListModels(model_service_pb2.ListModelsRequest(), metadata=hub.auth, timeout=5)
        can = {one.id: list(one.capabilities) for one in listed.models}
        for name in ("elevenlabs/scribe_v2", "elevenlabs/scribe_v2_realtime", "elevenlabs/eleven_flash_v2_5"):
            asked = model_service_pb2.GetModelRequest(model=name)
            told = await hub.models.GetModel(asked, metadata=hub.auth, timeout=5)
            can[name] = list(told.model.capabilities)
    assert fake.seen[0].raw_path == "/v1/models"
    speaks = [model_service_pb2.MODEL_CAPABILITY_SPEECH]
    assert can["elevenlabs/eleven_v3"] == can["elevenlabs/eleven_flash_v2_5"] == speaks
    hears = [model_service_pb2.MODEL_CAPABILITY_TRANSCRIPTION, model_service_pb2.MODEL_CAPABILITY_LIVE_TRANSCRIPTION]
    assert can["elevenlabs/scribe_v2"] == can["elevenlabs/scribe_v2_realtime"] == hears
    assert "elevenlabs/eleven_english_sts_v2" not in can
