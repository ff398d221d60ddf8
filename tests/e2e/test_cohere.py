"""Cohere through the front door."""

import asyncio
import json
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
from aiohttp import web

from tests.fake_embeddings import ask, floats
from tests.fake_provider import FakeProvider, answers, streams
from tests.running import failure, provider, running_hub, until

HELLO = Message(role=chat_pb2.ROLE_USER, content=[ContentPart(text="Hello")])
REQUEST = CreateChatCompletionRequest(model="cohere/command-a-03-2025", messages=[HELLO])
ANSWER = {
    "id": "1",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
    "finish_reason": "COMPLETE",
    "usage": {"tokens": {"input_tokens": 5, "output_tokens": 2}},
}


def _cohere(fake: FakeProvider) -> dict[str, Any]:
    base_url = fake.base_url.removesuffix("/v1")
    return provider(base_url, "cohere", "cohere", api_keys=["co-key"])


async def test_a_chat(tmp_path: Path) -> None:
    async with FakeProvider(answers(ANSWER)) as fake, running_hub(tmp_path, providers=[_cohere(fake)]) as hub:
        response = await hub.chat.CreateChatCompletion(REQUEST, metadata=hub.auth, timeout=5)
    [seen] = [seen for seen in fake.seen if seen.method == "POST"]
    assert (seen.raw_path, seen.headers["Authorization"]) == ("/v2/chat", "Bearer co-key")
    assert (response.choices[0].message.content[0].text, response.model) == ("Hi", "command-a-03-2025")
    assert response.usage.total_tokens == 7


async def test_a_caller_who_leaves_takes_the_request_along(tmp_path: Path) -> None:
    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    async def wait() -> None:
        await asyncio.sleep(3600)

    start = event("message-start", id="1", delta={"message": {"role": "assistant"}})
    delta = event("content-delta", index=0, delta={"message": {"content": {"text": "Hi"}}})
    async with (
        FakeProvider(streams(start, delta, then=wait)) as fake,
        running_hub(tmp_path, providers=[_cohere(fake)], models={"ask_providers": False}) as hub,
    ):
        call = hub.chat.StreamChatCompletion(REQUEST, metadata=hub.auth, timeout=5)
        async for message in call:
            assert (message.id, message.model, message.choices[0].content) == ("1", "command-a-03-2025", "Hi")
            break
        call.cancel()
        await until(lambda: bool(fake.disconnects))


@pytest.mark.parametrize(
    ("status", "words", "code", "reason"),
    [
        (401, "invalid api token", grpc.StatusCode.UNAVAILABLE, "PROVIDER_CREDENTIAL_INVALID"),
        (404, "model 'x' not found", grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND"),
        (429, "trial key is limited", grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED"),
        (498, "blocked input", grpc.StatusCode.FAILED_PRECONDITION, "CONTENT_FILTERED"),
    ],
)
async def test_errors(tmp_path: Path, status: int, words: str, code: grpc.StatusCode, reason: str) -> None:
    async with (
        FakeProvider(answers({"message": words}, status)) as fake,
        running_hub(tmp_path, providers=[_cohere(fake)]) as hub,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(REQUEST, metadata=hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code, told.reason) == (code, reason)


async def test_it_embeds_and_hears(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/embed"):
            return web.json_response({"text": "Hello"})
        count = len((await request.json())["texts"])
        told = {"float": [[0.5, float(place)] for place in range(count)]}
        return web.json_response({"embeddings": told, "meta": {"billed_units": {"input_tokens": count}}})

    mp3 = b"ID3" + bytes(200)
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[_cohere(fake)], models={"ask_providers": False}) as hub,
    ):
        texts = [str(number) for number in range(100)]
        vectors = await hub.embeddings.CreateEmbeddings(
            ask(*texts, model="embed-multilingual-v3.0"), metadata=hub.auth, timeout=5
        )
        request = audio.CreateTranscriptionRequest(
            model="cohere/cohere-transcribe-03-2026",
            audio=Media(data=mp3, mime_type="audio/mpeg"),
            options=audio_pb2.TranscriptionOptions(languages=["en"]),
        )
        heard = await AudioServiceStub(hub.channel).CreateTranscription(request, metadata=hub.auth, timeout=5)
    assert [floats(one) for one in vectors.embeddings[94:98]] == [[0.5, 94], [0.5, 95], [0.5, 0], [0.5, 1]]
    assert (vectors.usage.input_tokens, vectors.model) == (100, "embed-multilingual-v3.0")
    assert heard.transcript.text == "Hello"
    assert sorted(seen.raw_path for seen in fake.seen) == ["/v2/audio/transcriptions", "/v2/embed", "/v2/embed"]
