"""Speech of both generations of models, and voices."""

import json
from base64 import b64encode
from typing import Any

import pytest
from aignehub.v1 import audio_pb2
from aignehub.v1.audio_service_pb2 import CreateSpeechRequest
from google.protobuf.json_format import ParseDict

from server.errors import (
    ContentFiltered,
    HubError,
    InvalidArgument,
    ProviderBadResponse,
    ProviderRateLimited,
    ProviderUnavailable,
    UnsupportedByProvider,
)
from server.wire import wav
from server.wire.gemini import Host
from server.wire.gemini.speech import GeminiSpeechCodec
from server.wire.gemini.speech_stream import GeminiSpeechDecoder
from server.wire.gemini.voices import PREBUILT, GeminiVoicesCodec
from server.wire.http import HttpResponse
from tests import gemini_types

GEMINI = GeminiSpeechCodec(Host(name="gemini", root="/v1beta"))
VERTEX = GeminiSpeechCodec(Host(name="vertex", root="/v1/p", publisher="/publishers/google", lists_formats=True))
OLD, PREVIEW, NEW = "gemini-2.5-flash-preview-tts", "gemini-3.1-flash-tts-preview", "gemini-3.8-flash-tts"
SAMPLES = bytes(range(100))
WAV, PCM, MULAW = "AUDIO_FORMAT_WAV", "AUDIO_FORMAT_PCM_S16LE", "AUDIO_FORMAT_MULAW"


def say(extra: str = "", **options: Any) -> CreateSpeechRequest:
    told = {"input": "Hello", "options": {"voice": "Kore", **options}, "gateway": {"extraBodyJson": extra}}
    return ParseDict(told, CreateSpeechRequest())


def sent(codec: GeminiSpeechCodec, model: str, request: CreateSpeechRequest) -> tuple[str, Any, list[str]]:
    found = codec.encode(request, model)
    body = json.loads(found.body)
    assert gemini_types.complaints(body) == [] or "responseFormat" in body["generationConfig"]
    return found.path, body, list(found.adjusted_fields)


@pytest.mark.parametrize("model", [OLD, PREVIEW, "gemini-2.5-pro-tts"])
def test_older_models_are_told_in_the_text(model: str) -> None:
    path, body, adjusted = sent(GEMINI, model, say(instructions="Say it calmly.", language="en-GB", speed=1.5))
    assert path == f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
    assert body == {
        "contents": [{"role": "user", "parts": [{"text": "Say it calmly:\nHello"}]}],
        "generationConfig": {
            "responseModalities": ["AUDIO"],
            "speechConfig": {
                "voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}, "languageCode": "en-GB",
            },
        },
    }  # fmt: skip
    assert adjusted == ["options.speed"]
    assert sent(GEMINI, model, say())[1]["contents"][0]["parts"] == [{"text": "Hello"}]


def test_newer_models_are_told_beside_the_text() -> None:
    path, body, _ = sent(VERTEX, NEW, say(instructions="calm", voice="voice_1"))
    assert path == f"/v1/p/publishers/google/models/{NEW}:streamGenerateContent?alt=sse"
    assert body["contents"][0]["parts"] == [{"text": "Hello", "speechMetadata": {"style": "calm"}}]
    assert body["generationConfig"]["speechConfig"] == {"voiceConfig": {"voice": "voice_1"}}
    assert sent(GEMINI, NEW, say())[1]["contents"][0]["parts"] == [{"text": "Hello"}]


def test_formats() -> None:
    for codec, form in (
        (GEMINI, {"audio": {"mimeType": "AUDIO_MULAW"}}),
        (VERTEX, [{"audio": {"mimeType": "AUDIO_MULAW"}}]),
    ):
        config = sent(codec, NEW, say(format=MULAW, sampleRateHertz=8000))[1]["generationConfig"]
        assert config["responseFormat"] == form
    for plain in (WAV, PCM):
        assert (
            "responseFormat" not in sent(GEMINI, NEW, say(format=plain, sampleRateHertz=24000))[1]["generationConfig"]
        )


@pytest.mark.parametrize(
    ("model", "options", "field"),
    [
        (OLD, {"format": MULAW}, "options.format"),
        (NEW, {"format": "AUDIO_FORMAT_MP3"}, "options.format"),
        (NEW, {"sampleRateHertz": 16000}, "options.sample_rate_hertz"),
        (NEW, {"format": MULAW, "sampleRateHertz": 24000}, "options.sample_rate_hertz"),
        (NEW, {"ssml": True}, "options.ssml"),
    ],
)
def test_what_cannot_be_had(model: str, options: dict[str, Any], field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as raised:
        GEMINI.encode(say(**options), model)
    assert raised.value.fields[0].field == field


def test_what_the_caller_adds() -> None:
    more = '{"generationConfig": {"seed": 3}, "safetySettings": []}'
    body = sent(GEMINI, NEW, say(more))[1]
    assert (body["generationConfig"]["seed"], body["safetySettings"]) == (3, [])
    with pytest.raises(InvalidArgument, match="contents is set"):
        GEMINI.encode(say('{"contents": []}'), NEW)


def chunk(data: bytes = b"", mime_type: str = "audio/L16;codec=pcm;rate=24000", **more: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {**more}
    if data:
        inline = {"mimeType": mime_type, "data": b64encode(data).decode()}
        candidate["content"] = {"parts": [{"inlineData": inline}], "role": "model"}
    return {"candidates": [candidate]}


END = {**chunk(finishReason="STOP"), "usageMetadata": {
    "promptTokenCount": 4, "candidatesTokenCount": 50, "totalTokenCount": 54,
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 50}],
}}  # fmt: skip


def events(*told: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(one).encode() + b"\r\n\r\n" for one in told)


def heard(body: bytes, request: CreateSpeechRequest | None = None, step: int = 7) -> tuple[bytes, GeminiSpeechDecoder]:
    decoder = GEMINI.decoder(request or say(), {})
    audio = b"".join(decoder.feed(body[at : at + step]) for at in range(0, len(body), step))
    return audio + decoder.finish(), decoder


@pytest.mark.parametrize("step", [1, 50, 10_000])
@pytest.mark.parametrize("array", [False, True])
def test_samples_come_in_a_wav_file(step: int, array: bool) -> None:
    told = [chunk(SAMPLES), chunk(SAMPLES, "audio/l16; rate=24000; channels=1"), END]
    audio, decoder = heard(json.dumps(told, indent=1).encode() if array else events(*told), step=step)
    assert audio == wav.write_header(24000, 1, None) + SAMPLES * 2
    assert (decoder.format, decoder.rate) == (audio_pb2.AUDIO_FORMAT_WAV, 24000)
    usage = decoder.usage()
    assert (usage.input_tokens, usage.output_tokens, usage.billed_characters, usage.estimated) == (4, 50, 5, False)
    assert usage.output_by_modality[0].tokens == 50


def test_samples_alone() -> None:
    other = chunk(SAMPLES, "audio/L16;rate=16000", finishReason="STOP")
    audio, decoder = heard(events(other), say(format=PCM))
    assert (audio, decoder.format, decoder.rate) == (SAMPLES, audio_pb2.AUDIO_FORMAT_PCM_S16LE, 16000)
    assert decoder.usage().estimated
    short, _ = heard(events(chunk(b"\1\0", finishReason=1))[:-4], say(format=PCM))
    assert short == b"\1\0"
    telephone, decoder = heard(events(chunk(SAMPLES, "audio/mulaw;rate=24000"), END), say(format=MULAW))
    assert (telephone, decoder.format, decoder.rate) == (SAMPLES, audio_pb2.AUDIO_FORMAT_MULAW, 8000)


def test_a_file_stays_as_it_came() -> None:
    file = wav.write_header(24000, 1, 100) + SAMPLES
    assert heard(events(chunk(file, "audio/wav"), END))[0] == file


BLOCKED = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}


@pytest.mark.parametrize(
    ("body", "error", "says"),
    [
        (events(chunk(SAMPLES)), ProviderUnavailable, "broke off"),
        (events(chunk(SAMPLES), END)[:-30], ProviderUnavailable, "broke off"),
        (events(END), ProviderBadResponse, "STOP"),
        (events(chunk(finishReason="OTHER")), ProviderBadResponse, "OTHER"),
        (events(chunk(SAMPLES, finishReason="MAX_TOKENS")), ProviderBadResponse, "MAX_TOKENS"),
        (events(chunk(SAMPLES), chunk(finishReason="SAFETY")), ContentFiltered, "SAFETY"),
        (events(BLOCKED), ContentFiltered, "PROHIBITED_CONTENT"),
        (events({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}), ProviderRateLimited, "rate limit"),
        (b"data: nothing\n\n", ProviderBadResponse, "cannot be read"),
        (b"data: []\n\n", ProviderBadResponse, "cannot be read"),
        (b"", ProviderUnavailable, "broke off"),
    ],
)
def test_speech_that_fails(body: bytes, error: type[HubError], says: str) -> None:
    with pytest.raises(error, match=says):
        heard(body)
    assert isinstance(GEMINI.decode_error(HttpResponse(429, {}, b"{}")), ProviderRateLimited)


VOICES = GeminiVoicesCodec()


def listed(told: Any) -> HttpResponse:
    return HttpResponse(200, {}, json.dumps(told).encode())


def test_voices() -> None:
    assert (len(PREBUILT), PREBUILT[3].id) == (30, "Kore")
    assert (VOICES.first().method, VOICES.first().path) == ("GET", "/v1beta/voices?page_size=1000")
    told = [
        {"id": "voice_1", "display_name": "Warm", "language_code": "en-US", "type": "prompted"},
        {"id": "Kore", "language_code": "en-US", "type": "prebuilt"}, {"type": "prebuilt"},
    ]  # fmt: skip
    page = VOICES.decode(listed({"voices": told, "next_page_token": "a b"}))
    assert page.voices[:30] == PREBUILT
    [own] = page.voices[30:]
    assert (own.id, own.languages, own.shown) == ("voice_1", ("en-US",), "Warm")
    assert page.next is not None
    assert page.next.path == "/v1beta/voices?page_size=1000&page_token=a%20b"
    assert VOICES.decode(listed({})).next is None
    for bad in ({"voices": 1}, {"error": {"code": 429}}):
        with pytest.raises(HubError):
            VOICES.decode(listed(bad))
