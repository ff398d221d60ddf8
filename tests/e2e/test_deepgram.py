"""Deepgram through the front door: a fake of its HTTP and WebSocket API, with its words and its silences."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2, model_service_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aiohttp import WSMsgType, web

from server.cli.early_end import true_status
from tests.e2e.test_live_transcription import SILENCE, events, finals, speaking, sung
from tests.e2e.test_transcription import SECOND, stub
from tests.fake_provider import FakeProvider, Seen, answers
from tests.running import RunningHub, failure, provider, running_hub

WORDS = [
    {"word": "hello", "punctuated_word": "Hello", "start": 0.1, "end": 0.4, "confidence": 0.75, "speaker": 0},
    {"word": "there", "punctuated_word": "there.", "start": 0.5, "end": 0.9, "confidence": 0.5, "speaker": 0},
    {"word": "all", "punctuated_word": "All", "start": 1.5, "end": 1.7, "confidence": 1.0, "speaker": 1},
    {"word": "well", "punctuated_word": "well?", "start": 1.8, "end": 2.0, "confidence": 1.0, "speaker": 1},
]
HEARD: Any = {
    "metadata": {"request_id": "dg-1", "duration": 2.5, "channels": 1},
    "results": {
        "channels": [
            {
                "detected_language": "en",
                "alternatives": [{"transcript": "Hello there. All well?", "confidence": 0.9, "words": WORDS}],
            }
        ],
        "utterances": [
            {"start": 0.1, "end": 0.9, "transcript": "Hello there.", "speaker": 0, "channel": 0, "id": "u0"},
            {"start": 1.5, "end": 2.0, "transcript": "All well?", "speaker": 1, "channel": 0, "id": "u1"},
        ],
    },
}


def at(fake: FakeProvider, **more: Any) -> list[dict[str, Any]]:
    return [provider(fake.base_url.removesuffix("/v1"), "deepgram", "deepgram", **more)]


def query(seen: Seen) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(seen.raw_path).query, keep_blank_values=True)


def hear(model: str = "deepgram/nova-3", **options: Any) -> pb.CreateTranscriptionRequest:
    return pb.CreateTranscriptionRequest(
        model=model, audio=media_pb2.Media(data=SECOND), options=audio_pb2.TranscriptionOptions(**options)
    )


def say(text: str = "Hello.", model: str = "deepgram/aura-2", voice: str = "thalia", **options: Any) -> Any:
    return pb.CreateSpeechRequest(model=model, input=text, options=audio_pb2.SpeechOptions(voice=voice, **options))


async def test_a_recording_goes_as_it_is_and_the_rest_in_the_query(tmp_path: Path) -> None:
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        request = hear(keywords=["Nova & co"], word_timestamps=True, format=audio_pb2.TRANSCRIPT_FORMAT_VTT, prompt="x")
        request.options.diarization.SetInParent()
        request.gateway.extra_body_json = '{"redact": ["pci", "pii"], "numerals": true}'
        answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
        upload = hear(languages=["de-CH"])
        upload.gateway.extra_body_json = '{"smart_format": false}'
        plain = await stub(hub).CreateTranscription(upload, metadata=hub.auth, timeout=5)
    first, second = fake.seen
    assert (first.method, urlsplit(first.raw_path).path, first.body) == ("POST", "/v1/listen", SECOND)
    assert (first.headers["Content-Type"], first.headers["Authorization"]) == (
        "audio/wav", "Token sk-test-upstream-key",
    )  # fmt: skip
    assert query(first) == [
        ("model", "nova-3"), ("keyterm", "Nova & co"), ("diarize_model", "latest"), ("detect_language", "true"),
        ("utterances", "true"), ("smart_format", "true"), ("redact", "pci"), ("redact", "pii"), ("numerals", "true"),
    ]  # fmt: skip
    assert query(second) == [("model", "nova-3"), ("language", "de-CH"), ("smart_format", "false")]
    told = answer.transcript
    assert (told.text, told.language, told.duration.ToMilliseconds()) == ("Hello there. All well?", "en", 2500)
    assert [(one.text, one.speaker) for one in told.segments] == [("Hello there.", "0"), ("All well?", "1")]
    assert [(one.word, one.confidence) for one in told.words[:2]] == [("Hello", 0.75), ("there.", 0.5)]
    assert "<v 1>All well?" in told.rendered
    assert (answer.usage.billed_audio_duration.ToMilliseconds(), answer.usage.estimated) == (2500, False)
    assert answer.gateway.provider_request_id == "dg-1"
    assert list(answer.gateway.adjusted_fields) == ["options.prompt"]
    assert not plain.transcript.words


async def test_an_upload_is_handed_on_as_it_comes(tmp_path: Path) -> None:
    heard = bytearray()
    whole = asyncio.Event()

    async def answer(request: web.Request) -> web.Response:
        async for data in request.content.iter_any():
            heard.extend(data)
        return web.json_response(HEARD)

    async def slowly() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        config = pb.UploadTranscriptionConfig(model="deepgram/nova-3")
        yield pb.UploadTranscriptionRequest(config=config)
        yield pb.UploadTranscriptionRequest(audio=SECOND[:9000])
        await whole.wait()
        yield pb.UploadTranscriptionRequest(audio=SECOND[9000:])

    async with FakeProvider(answer, reads=False) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        call = asyncio.ensure_future(stub(hub).UploadTranscription(slowly(), metadata=hub.auth, timeout=5))
        async with asyncio.timeout(3):
            while bytes(heard) != SECOND[:9000]:
                await asyncio.sleep(0.005)
        whole.set()
        answered = await call
    assert bytes(heard) == SECOND
    assert answered.transcript.text == "Hello there. All well?"


async def test_a_public_url_is_for_deepgram_to_fetch(tmp_path: Path) -> None:
    # The fake is on this machine, and what is private must not be told URLs: there the hub fetches, and may not.
    async with FakeProvider(answers(HEARD)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        request = pb.CreateTranscriptionRequest(
            model="deepgram/nova-3", audio=media_pb2.Media(url="https://127.0.0.1/talk.wav")
        )
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == "audio.url"
    assert not fake.seen


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (hear(logprobs=True), "options.logprobs"),
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
        translation = pb.CreateTranslationRequest(model="deepgram/nova-3", audio=media_pb2.Media(data=SECOND))
        with pytest.raises(grpc.aio.AioRpcError) as translated:
            await stub(hub).CreateTranslation(translation, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert failure(translated.value).bad_request.field_violations[0].field == "model"
    assert not fake.seen


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (401, {"err_code": "INVALID_AUTH", "err_msg": "Invalid credentials."}, "PROVIDER_CREDENTIAL_INVALID"),
        (402, {"err_code": "ASR_PAYMENT_REQUIRED", "err_msg": "Project does not have enough credits"},
         "PROVIDER_QUOTA_EXCEEDED"),
        (400, {"err_code": "Bad Request", "err_msg": "No such model/language/tier combination found."},
         "MODEL_NOT_FOUND"),
        (400, {"err_code": "Bad Request", "err_msg": "failed to process audio: corrupt or unsupported data"},
         "PROVIDER_REJECTED_REQUEST"),
        (429, {"err_code": "TOO_MANY_REQUESTS", "err_msg": "Too many requests."}, "PROVIDER_RATE_LIMITED"),
        (200, {"request_id": "later"}, "PROVIDER_BAD_RESPONSE"),
    ],
)  # fmt: skip
async def test_refusals(tmp_path: Path, status: int, body: Any, reason: str) -> None:
    async with FakeProvider(answers(body, status)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(hear(), metadata=hub.auth, timeout=5)
    assert failure(raised.value).reason == reason


def audio(headers: dict[str, str] | None = None) -> Any:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"ID3" + bytes(200), content_type="audio/mpeg", headers=headers)

    return answer


async def test_speech(tmp_path: Path) -> None:
    async with (
        FakeProvider(audio({"dg-char-count": "5", "dg-request-id": "dg-7"})) as fake,
        running_hub(tmp_path, providers=at(fake)) as hub,
    ):
        spoken = await stub(hub).CreateSpeech(say(instructions="softly"), metadata=hub.auth, timeout=5)
        request = say(voice="aura-2-celeste-es", format=audio_pb2.AUDIO_FORMAT_PCM_S16LE, sample_rate_hertz=16000)
        request.options.speed = 1.25
        request.options.language = "es-MX"
        request.gateway.extra_body_json = '{"mip_opt_out": true}'
        samples = [chunk async for chunk in stub(hub).StreamSpeech(request, metadata=hub.auth, timeout=5)]
        await stub(hub).CreateSpeech(say(model="deepgram/flux", voice="alexis"), metadata=hub.auth, timeout=5)
    assert (spoken.format, spoken.usage.billed_characters, spoken.usage.estimated) == (
        audio_pb2.AUDIO_FORMAT_MP3, 5, False,
    )  # fmt: skip
    assert spoken.gateway.provider_request_id == "dg-7"
    assert list(spoken.gateway.adjusted_fields) == ["options.instructions"]
    assert (samples[0].format, samples[0].sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_PCM_S16LE, 16000)
    assert [urlsplit(one.raw_path).path for one in fake.seen] == ["/v1/speak", "/v1/speak", "/v2/speak"]
    assert [query(one) for one in fake.seen] == [
        [("model", "aura-2-thalia-en")],
        [("model", "aura-2-celeste-es"), ("encoding", "linear16"), ("container", "none"), ("sample_rate", "16000"),
         ("speed", "1.25"), ("mip_opt_out", "true")],
        [("model", "flux-alexis-en")],
    ]  # fmt: skip
    assert fake.seen[0].json == {"text": "Hello."}


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (say(ssml=True), "options.ssml"), (say(speed=2), "options.speed"), (say("x" * 2001), "input"),
        (say(format=audio_pb2.AUDIO_FORMAT_WEBM_OPUS), "options.format"),
        (say(format=audio_pb2.AUDIO_FORMAT_MP3, sample_rate_hertz=44100), "options.sample_rate_hertz"),
        (say(voice="aura-2-thalia-en", language="de"), "options.language"),
        (say(model="deepgram/speak", voice="thalia"), "options.voice"),
    ],
)  # fmt: skip
async def test_what_it_cannot_say_is_refused_by_name(tmp_path: Path, request_: Any, field: str) -> None:
    async with FakeProvider(audio()) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(request_, metadata=hub.auth, timeout=5)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert not fake.seen


async def test_voices_are_those_it_lists_and_asked_for_once(tmp_path: Path) -> None:
    listed = {"stt": [{"canonical_name": "nova-3-general"}], "tts": [
        {"name": "zeus", "canonical_name": "aura-2-zeus-en", "architecture": "aura-2", "languages": ["en", "en-US"],
         "metadata": {"display_name": "Zeus"}},
        {"name": "luna", "canonical_name": "aura-luna-en", "architecture": "aura", "languages": ["en"]},
    ]}  # fmt: skip
    async with FakeProvider(answers(listed)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        everything = await stub(hub).ListVoices(pb.ListVoicesRequest(), metadata=hub.auth, timeout=5)
        aura = pb.ListVoicesRequest(model="deepgram/aura-2", language="en")
        some = await stub(hub).ListVoices(aura, metadata=hub.auth, timeout=5)
    assert [(one.id, one.display_name, one.provider) for one in everything.voices] == [
        ("aura-2-zeus-en", "Zeus", "deepgram"), ("aura-luna-en", "luna", "deepgram"),
    ]  # fmt: skip
    assert [one.id for one in some.voices] == ["aura-2-zeus-en"]
    assert [one.raw_path for one in fake.seen] == ["/v1/models"]


@pytest.mark.parametrize("body", [{"err_code": "x"}, {"tts": "none"}])
async def test_without_a_list_the_documented_voices_are_told(tmp_path: Path, body: Any) -> None:
    status = 500 if "err_code" in body else 200
    async with FakeProvider(answers(body, status)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        for _ in range(2):
            told = await stub(hub).ListVoices(pb.ListVoicesRequest(language="en"), metadata=hub.auth, timeout=5)
    assert "aura-2-thalia-en" in [one.id for one in told.voices]
    assert len(fake.seen) == 1  # a failure is not asked for again at once


def result(text: str, start: float, length: float, **more: Any) -> dict[str, Any]:
    words = [
        {"word": word.lower(), "punctuated_word": word, "start": start + at, "end": start + at + 0.1, "speaker": 0}
        for at, word in enumerate(text.split())
    ]  # fmt: skip
    told = {"type": "Results", "channel_index": [0, 1], "start": start, "duration": length, "is_final": False,
            "speech_final": False, "channel": {"alternatives": [{"transcript": text, "words": words}]}}  # fmt: skip
    return {**told, **more}


Script = Callable[[web.WebSocketResponse, bytes | str], Awaitable[bool]]


def socket_of(script: Script, heard: list[bytes | str], **headers: str) -> Any:
    """A socket that keeps what it hears and answers as ``script`` says, until that is False."""

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        socket.headers.update({"dg-request-id": "dg-live", **headers})
        await socket.prepare(request)
        async for message in socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            heard.append(message.data)
            if not await script(socket, message.data):
                break
        await socket.close()
        return socket

    return answer


def control(message: bytes | str) -> str:
    return str(json.loads(message)["type"]) if isinstance(message, str) else ""


def said(found: Sequence[pb.StreamTranscriptionResponse]) -> list[int]:
    return [one.speech_event.type for one in found if one.HasField("speech_event")]


async def live(hub: RunningHub, *parts: bytes | None, **config: Any) -> list[pb.StreamTranscriptionResponse]:
    return await events(hub, speaking(*parts, model="deepgram/nova-3", rate=16000, **config))


async def test_live_speech_is_sent_as_bytes_and_heard_in_utterances(tmp_path: Path) -> None:
    heard: list[bytes | str] = []
    told = False

    async def script(socket: web.WebSocketResponse, message: bytes | str) -> bool:
        nonlocal told
        if isinstance(message, bytes) and not told:
            told = True
            for event in (
                {"type": "SpeechStarted", "channel": [0], "timestamp": 0.5},
                result("One", 0.5, 1.0),
                result("One thing.", 0.5, 2.0, is_final=True),
                result("And more.", 3.5, 2.0, is_final=True, speech_final=True),
                {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 5.0},
                {"type": "Metadata", "duration": 99.0},
            ):
                await socket.send_json(event)
        if control(message) == "CloseStream":
            await socket.send_json(result("Last words", 7.0, 1.0, is_final=True))
            await socket.send_json({"type": "Metadata", "request_id": "dg-live", "duration": 12.5, "channels": 1})
            return False
        return True

    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await live(
            hub, sung("x", 16000), interim_results=True,
            options=audio_pb2.TranscriptionOptions(word_timestamps=True, keywords=["Nova"], prompt="p"),
            voice_activity=pb.VoiceActivityOptions(threshold=0.5),
        )  # fmt: skip
    assert b"".join(one for one in heard if isinstance(one, bytes)) == sung("x", 16000)
    assert [control(one) for one in heard if isinstance(one, str)] == ["CloseStream"]
    assert fake.seen[0].headers["Authorization"] == "Token sk-test-upstream-key"
    assert query(fake.seen[0]) == [
        ("model", "nova-3"), ("keyterm", "Nova"), ("language", "multi"), ("encoding", "linear16"),
        ("sample_rate", "16000"), ("channels", "1"), ("interim_results", "true"), ("endpointing", "500"),
        ("utterance_end_ms", "1000"), ("vad_events", "true"), ("smart_format", "true"),
    ]  # fmt: skip
    assert found[0].ready.session_id == "dg-live"
    assert finals(found) == ["One thing. And more.", "Last words"]
    assert [one.interim.text for one in found if one.HasField("interim")] == [
        "One", "One thing.", "One thing. And more.", "Last words",
    ]  # fmt: skip
    first = next(one.final.transcript for one in found if one.HasField("final"))
    assert [word.word for word in first.words] == ["One", "thing.", "And", "more."]
    assert (first.segments[0].start_offset.ToMilliseconds(), first.segments[0].end_offset.ToMilliseconds()) == (
        500,
        4600,
    )
    assert said(found)[:3] == [
        pb.SPEECH_EVENT_TYPE_SPEECH_START, pb.SPEECH_EVENT_TYPE_SPEECH_END, pb.SPEECH_EVENT_TYPE_UTTERANCE_END,
    ]  # fmt: skip
    summary = found[-1].summary
    assert (summary.usage.billed_audio_duration.ToMilliseconds(), summary.usage.estimated) == (12500, False)
    assert list(summary.gateway.adjusted_fields) == ["config.options.prompt", "config.voice_activity.threshold"]


async def test_commits_are_finalized_whether_or_not_they_are_answered(tmp_path: Path) -> None:
    heard: list[bytes | str] = []
    finalized = 0

    async def script(socket: web.WebSocketResponse, message: bytes | str) -> bool:
        nonlocal finalized
        if control(message) == "Finalize":
            finalized += 1
            if finalized == 1:
                await socket.send_json(result("First.", 0.0, 1.0, is_final=True, from_finalize=True))
            else:  # it was told before it was asked for, and Deepgram says no more of it
                await socket.send_json(result("Second.", 1.0, 1.0, is_final=True))
        if control(message) == "CloseStream":
            await socket.send_json({"type": "Metadata", "duration": 2.0})
            return False
        return True

    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        by_hand = pb.VoiceActivityOptions(disabled=True)
        found = await live(hub, sung("a", 16000), None, sung("b", 16000), None, voice_activity=by_hand)
    assert ("endpointing", "false") in query(fake.seen[0])
    assert finals(found) == ["First.", "Second."]


async def test_a_lost_session_goes_on_in_another(tmp_path: Path) -> None:
    heard: list[bytes | str] = []
    sessions = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sessions
        sessions += 1
        script = socket_of(first, []) if sessions == 1 else socket_of(second, heard)
        told: web.StreamResponse = await script(request)
        return told

    async def first(socket: web.WebSocketResponse, _: bytes | str) -> bool:
        await socket.close(code=1011, message=b"NET-0001")
        return False

    async def second(socket: web.WebSocketResponse, message: bytes | str) -> bool:
        if control(message) == "CloseStream":
            await socket.send_json(result("All of it.", 0.5, 1.0, is_final=True, speech_final=True))
            await socket.send_json({"type": "Metadata", "duration": 3.0})
            return False
        return True

    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        found = await live(hub, sung("All of it, again.", 16000))
    assert len(fake.seen) == 2
    assert finals(found) == ["All of it."]
    assert pb.SPEECH_EVENT_TYPE_SESSION_RENEWED in said(found)
    assert b"".join(one for one in heard if isinstance(one, bytes)) == sung("All of it, again.", 16000)


async def test_a_silent_caller_is_kept_connected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.wire.deepgram.live._KEEP_ALIVE", 0.05)
    heard: list[bytes | str] = []

    async def script(socket: web.WebSocketResponse, message: bytes | str) -> bool:
        if control(message) == "CloseStream":
            await socket.send_json({"type": "Metadata", "duration": 0.1})
            return False
        return True

    async def slowly() -> AsyncIterator[pb.StreamTranscriptionRequest]:
        async for request in speaking(SILENCE, model="deepgram/nova-3", rate=16000):
            yield request
        await asyncio.sleep(0.3)

    async with FakeProvider(socket_of(script, heard)) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        await events(hub, slowly())
    sent = [control(one) for one in heard if isinstance(one, str)]
    assert sent.count("KeepAlive") >= 2
    assert sent[-1] == "CloseStream"
    assert len(fake.seen) == 1


@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"dg-error": "Invalid credentials."}, 401, "PROVIDER_CREDENTIAL_INVALID"),
        ({"dg-error": "No such model/language/tier combination found."}, 400, "MODEL_NOT_FOUND"),
        ({}, 400, "PROVIDER_REJECTED_REQUEST"),
    ],
)
async def test_a_refused_handshake(tmp_path: Path, headers: dict[str, str], status: int, reason: str) -> None:
    async with (
        FakeProvider(answers({"ignored": 1}, status, headers)) as fake,
        running_hub(tmp_path, providers=at(fake)) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await live(hub, sung("x", 16000))
    assert failure(raised.value).reason == reason


async def test_a_failure_in_the_middle_ends_with_usage_and_a_status(tmp_path: Path) -> None:
    async def script(socket: web.WebSocketResponse, _: bytes | str) -> bool:
        await socket.send_json(result("Heard.", 0.0, 1.0, is_final=True, speech_final=True))
        await socket.send_json({"type": "Error", "description": "The server is overloaded", "variant": "x"})
        return True

    received = []
    async with FakeProvider(socket_of(script, [])) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            requests = speaking(sung("x", 16000), model="deepgram/nova-3", rate=16000)
            call = stub(hub).StreamTranscription(requests, metadata=hub.auth, timeout=5)
            with true_status(call):
                async for one in call:
                    received.append(one)
    assert finals(received) == ["Heard."]
    assert received[-1].summary.usage.estimated
    assert failure(raised.value).reason == "PROVIDER_UNAVAILABLE"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"model": "deepgram/flux-general-en"}, "config.model"),
        ({"options": audio_pb2.TranscriptionOptions(logprobs=True)}, "config.options.logprobs"),
        ({"options": audio_pb2.TranscriptionOptions(format=audio_pb2.TRANSCRIPT_FORMAT_SRT)}, "config.options.format"),
        ({"model": "deepgram/enhanced", "options": audio_pb2.TranscriptionOptions(languages=["en", "de"])},
         "config.options.languages"),
    ],
)  # fmt: skip
async def test_what_cannot_be_heard_live_is_refused_by_name(tmp_path: Path, config: dict[str, Any], field: str) -> None:
    async with FakeProvider(answers({})) as fake, running_hub(tmp_path, providers=at(fake)) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await events(hub, speaking(**{"model": "deepgram/nova-3", "rate": 16000, **config}))
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert not fake.seen


async def test_what_its_models_can_do_is_told(tmp_path: Path) -> None:
    entries = {
        "stt": [{"name": "general", "canonical_name": "nova-3-general", "batch": True, "streaming": True}],
        "tts": [{"name": "thalia", "canonical_name": "aura-2-thalia-en"}],
    }
    async with (
        FakeProvider(answers(entries)) as fake,
        running_hub(tmp_path, providers=at(fake), models={"ask_providers": True, "timeout": 5}) as hub,
    ):
        listed = await hub.models.ListModels(model_service_pb2.ListModelsRequest(), metadata=hub.auth, timeout=5)
        can = {one.id: list(one.capabilities) for one in listed.models}
        for name in ("deepgram/nova-2-meeting", "deepgram/enhanced", "deepgram/aura-2-orion-en"):
            asked = model_service_pb2.GetModelRequest(model=name)
            told = await hub.models.GetModel(asked, metadata=hub.auth, timeout=5)
            can[name] = list(told.model.capabilities)
    assert fake.seen[0].raw_path == "/v1/models"
    hears = [model_service_pb2.MODEL_CAPABILITY_TRANSCRIPTION, model_service_pb2.MODEL_CAPABILITY_LIVE_TRANSCRIPTION]
    assert can["deepgram/nova-3-general"] == can["deepgram/nova-2-meeting"] == can["deepgram/enhanced"] == hears
    speaks = [model_service_pb2.MODEL_CAPABILITY_SPEECH]
    assert can["deepgram/aura-2-thalia-en"] == can["deepgram/aura-2-orion-en"] == speaks


async def test_an_address_that_anybody_may_read_is_passed_on(tmp_path: Path) -> None:
    url = "https://recordings.example/talk.wav"
    asked = pb.CreateTranscriptionRequest(model="deepgram/nova-3", audio=media_pb2.Media(url=url))
    async with FakeProvider(answers(HEARD)) as fake:
        # The provider must be a public host, or it could reach what the caller must not.
        behind = [{**at(fake)[0], "base_url": "http://192.175.48.6", "proxy": fake.base_url.removesuffix("/v1")}]
        async with running_hub(tmp_path, providers=behind) as hub:
            answer = await stub(hub).CreateTranscription(asked, metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert json.loads(seen.body) == {"url": url}
    assert seen.headers["Content-Type"] == "application/json"
    assert answer.transcript.text == "Hello there. All well?"
