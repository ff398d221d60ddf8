"""Recordings to text through the front door."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2, options_pb2
from aignehub.v1 import audio_service_pb2 as pb
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import web

from server.cli.early_end import true_status
from server.wire import wav
from tests.fake_provider import Answer, FakeProvider, Seen, answers, hangs
from tests.running import RunningHub, failure, provider, running_hub, until

SECOND = wav.write_header(16000, 1, 32000) + bytes(32000)
VERBOSE = {
    "task": "transcribe", "language": "english", "duration": 2.5, "text": "Hello there. All well?",
    "segments": [
        {"id": 0, "start": 0.0, "end": 1.25, "text": " Hello there.", "avg_logprob": -0.25, "no_speech_prob": 0.01,
         "compression_ratio": 1.5, "temperature": 0.0, "tokens": [1, 2]},
        {"id": 1, "start": 1.25, "end": 2.5, "text": " All well?"},
    ],
    "words": [{"word": "Hello", "start": 0.0, "end": 0.5}],
    "usage": {"type": "duration", "seconds": 3},
}  # fmt: skip


def stub(hub: RunningHub) -> "AudioServiceStub":
    return AudioServiceStub(hub.channel)


def hear(data: bytes = SECOND, model: str = "openai/whisper-1", **options: Any) -> pb.CreateTranscriptionRequest:
    return pb.CreateTranscriptionRequest(
        model=model, audio=media_pb2.Media(data=data), options=audio_pb2.TranscriptionOptions(**options)
    )


async def uploads(
    data: bytes, piece: int = 512 * 1024, model: str = "openai/whisper-1", **config: Any
) -> AsyncIterator[pb.UploadTranscriptionRequest]:
    yield pb.UploadTranscriptionRequest(config=pb.UploadTranscriptionConfig(model=model, **config))
    for place in range(0, len(data), piece):
        yield pb.UploadTranscriptionRequest(audio=data[place : place + piece])


def form(seen: Seen) -> list[tuple[str, str, bytes]]:
    """Name, what else is said of the part, and its bytes."""
    found = re.search("boundary=(.+)", seen.headers["Content-Type"])
    assert found
    parts = []
    for part in seen.body.split(b"--" + found.group(1).encode())[1:-1]:
        head, _, body = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name
        parts.append((name.group(1).decode(), head.decode(), body[:-2]))
    return parts


def fields(seen: Seen) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {}
    for name, _, body in form(seen):
        if name != "file":
            told.setdefault(name, []).append(body.decode())
    return told


def text(body: str, kind: str = "text/plain") -> Answer:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind)

    return answer


async def test_the_request_and_the_plain_answer(tmp_path: Path) -> None:
    body = {"text": "Hi.", "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 2, "total_tokens": 11,
            "input_token_details": {"text_tokens": 1, "audio_tokens": 8}}}  # fmt: skip
    async with (
        FakeProvider(answers(body, headers={"x-request-id": "up-2"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = hear(model="openai/gpt-4o-transcribe", languages=["en"], prompt="Names", temperature=0.2)
        request.gateway.extra_body_json = '{"brand_new": "1"}'
        answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1/audio/transcriptions")
    assert int(seen.headers["Content-Length"]) == len(seen.body)
    assert fields(seen) == {
        "model": ["gpt-4o-transcribe"], "language": ["en"], "prompt": ["Names"], "temperature": ["0.2"],
        "brand_new": ["1"],
    }  # fmt: skip
    name, head, data = form(seen)[-1]
    assert (name, data) == ("file", SECOND)
    assert 'filename="audio.wav"' in head
    assert "Content-Type: audio/wav" in head
    assert (answer.transcript.text, answer.transcript.duration.seconds) == ("Hi.", 1)
    assert (answer.usage.input_tokens, answer.usage.output_tokens, answer.usage.total_tokens) == (9, 2, 11)
    assert not answer.usage.estimated
    assert len(answer.usage.input_by_modality) == 2
    assert (answer.model, answer.gateway.provider_request_id) == ("gpt-4o-transcribe", "up-2")


async def test_times_and_subtitles(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(VERBOSE)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = hear(word_timestamps=True, format=audio_pb2.TRANSCRIPT_FORMAT_SRT)
        srt = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
        request.options.format = audio_pb2.TRANSCRIPT_FORMAT_VTT
        vtt = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert fields(fake.seen[0])["response_format"] == ["verbose_json"]
    assert fields(fake.seen[0])["timestamp_granularities[]"] == ["word", "segment"]
    assert srt.transcript.rendered == (
        "1\n00:00:00,000 --> 00:00:01,250\nHello there.\n\n2\n00:00:01,250 --> 00:00:02,500\nAll well?\n\n"
    )
    assert vtt.transcript.rendered.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:01.250\nHello there.\n")
    first = srt.transcript.segments[0]
    assert (first.text, first.end_offset.ToMilliseconds(), first.avg_logprob) == ("Hello there.", 1250, -0.25)
    assert list(first.tokens) == [1, 2]
    assert srt.transcript.words[0].end_offset.ToMilliseconds() == 500
    assert (srt.transcript.language, srt.transcript.duration.ToMilliseconds()) == ("english", 2500)
    assert (srt.usage.billed_audio_duration.seconds, srt.usage.estimated) == (3, False)


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        ("Just words.\n", "text/plain", "Just words."),
        ("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nOne\n\n00:01.000 --> 00:02.500\nTwo\n", "text/plain", "One Two"),
        ("1\n00:00:00,000 --> 00:00:01,000\nOne\n\n2\n00:00:01,000 --> 00:00:02,500\nTwo\n", "text/plain", "One Two"),
        ('data: {"type":"transcript.text.delta","delta":"On"}\n\n'
         'data: {"type":"transcript.text.done","text":"One Two"}\n\ndata: [DONE]\n\n', "text/event-stream", "One Two"),
    ],
)  # fmt: skip
async def test_every_form_of_answer_is_read(tmp_path: Path, body: str, kind: str, said: str) -> None:
    async with (
        FakeProvider(text(body, kind)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        answer = await stub(hub).CreateTranscription(hear(), metadata=hub.auth, timeout=5)
    assert answer.transcript.text == said
    assert answer.usage.estimated
    assert answer.usage.billed_audio_duration.seconds == 1  # read from the WAV's own header
    if "00:" in body:
        assert answer.transcript.segments[1].end_offset.ToMilliseconds() == 2500


async def test_diarization(tmp_path: Path) -> None:
    told = {"text": "Hi", "duration": 3.7, "usage": {"type": "tokens", "input_tokens": 3, "output_tokens": 4},
            "segments": [{"id": "seg_0", "speaker": "A", "start": 0.0, "end": 3.1, "text": " Hi"}]}  # fmt: skip
    async with (
        FakeProvider(answers(told)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = hear(model="openai/gpt-4o-transcribe-diarize", format=audio_pb2.TRANSCRIPT_FORMAT_SRT)
        speaker = audio_pb2.KnownSpeaker(name="agent", reference=SECOND)
        request.options.diarization.CopyFrom(audio_pb2.DiarizationOptions(known_speakers=[speaker], max_speakers=2))
        answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    sent = fields(fake.seen[0])
    assert (sent["response_format"], sent["chunking_strategy"]) == (["diarized_json"], ["auto"])
    assert sent["known_speaker_names[]"] == ["agent"]
    assert sent["known_speaker_references[]"][0].startswith("data:audio/wav;base64,UklGR")
    assert answer.transcript.segments[0].speaker == "A"
    assert "A: Hi" in answer.transcript.rendered
    assert list(answer.gateway.adjusted_fields) == ["options.diarization.max_speakers"]


async def test_25_mb_arrive_byte_for_byte(tmp_path: Path) -> None:
    noise = b"".join(hashlib.sha256(str(number).encode()).digest() for number in range(25 * 1024 * 1024 // 32 - 2))
    data = wav.write_header(16000, 1, len(noise)) + noise
    async with (
        FakeProvider(answers({"text": "long"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        answer = await stub(hub).UploadTranscription(uploads(data, filename="talk.mp3"), metadata=hub.auth, timeout=30)
        assert answer.transcript.text == "long"
        assert answer.usage.billed_audio_duration.seconds == len(noise) // 32000
        name, head, sent = form(fake.seen[0])[-1]
        assert 'filename="talk.wav"' in head  # the bytes are WAV, and hosts go by the name
        assert hashlib.sha256(sent).digest() == hashlib.sha256(data).digest()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            call = stub(hub).UploadTranscription(uploads(data + bytes(100)), metadata=hub.auth, timeout=30)
            with true_status(call):
                await call
    told = failure(raised.value)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert told.bad_request.field_violations[0].field == "audio"
    assert len(fake.seen) == 1
    assert name == "file"


@pytest.mark.parametrize(
    ("form_", "tag", "rate"),
    [
        (audio_pb2.AUDIO_FORMAT_PCM_S16LE, wav.PCM, 16000),
        (audio_pb2.AUDIO_FORMAT_MULAW, wav.MULAW, 8000),
        (audio_pb2.AUDIO_FORMAT_ALAW, wav.ALAW, 8000),
    ],
)
async def test_headerless_samples_get_a_header(
    tmp_path: Path, form_: audio_pb2.AudioFormat.ValueType, tag: int, rate: int
) -> None:
    async with (
        FakeProvider(answers({"text": "x"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = hear(b"\x01\x02" * 8000)
        request.input.CopyFrom(audio_pb2.AudioInputConfig(format=form_, sample_rate_hertz=rate))
        await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    sent = form(fake.seen[0])[-1][2]
    assert sent == wav.write_header(rate, 1, 16000, tag=tag) + b"\x01\x02" * 8000


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"ID3\4\0\0\0\0\0\0" + bytes(99), "audio.mp3", "audio/mpeg"),
        (b"fLaC" + bytes(99), "audio.flac", "audio/flac"),
        (b"OggS" + bytes(99), "audio.ogg", "audio/ogg"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(99), "audio.webm", "video/webm"),
        (b"\0\0\0\x1cftypM4A " + bytes(99), "audio.m4a", "audio/mp4"),
        (b"\0\0\0\x1cftypisom" + bytes(99), "audio.mp4", "video/mp4"),
    ],
)
async def test_containers_are_told_by_their_bytes(tmp_path: Path, data: bytes, name: str, kind: str) -> None:
    async with (
        FakeProvider(answers({"text": "x"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        await stub(hub).CreateTranscription(hear(data), metadata=hub.auth, timeout=5)
    head = form(fake.seen[0])[-1][1]
    assert f'filename="{name}"' in head
    assert f"Content-Type: {kind}" in head


@pytest.mark.parametrize("said", ["audio/x-wav", "audio/mp3", "video/mp4; codecs=1", "application/octet-stream"])
async def test_the_bytes_decide_among_types_of_sound(tmp_path: Path, said: str) -> None:
    """OpenAI's recorded traffic has files of other kinds than they were said to be, and answers to them."""
    request = with_media(data=SECOND, mime_type=said)
    async with (
        FakeProvider(answers({"text": "x"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert "Content-Type: audio/wav" in form(fake.seen[0])[-1][1]


def with_media(**media: Any) -> pb.CreateTranscriptionRequest:
    return pb.CreateTranscriptionRequest(model="openai/whisper-1", audio=media_pb2.Media(**media))


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (with_media(data=b""), "audio.data"),
        (with_media(data=b"\x89PNG\r\n\x1a\n" + bytes(50)), "audio.mime_type"),
        (with_media(data=b"plain words"), "audio.data"),
        (with_media(data=SECOND, mime_type="text/html"), "audio.mime_type"),
        (with_media(file_id="f"), "audio.file_id"),
        (with_media(url="https://127.0.0.1/a.wav"), "audio.url"),
        (pb.CreateTranscriptionRequest(model="openai/whisper-1"), "audio"),
        (hear(temperature=3), "options.temperature"),
        (hear(logprobs=True), "options.logprobs"),
        (hear(model="openai/gpt-4o-transcribe", word_timestamps=True), "options.word_timestamps"),
        (hear(model="openai/gpt-4o-transcribe", format=audio_pb2.TRANSCRIPT_FORMAT_SRT), "options.format"),
        (hear(diarization=audio_pb2.DiarizationOptions()), "options.diarization"),
        (hear(languages=["en", "de"]), "options.languages"),
        (hear(bytes(26 * 1024 * 1024)), "audio.data"),
    ],
)
async def test_bad_input_is_refused_by_name(
    tmp_path: Path, request_: pb.CreateTranscriptionRequest, field: str
) -> None:
    async with (
        FakeProvider(answers({"text": "x"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(request_, metadata=hub.auth, timeout=10)
    assert failure(raised.value).bad_request.field_violations[0].field == field
    assert not fake.seen


async def test_an_upload_begins_with_its_settings(tmp_path: Path) -> None:
    async def no_config() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        yield pb.UploadTranscriptionRequest(audio=SECOND)

    async def twice() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        for _ in range(2):
            yield pb.UploadTranscriptionRequest(config=pb.UploadTranscriptionConfig(model="sandbox/hear"))

    async def nothing() -> AsyncIterator[pb.UploadTranscriptionRequest]:
        return
        yield

    async with running_hub(tmp_path, sandbox=True) as hub:
        for requests, field in (
            (no_config(), "config"), (twice(), "config"), (nothing(), "config"),
            (uploads(b"", model="sandbox/hear"), "audio"),
        ):  # fmt: skip
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub(hub).UploadTranscription(requests, metadata=hub.auth, timeout=5)
            assert failure(raised.value).bad_request.field_violations[0].field == field


async def test_translation(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers({"text": "Good day!"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = pb.CreateTranslationRequest(model="openai/whisper-1", audio=media_pb2.Media(data=SECOND))
        answer = await stub(hub).CreateTranslation(request, metadata=hub.auth, timeout=5)
        upload = await stub(hub).UploadTranscription(
            uploads(SECOND, target_language="en"), metadata=hub.auth, timeout=5
        )
        request.target_language = "fr"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranslation(request, metadata=hub.auth, timeout=5)
    assert [seen.raw_path for seen in fake.seen] == ["/v1/audio/translations"] * 2
    assert answer.transcript.text == upload.transcript.text == "Good day!"
    assert failure(raised.value).bad_request.field_violations[0].field == "target_language"


async def test_a_recording_by_its_url(tmp_path: Path) -> None:
    async def file(request: web.Request) -> web.Response:
        if request.path.endswith("talk.wav"):
            return web.Response(body=SECOND, content_type="audio/wav")
        return web.json_response({"text": "fetched"})

    async with FakeProvider(file) as fake:
        port = int(fake.base_url.split(":")[2].split("/")[0])
        egress = {"allow_http": True, "allowed_ports": [port], "allowed_networks": ["127.0.0.0/8"]}
        async with running_hub(tmp_path, providers=[provider(fake.base_url)], egress=egress) as hub:
            request = with_media(url=f"http://127.0.0.1:{port}/talk.wav")
            answer = await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert answer.transcript.text == "fetched"
    _, head, data = form(fake.seen[1])[-1]
    assert data == SECOND
    assert 'filename="talk.wav"' in head
    assert "Authorization" not in fake.seen[0].headers


async def test_other_hosts_have_their_own_words(tmp_path: Path) -> None:
    words = {"text": "Ruby is. So", "duration": 3.7, "words": [
        {"text": "Ruby", "start": 0.1, "end": 0.4, "speaker": 0},
        {"text": "is.", "start": 0.5, "end": 0.6, "speaker": 0},
        {"text": "So", "start": 0.7, "end": 0.9, "speaker": 1}]}  # fmt: skip
    async with FakeProvider(answers(words)) as fake:
        providers = [provider(fake.base_url, kind, kind) for kind in ("xai", "together")]
        async with running_hub(tmp_path, providers=providers) as hub:
            diarized: dict[str, Any] = {"diarization": audio_pb2.DiarizationOptions(max_speakers=2)}
            srt = audio_pb2.TRANSCRIPT_FORMAT_SRT
            xai = await stub(hub).CreateTranscription(
                hear(model="xai/grok-stt", keywords=["Ruby"], format=srt, **diarized), metadata=hub.auth, timeout=5
            )
            await stub(hub).CreateTranscription(
                hear(model="together/whisper", word_timestamps=True, **diarized), metadata=hub.auth, timeout=5
            )
    assert fake.seen[0].raw_path == "/v1/stt"
    assert fields(fake.seen[0]) == {"diarize": ["true"], "keyterm": ["Ruby"]}
    assert form(fake.seen[0])[-1][0] == "file"
    assert [(one.text, one.speaker) for one in xai.transcript.segments] == [("Ruby is.", "0"), ("So", "1")]
    assert "0: Ruby is." in xai.transcript.rendered
    assert xai.usage.billed_audio_duration.ToMilliseconds() == 3700
    assert fields(fake.seen[1])["timestamp_granularities"] == ["word"]
    assert fields(fake.seen[1])["max_speakers"] == ["2"]


async def test_cancelling_closes_the_socket(tmp_path: Path) -> None:
    async with (
        FakeProvider(hangs) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = stub(hub).CreateTranscription(hear(), metadata=hub.auth, timeout=30)
        task = asyncio.ensure_future(call)
        await until(lambda: bool(fake.seen))
        call.cancel()
        await until(lambda: bool(fake.disconnects))
        await asyncio.gather(task, return_exceptions=True)


async def test_the_sandbox_hears_what_it_spoke(tmp_path: Path) -> None:
    said = "Good morning, everyone. Größe und naïve café! 東京"
    async with running_hub(tmp_path, sandbox=True) as hub:
        audio = stub(hub)
        for form_ in (
            audio_pb2.AUDIO_FORMAT_UNSPECIFIED, audio_pb2.AUDIO_FORMAT_WAV, audio_pb2.AUDIO_FORMAT_PCM_S16LE,
            audio_pb2.AUDIO_FORMAT_FLAC, audio_pb2.AUDIO_FORMAT_MULAW, audio_pb2.AUDIO_FORMAT_ALAW,
        ):  # fmt: skip
            spoken = await audio.CreateSpeech(
                pb.CreateSpeechRequest(
                    model="sandbox/speak",
                    input=said,
                    options=audio_pb2.SpeechOptions(voice="horn", format=form_, speed=2),
                ),
                metadata=hub.auth,
                timeout=10,
            )
            request = hear(spoken.audio, "sandbox/hear", word_timestamps=True, format=audio_pb2.TRANSCRIPT_FORMAT_VTT)
            request.input.sample_rate_hertz = spoken.sample_rate_hertz
            if form_ >= audio_pb2.AUDIO_FORMAT_PCM_S16LE:
                request.input.format = form_
            heard = await audio.CreateTranscription(request, metadata=hub.auth, timeout=10)
            assert heard.transcript.text == said
            assert [word.word for word in heard.transcript.words] == said.split()
            ends = [word.end_offset.ToMicroseconds() for word in heard.transcript.words]
            assert ends == sorted(ends)
            assert ends[-1] < heard.transcript.duration.ToMicroseconds()
            assert heard.transcript.rendered.startswith("WEBVTT\n")
        other = await audio.CreateTranscription(hear(model="sandbox/hear"), metadata=hub.auth, timeout=10)
    assert other.transcript.text == "1.0 seconds of audio at 16000 Hz in 1 channel."


async def test_the_sandbox_tells_how_likely_it_is_and_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        asked = hear(model="sandbox/hear", logprobs=True)
        likely = await stub(hub).CreateTranscription(asked, metadata=hub.auth, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            request = hear(b"fLaC" + bytes(99), "sandbox/hear")
            await stub(hub).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert "".join(one.token for one in likely.logprobs) == likely.transcript.text
    assert all(one.logprob < 0 for one in likely.logprobs)
    assert failure(raised.value).bad_request.field_violations[0].field == "audio.data"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ("sandbox/fail-503", "PROVIDER_UNAVAILABLE"), ("sandbox/cut", "PROVIDER_UNAVAILABLE"),
        ("sandbox/garbage", "PROVIDER_BAD_RESPONSE"), ("sandbox/hang", "DEADLINE_EXCEEDED"),
        ("sandbox/nobody", "MODEL_NOT_FOUND"),
    ],
)  # fmt: skip
async def test_the_sandbox_fails_as_asked(tmp_path: Path, model: str, reason: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(hear(model=model), metadata=hub.auth, timeout=1)
        told = failure(raised.value)
    assert told.reason == reason or told.code == grpc.StatusCode.DEADLINE_EXCEEDED


async def test_rights_hold_for_audio_too(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        key = await hub.new_key(
            allowed_methods=["aignehub.v1.AudioService/CreateSpeech"], allowed_models=["sandbox/speak"]
        )
        auth = (("authorization", f"Bearer {key}"),)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateTranscription(hear(model="sandbox/hear"), metadata=auth, timeout=5)
        assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
        request = pb.CreateSpeechRequest(
            model="sandbox/speak", input="x", options=audio_pb2.SpeechOptions(voice="horn"),
            gateway=options_pb2.GatewayOptions(use_cache=True),
        )  # fmt: skip
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub(hub).CreateSpeech(request, metadata=auth, timeout=5)
        assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert failure(raised.value).metadata["field"] == "gateway.use_cache"
