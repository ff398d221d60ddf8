"""Mistral through the front door."""

import asyncio
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import audio_pb2, chat_pb2
from aignehub.v1 import audio_service_pb2 as audio
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aignehub.v1.chat_pb2 import ContentPart, Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from tests.fake_embeddings import ask, embeds, floats, vector_of
from tests.fake_provider import DONE, FakeProvider, answers, chunk, streams
from tests.running import failure, provider, running_hub, until

HELLO = Message(role=chat_pb2.ROLE_USER, content=[ContentPart(text="Hello")])


def _mistral(fake: FakeProvider) -> dict[str, Any]:
    return provider(fake.base_url, "mistral", "mistral", api_keys=["sk-mistral"])


@pytest.mark.parametrize("model", ["mistral/mistral-embed", "mistral-embed"])
async def test_embeddings_go_to_mistral(tmp_path: Path, model: str) -> None:
    texts = [str(number) * (number % 5 + 1) for number in range(300)]
    async with FakeProvider(embeds()) as fake, running_hub(tmp_path, providers=[_mistral(fake)]) as hub:
        response = await hub.embeddings.CreateEmbeddings(ask(*texts, model=model), metadata=hub.auth, timeout=5)
    assert {(seen.method, seen.raw_path) for seen in fake.seen} == {("POST", "/v1/embeddings")}
    assert {seen.headers["Authorization"] for seen in fake.seen} == {"Bearer sk-mistral"}
    assert sorted(len(seen.json["input"]) for seen in fake.seen) == [44, 256]
    assert {tuple(seen.json) for seen in fake.seen} == {("model", "input")}
    assert [floats(one) for one in response.embeddings] == [vector_of(text) for text in texts]
    assert response.gateway.provider_model == "mistral-embed"


async def test_a_thought_streams_and_a_caller_who_leaves_takes_the_request_along(tmp_path: Path) -> None:
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]

    async def wait() -> None:
        await asyncio.sleep(3600)

    fake = FakeProvider(streams(chunk({"role": "assistant", "content": ""}), chunk({"content": thinking}), then=wait))
    request = CreateChatCompletionRequest(model="mistral/magistral-medium-latest", messages=[HELLO])
    async with fake, running_hub(tmp_path, providers=[_mistral(fake)]) as hub:
        call = hub.chat.StreamChatCompletion(request, metadata=hub.auth, timeout=5)
        async for message in call:
            assert message.choices[0].reasoning.text == "hm"
            break
        call.cancel()
        await until(lambda: bool(fake.disconnects))
    [seen] = fake.seen
    assert (seen.raw_path, seen.headers["Authorization"]) == ("/v1/chat/completions", "Bearer sk-mistral")


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (401, {"detail": "Invalid API Key"}, grpc.StatusCode.UNAVAILABLE, "PROVIDER_CREDENTIAL_INVALID"),
        (
            422,
            {"detail": [{"loc": ["body", "x"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]},
            grpc.StatusCode.INVALID_ARGUMENT,
            "PROVIDER_REJECTED_REQUEST",
        ),
        (
            429,
            {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "PROVIDER_RATE_LIMITED",
        ),
    ],
)
async def test_errors(tmp_path: Path, status: int, body: Any, code: grpc.StatusCode, reason: str) -> None:
    request = CreateChatCompletionRequest(model="mistral/mistral-small-latest", messages=[HELLO])
    async with FakeProvider(answers(body, status)) as fake, running_hub(tmp_path, providers=[_mistral(fake)]) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (code, reason)


async def test_it_speaks_and_hears(tmp_path: Path) -> None:
    mp3 = b"ID3" + bytes(200)
    delta = {"type": "speech.audio.delta", "audio_data": b64encode(mp3).decode()}
    done = {"type": "speech.audio.done", "usage": {"prompt_tokens": 5, "completion_tokens": 40, "total_tokens": 45}}
    spoken = [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in (delta, done)]
    heard = {"model": "voxtral", "text": "Hello", "language": "en", "usage": {"prompt_audio_seconds": 1}}

    async def answer(request: Any) -> Any:
        speech = request.path.endswith("/speech")
        return await (streams(*spoken, DONE) if speech else answers(heard))(request)

    async with FakeProvider(answer) as fake, running_hub(tmp_path, providers=[_mistral(fake)]) as hub:
        stub = AudioServiceStub(hub.channel)
        speech = audio.CreateSpeechRequest(
            model="mistral/voxtral-mini-tts-latest", input="Hello", options=audio_pb2.SpeechOptions(voice="v")
        )
        said = await stub.CreateSpeech(speech, metadata=hub.auth, timeout=5)
        recording = Media(data=mp3, mime_type="audio/mpeg")
        request = audio.CreateTranscriptionRequest(model="mistral/voxtral-mini-latest", audio=recording)
        transcript = await stub.CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert (said.audio, said.format) == (mp3, audio_pb2.AUDIO_FORMAT_MP3)
    assert (said.usage.output_tokens, said.usage.billed_characters) == (40, 5)
    assert (transcript.transcript.text, transcript.transcript.language) == ("Hello", "en")
    assert [seen.raw_path for seen in fake.seen] == ["/v1/audio/speech", "/v1/audio/transcriptions"]
