"""Gemini and Vertex AI through the front door: how the hub proves itself, what failures are to a caller, and media."""

import asyncio
import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, media_pb2
from aignehub.v1 import audio_service_pb2 as audio
from aignehub.v1 import image_service_pb2 as images
from aiohttp import web

from server.errors import ConfigError
from server.wire import wav
from tests.e2e.test_transcription import stub
from tests.fake_embeddings import ask as embeddings_of
from tests.fake_provider import Answer, FakeProvider, answers, hangs
from tests.pictures import solid_png
from tests.running import ask, failure, provider, running_hub, until

KEY = "sk-test-upstream-key"
FLASH = "gemini/gemini-2.5-flash"
USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}
CAT = solid_png(8, 4, (1, 2, 3, 255))
SAMPLES = bytes(range(100))


def said(*parts: Any, finish: str = "STOP", **more: Any) -> dict[str, Any]:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash", "responseId": "r1", **more}


WHOLE = said({"text": "Hello"}, usageMetadata=USAGE)


def inline(data: bytes, mime_type: str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": mime_type, "data": b64encode(data).decode()}}


def instance(fake: FakeProvider, kind: str = "gemini", **more: Any) -> dict[str, Any]:
    return provider(fake.base_url.removesuffix("/v1"), kind, kind, **more)


def streams(*chunks: Any, wait: bool = False) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in chunks:
            await response.write(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n")
        if wait:
            await asyncio.sleep(3600)
        return response

    return answer


@pytest.mark.parametrize("model", [FLASH, "google/gemini-2.5-flash", "gemini-2.5-flash"])
async def test_a_key_goes_in_its_header(tmp_path: Path, model: str, capfd: pytest.CaptureFixture[str]) -> None:
    async with FakeProvider(answers(WHOLE)) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        response = await hub.chat.CreateChatCompletion(ask("Grüße", model), metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1beta/models/gemini-2.5-flash:generateContent")
    assert seen.headers["x-goog-api-key"] == KEY
    assert "Authorization" not in seen.headers
    assert seen.json == {"contents": [{"role": "user", "parts": [{"text": "Grüße"}]}]}
    assert response.choices[0].message.content[0].text == "Hello"
    assert (response.usage.input_tokens, response.usage.output_tokens, response.usage.estimated) == (4, 2, False)
    assert (response.gateway.provider, response.gateway.provider_model) == ("gemini", "gemini-2.5-flash")
    assert KEY not in "".join(capfd.readouterr())


async def test_a_stream_flows_and_a_caller_who_leaves_takes_it_along(tmp_path: Path) -> None:
    pieces = (said({"text": "Hel"}, finish=""), said({"text": "lo"}, usageMetadata=USAGE))
    async with FakeProvider(streams(*pieces)) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        call = hub.chat.StreamChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5)
        chunks = [chunk async for chunk in call]
        assert fake.seen[0].raw_path.endswith("gemini-2.5-flash:streamGenerateContent?alt=sse")
        assert "".join(delta.content for chunk in chunks for delta in chunk.choices) == "Hello"
        assert (chunks[-1].usage.input_tokens, chunks[-1].usage.output_tokens) == (4, 2)
        fake.answer = streams(pieces[0], wait=True)
        call = hub.chat.StreamChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5)
        async for chunk in call:
            assert chunk.choices[0].content
            break
        call.cancel()
        await until(lambda: bool(fake.disconnects))


async def test_a_deadline_ends_a_silent_provider(tmp_path: Path) -> None:
    async with FakeProvider(hangs) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await hub.chat.CreateChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=0.3)
        await until(lambda: bool(fake.disconnects))
    assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def refusal(code: int, status: str, message: str, *details: Mapping[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "status": status, "message": message, "details": list(details)}}


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "33.5s"}
DAILY = {
    "@type": "type.googleapis.com/google.rpc.QuotaFailure",
    "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}],
}
BAD_KEY = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}
QUOTA = "You exceeded your current quota, please check your plan and billing details."


@pytest.mark.parametrize(
    ("told", "code", "reason"),
    [
        (refusal(400, "INVALID_ARGUMENT", "bad field"), "INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST"),
        (
            refusal(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            "INVALID_ARGUMENT",
            "CONTEXT_LENGTH_EXCEEDED",
        ),
        (
            refusal(400, "INVALID_ARGUMENT", f"API key {KEY} not valid. Please pass a valid API key.", BAD_KEY),
            "UNAVAILABLE",
            "PROVIDER_CREDENTIAL_INVALID",
        ),
        (refusal(403, "PERMISSION_DENIED", "no permission"), "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (refusal(404, "NOT_FOUND", "models/x is not found"), "NOT_FOUND", "MODEL_NOT_FOUND"),
        (refusal(429, "RESOURCE_EXHAUSTED", QUOTA, RETRY), "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
        (refusal(429, "RESOURCE_EXHAUSTED", QUOTA, DAILY, RETRY), "RESOURCE_EXHAUSTED", "PROVIDER_QUOTA_EXCEEDED"),
        (refusal(503, "UNAVAILABLE", "The model is overloaded."), "UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
        (refusal(500, "INTERNAL", "An internal error"), "UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
        (refusal(504, "DEADLINE_EXCEEDED", "Deadline expired"), "DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_refusals(tmp_path: Path, told: Any, code: str, reason: str, streamed: bool) -> None:
    body = [told] if streamed else told
    fake = FakeProvider(answers(body, told["error"]["code"]))
    routing = {"max_repeats": 0}
    async with fake, running_hub(tmp_path, providers=[instance(fake)], routing=routing) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            if streamed:
                async for _ in hub.chat.StreamChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5):
                    pass
            else:
                await hub.chat.CreateChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5)
    found = failure(caught.value)
    assert (found.code.name, found.reason) == (code, reason)
    assert KEY not in found.message
    if reason == "PROVIDER_RATE_LIMITED":
        assert found.retry.retry_delay.ToMilliseconds() == 33_500


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_prompt_that_is_not_let_through(tmp_path: Path, streamed: bool) -> None:
    blocked = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 4}}
    fake = FakeProvider(streams(blocked) if streamed else answers(blocked))
    async with fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            if streamed:
                async for _ in hub.chat.StreamChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5):
                    pass
            else:
                await hub.chat.CreateChatCompletion(ask("Hi", FLASH), metadata=hub.auth, timeout=5)
    told = failure(caught.value)
    assert (told.code.name, told.reason) == ("FAILED_PRECONDITION", "CONTENT_FILTERED")
    assert told.metadata["providerCode"] == "PROHIBITED_CONTENT"


async def test_counting_and_embedding(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path.endswith(":countTokens"):
            return web.json_response({"totalTokens": 4711})
        number = len((await request.json())["requests"])
        return web.json_response({"embeddings": [{"values": [0.5, 0.25]}] * number})

    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        counted = await hub.chat.CountTokens(ask("Hi", FLASH), metadata=hub.auth, timeout=5)
        asked = embeddings_of("a", "b", model="gemini/gemini-embedding-001")
        embedded = await hub.embeddings.CreateEmbeddings(asked, metadata=hub.auth, timeout=5)
    assert (counted.input_tokens, counted.estimated) == (4711, False)
    assert len(embedded.embeddings) == 2
    assert {seen.headers["x-goog-api-key"] for seen in fake.seen} == {KEY}


# Vertex AI


async def test_express_mode_takes_an_api_key(tmp_path: Path) -> None:
    async with FakeProvider(answers(WHOLE)) as fake, running_hub(tmp_path, providers=[instance(fake, "vertex")]) as hub:
        await hub.chat.CreateChatCompletion(ask("Hi", "vertex/gemini-2.5-flash"), metadata=hub.auth, timeout=5)
    [seen] = fake.seen
    assert seen.raw_path == "/v1/publishers/google/models/gemini-2.5-flash:generateContent"
    assert seen.headers["x-goog-api-key"] == KEY
    assert "Authorization" not in seen.headers


CLAUDE = {
    "type": "message",
    "role": "assistant",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
PARTNER = {"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "Hello"}}]}


USER = json.dumps({"type": "authorized_user", "client_id": "id", "client_secret": "s3cret", "refresh_token": "r3fresh"})


def lends(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the fake be Google's token service, whose address a user's file cannot change."""
    address = f"{fake.base_url.removesuffix('/v1')}/token"
    monkeypatch.setattr("google.oauth2.credentials._GOOGLE_OAUTH2_TOKEN_ENDPOINT", address)


async def test_a_user_lends_the_hub_tokens_that_are_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        match request.path.rpartition("/")[2]:
            case "token":
                return web.json_response({"access_token": "ya29.lent", "expires_in": 3600, "token_type": "Bearer"})
            case "claude-opus-4-6:rawPredict":
                return web.json_response(CLAUDE)
            case "completions":
                return web.json_response(PARTNER)
            case _:
                return web.json_response(WHOLE)

    async with FakeProvider(answer) as fake:
        lends(fake, monkeypatch)
        options = {"project": "my-project", "location": "us-central1"}
        told = instance(fake, "vertex", options=options, api_keys=[USER])
        async with running_hub(tmp_path, providers=[told]) as hub:
            models = ("gemini-2.5-flash", "claude-opus-4-6", "deepseek-ai/deepseek-v3.1-maas")
            got = await asyncio.gather(
                *(
                    hub.chat.CreateChatCompletion(ask("Hi", f"vertex/{model}"), metadata=hub.auth, timeout=5)
                    for model in models
                )
            )
    assert [one.choices[0].message.content[0].text for one in got] == ["Hello"] * 3
    asked = [seen for seen in fake.seen if seen.raw_path == "/token"]
    assert len(asked) == 1
    home = "/v1/projects/my-project/locations/us-central1"
    others = [seen for seen in fake.seen if seen not in asked]
    assert {seen.raw_path for seen in others} == {
        f"{home}/publishers/google/models/gemini-2.5-flash:generateContent",
        f"{home}/publishers/anthropic/models/claude-opus-4-6:rawPredict",
        f"{home}/endpoints/openapi/chat/completions",
    }
    assert {seen.headers["Authorization"] for seen in others} == {"Bearer ya29.lent"}


async def test_tokens_that_cannot_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    fake = FakeProvider(answers({"error": "invalid_grant", "error_description": "Token r3fresh was revoked"}, 400))
    async with fake:
        lends(fake, monkeypatch)
        told = instance(fake, "vertex", options={"project": "my-project"}, api_keys=[USER])
        async with running_hub(tmp_path, providers=[told]) as hub:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await hub.chat.CreateChatCompletion(ask("Hi", "vertex/gemini-2.5-pro"), metadata=hub.auth, timeout=5)
    found = failure(caught.value)
    assert (found.code.name, found.reason) == ("UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID")
    written = found.message + "".join(capfd.readouterr())
    assert "s3cret" not in written
    assert "r3fresh" not in written


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("gemini", {"api_version": "beta"}, "options.api_version"),
        ("gemini", {"project": "p"}, "options.project: gemini has no such option"),
        ("vertex", {"project": "No Project"}, "options.project"),
        ("vertex", {"project": "my-project", "location": "Moon"}, "options.location"),
        ("vertex", {"location": "us-central1"}, "options.location"),
    ],
)
async def test_options_are_checked_at_start(tmp_path: Path, kind: str, options: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with running_hub(
            tmp_path, providers=[{"name": kind, "kind": kind, "api_keys": ["k"], "options": options}]
        ):
            pass
    assert words in str(caught.value)


# Images and speech


def draw(model: str, **options: Any) -> images.GenerateImagesRequest:
    return images.GenerateImagesRequest(model=model, prompt="a cat", options=images.ImageOptions(**options))


async def test_images_of_gemini_are_a_request_each(tmp_path: Path) -> None:
    answer = said({"text": "Here"}, inline(CAT, "image/png"), usageMetadata=USAGE)
    async with FakeProvider(answers(answer)) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        asked = draw("gemini/gemini-2.5-flash-image", n=3, seed=7, aspect_ratio="16:9")
        drawn = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        events = [
            event async for event in hub.images.StreamGenerateImages(asked, metadata=hub.auth, timeout=5)
        ]  # fmt: skip
        edit = images.EditImagesRequest(
            model="gemini/gemini-2.5-flash-image", prompt="green", images=[media_pb2.Media(data=CAT)]
        )
        edited = await hub.images.EditImages(edit, metadata=hub.auth, timeout=5)
    assert sorted(seen.json["generationConfig"]["seed"] for seen in fake.seen[:3]) == [7, 8, 9]
    assert [(one.index, one.media.data == CAT, one.width) for one in drawn.images] == [
        (0, True, 8), (1, True, 8), (2, True, 8),
    ]  # fmt: skip
    assert (drawn.usage.input_tokens, drawn.usage.output_tokens, drawn.model) == (12, 6, "gemini-2.5-flash")
    assert sorted(event.completed.index for event in events[:-1]) == [0, 1, 2]
    assert events[-1].summary.usage.output_tokens == 6
    assert fake.seen[-1].json["contents"][0]["parts"] == [inline(CAT, "image/png"), {"text": "green"}]
    assert edited.images[0].media.mime_type == "image/png"


async def test_images_of_imagen_are_one_request(tmp_path: Path) -> None:
    made = {"mimeType": "image/png", "bytesBase64Encoded": b64encode(CAT).decode()}
    answer = answers({"predictions": [made, {"raiFilteredReason": "no"}]})
    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        asked = draw("gemini/imagen-4.0-generate-001", n=2)
        drawn = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        events = [event async for event in hub.images.StreamGenerateImages(asked, metadata=hub.auth, timeout=5)]
    assert [seen.raw_path for seen in fake.seen] == ["/v1beta/models/imagen-4.0-generate-001:predict"] * 2
    assert [one.filtered for one in drawn.images] == [False, True]
    assert drawn.usage.billed_images == 1
    assert [event.WhichOneof("event") for event in events] == ["completed", "completed", "summary"]


def say(**options: Any) -> audio.CreateSpeechRequest:
    return audio.CreateSpeechRequest(
        model="gemini/gemini-3.8-flash-tts",
        input="Hello.",
        options=audio_pb2.SpeechOptions(voice="Kore", **options),
    )


async def test_speech_is_a_wav_file_and_streams(tmp_path: Path) -> None:
    spoken = inline(SAMPLES, "audio/l16; rate=24000; channels=1")
    chunks = (said(spoken, finish=""), said(spoken, usageMetadata=USAGE))
    async with FakeProvider(streams(*chunks)) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        whole = await stub(hub).CreateSpeech(say(instructions="calm"), metadata=hub.auth, timeout=5)
        plain = say(format=audio_pb2.AUDIO_FORMAT_PCM_S16LE)
        pieces = [piece async for piece in stub(hub).StreamSpeech(plain, metadata=hub.auth, timeout=5)]
    assert whole.audio == wav.write_header(24000, 1, 200) + SAMPLES * 2
    assert (whole.format, whole.sample_rate_hertz) == (audio_pb2.AUDIO_FORMAT_WAV, 24000)
    assert (whole.usage.input_tokens, whole.usage.output_tokens, whole.usage.billed_characters) == (4, 2, 6)
    assert fake.seen[0].json["contents"][0]["parts"] == [{"text": "Hello.", "speechMetadata": {"style": "calm"}}]
    assert b"".join(piece.audio for piece in pieces) == SAMPLES * 2
    assert (pieces[0].sample_rate_hertz, pieces[-1].usage.output_tokens) == (24000, 2)


async def test_a_speech_that_comes_at_once_is_told_in_pieces(tmp_path: Path) -> None:
    long = bytes(5_000_000)
    answer = streams(said(inline(long, "audio/L16;codec=pcm;rate=24000"), usageMetadata=USAGE))
    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        pieces = [piece async for piece in stub(hub).StreamSpeech(say(), metadata=hub.auth, timeout=5)]
    assert b"".join(piece.audio for piece in pieces)[44:] == long
    assert max(len(piece.audio) for piece in pieces) == 64 * 1024
    assert [piece.format for piece in pieces if piece.format] == [audio_pb2.AUDIO_FORMAT_WAV]


async def test_voices_are_those_of_the_account_too(tmp_path: Path) -> None:
    told = {"voices": [{"id": "voice_1", "display_name": "Warm", "language_code": "de-DE"}]}
    async with FakeProvider(answers(told)) as fake, running_hub(tmp_path, providers=[instance(fake)]) as hub:
        asked = audio.ListVoicesRequest(language="de", page_size=100)
        listed = await stub(hub).ListVoices(asked, metadata=hub.auth, timeout=5)
    assert fake.seen[0].raw_path == "/v1beta/voices?page_size=1000"
    assert len(listed.voices) == 31
    assert (listed.voices[-1].id, listed.voices[-1].display_name) == ("voice_1", "Warm")
