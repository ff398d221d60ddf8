"""What Google's and Amazon's clouds serve beside plain chat, each by its own path through a running hub."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aignehub.v1 import audio_pb2, image_service_pb2, media_pb2, usage_pb2
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import web

from tests.e2e.test_speech import say
from tests.fake_embeddings import ask as ask_embeddings
from tests.fake_embeddings import floats
from tests.fake_provider import FakeProvider
from tests.pictures import solid_png
from tests.running import RunningHub, ask, provider, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAT = solid_png(2, 2, (1, 2, 3, 255))
PICTURE = b64encode(CAT).decode()
SAMPLES = bytes(range(100))
VECTOR = [0.5, 0.25]
GOOGLE = "/v1/projects/my-project/locations/us-central1/publishers/google/models"
CLAUDE = "/v1/projects/my-project/locations/us-central1/publishers/anthropic/models"
USAGE = {"promptTokenCount": 4, "candidatesTokenCount": 2, "totalTokenCount": 6}


def events(*bodies: Any) -> str:
    return "".join(f"event: {body.get('type', 'message')}\ndata: {json.dumps(body)}\n\n" for body in bodies)


# https://platform.claude.com/docs/en/build-with-claude/streaming
SAID = events(
    {"type": "message_start", "message": {"id": "m", "role": "assistant", "model": "c", "usage": {"input_tokens": 3}}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
)
SPOKEN = {"inlineData": {"mimeType": "audio/l16; rate=24000", "data": b64encode(SAMPLES).decode()}}
SPEECH = {
    "candidates": [{"content": {"role": "model", "parts": [SPOKEN]}, "finishReason": "STOP"}],
    "usageMetadata": USAGE,
}

HEARD = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Hello"}]}, "finishReason": "STOP"}],
    "usageMetadata": {**USAGE, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 3}]},
}

Answers = dict[str, Callable[[Any], Any]]
ANSWERS: Answers = {
    f"{CLAUDE}/claude-opus-4-6:streamRawPredict": lambda _: SAID,
    f"{CLAUDE}/count-tokens:rawPredict": lambda _: {"input_tokens": 4711},
    f"{GOOGLE}/gemini-2.5-flash:countTokens": lambda _: {"totalTokens": 4711},
    f"{GOOGLE}/gemini-embedding-001:predict": lambda body: {
        "predictions": [{"embeddings": {"values": VECTOR, "statistics": {"token_count": 2}}} for _ in body["instances"]]
    },
    f"{GOOGLE}/gemini-embedding-2:embedContent": lambda _: {"embedding": {"values": VECTOR}},
    f"{GOOGLE}/imagen-4.0-generate-001:predict": lambda body: {
        "predictions": [{"mimeType": "image/png", "bytesBase64Encoded": PICTURE}] * body["parameters"]["sampleCount"]
    },
    f"{GOOGLE}/imagen-3.0-capability-001:predict": lambda _: {
        "predictions": [{"mimeType": "image/png", "bytesBase64Encoded": PICTURE}]
    },
    f"{GOOGLE}/gemini-2.5-flash-preview-tts:streamGenerateContent": lambda _: events(SPEECH),
    f"{GOOGLE}/gemini-2.5-flash:generateContent": lambda _: HEARD,
    "/v1beta/models/gemini-2.5-flash:generateContent": lambda _: HEARD,
    "/model/amazon.titan-image-generator-v2:0/invoke": lambda body: {
        "images": [PICTURE] * body.get("imageGenerationConfig", {}).get("numberOfImages", 1)
    },
    "/model/amazon.titan-embed-text-v2:0/invoke": lambda _: {"embedding": VECTOR, "inputTextTokenCount": 2},
    "/model/cohere.embed-multilingual-v3/invoke": lambda body: {"embeddings": {"float": [VECTOR] * len(body["texts"])}},
}


async def clouds(request: web.Request) -> web.Response:
    told = ANSWERS[request.path](await request.json())
    if isinstance(told, str):
        return web.Response(text=told, content_type="text/event-stream")
    return web.json_response(told)


@dataclass
class Scene:
    """A hub with an instance of each cloud, both played by one fake."""

    hub: RunningHub
    fake: FakeProvider

    @property
    def told(self) -> dict[str, Any]:
        return {"metadata": self.hub.auth, "timeout": 5}

    @property
    def paths(self) -> list[str]:
        return [seen.raw_path.partition("?")[0].replace("%3A", ":").replace("%40", "@") for seen in self.fake.seen]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with FakeProvider(clouds) as fake:
        root = fake.base_url.removesuffix("/v1")
        place = {"project": "my-project", "location": "us-central1"}
        settings = [
            provider(root, "vertex", "vertex", options=place),
            provider(root, "gemini", "gemini"),
            provider(root, "bedrock", "bedrock", api_keys=["ABSKc2VjcmV0"], options={"region": "eu-west-1"}),
        ]
        folder: Path = tmp_path_factory.mktemp("clouds")
        async with running_hub(folder, providers=settings) as hub:
            yield Scene(hub, fake)


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.fake.seen.clear()
    return stage


async def test_claude_streams_on_vertex_and_its_tokens_are_counted(scene: Scene) -> None:
    request = ask(model="vertex/claude-opus-4-6")
    stream = [one async for one in scene.hub.chat.StreamChatCompletion(request, **scene.told)]
    assert "".join(delta.content for one in stream for delta in one.choices) == "Hello"
    assert stream[-1].usage.total_tokens == 4
    for model in ("claude-opus-4-6", "gemini-2.5-flash"):
        counted = await scene.hub.chat.CountTokens(ask(model=f"vertex/{model}"), **scene.told)
        assert (counted.input_tokens, counted.estimated) == (4711, False)
    assert scene.fake.seen[0].json["anthropic_version"] == "vertex-2023-10-16"
    assert "model" not in scene.fake.seen[0].json
    assert scene.fake.seen[1].json["model"] == "claude-opus-4-6"


@pytest.mark.parametrize("name", ["gemini", "vertex"])
async def test_sound_is_heard_in_a_chat(scene: Scene, name: str) -> None:
    request = ask(model=f"{name}/gemini-2.5-flash")
    sound = request.messages[0].content.add().audio
    sound.media.data, sound.media.mime_type = b"ID3" + SAMPLES, "audio/mpeg"
    told = await scene.hub.chat.CreateChatCompletion(request, **scene.told)
    [part] = [part for part in scene.fake.seen[0].json["contents"][0]["parts"] if "inlineData" in part]
    assert part["inlineData"]["data"] == b64encode(b"ID3" + SAMPLES).decode()
    assert part["inlineData"]["mimeType"] in ("audio/mpeg", "audio/mp3")
    by_modality = {one.modality: one.tokens for one in told.usage.input_by_modality}
    assert by_modality[usage_pb2.MODALITY_AUDIO] == 3


@pytest.mark.parametrize(
    ("model", "texts", "requests", "tokens"),
    [
        ("vertex/gemini-embedding-001", 2, 2, 4),
        ("vertex/gemini-embedding-2", 2, 2, 0),
        ("bedrock/amazon.titan-embed-text-v2:0", 2, 2, 4),
        ("bedrock/cohere.embed-multilingual-v3", 100, 2, 0),
    ],
)
async def test_embeddings(scene: Scene, model: str, texts: int, requests: int, tokens: int) -> None:
    asked = ask_embeddings(*("a" for _ in range(texts)), model=model)
    vectors = await scene.hub.embeddings.CreateEmbeddings(asked, **scene.told)
    assert [floats(one) for one in vectors.embeddings] == [VECTOR] * texts
    assert len(scene.fake.seen) == requests
    assert (vectors.usage.input_tokens == tokens) or (not tokens and vectors.usage.estimated)


@pytest.mark.parametrize("model", ["vertex/imagen-4.0-generate-001", "bedrock/amazon.titan-image-generator-v2:0"])
async def test_images_by_one_request(scene: Scene, model: str) -> None:
    asked = image_service_pb2.GenerateImagesRequest(model=model, prompt="a cat")
    asked.options.n = 3
    drawn = await scene.hub.images.GenerateImages(asked, **scene.told)
    assert [one.media.data for one in drawn.images] == [CAT] * 3
    assert (len(scene.fake.seen), drawn.usage.billed_images) == (1, 3)


@pytest.mark.parametrize("model", ["vertex/imagen-3.0-capability-001", "bedrock/amazon.titan-image-generator-v2:0"])
async def test_an_edit(scene: Scene, model: str) -> None:
    source = media_pb2.Media(data=CAT, mime_type="image/png")
    mask = media_pb2.Media(data=solid_png(2, 2, (0, 0, 0, 0)), mime_type="image/png")
    asked = image_service_pb2.EditImagesRequest(model=model, prompt="green", images=[source], mask=mask)
    drawn = await scene.hub.images.EditImages(asked, **scene.told)
    assert [one.media.data for one in drawn.images] == [CAT]
    assert PICTURE in scene.fake.seen[0].body.decode()


async def test_speech_on_vertex(scene: Scene) -> None:
    request = say(model="vertex/gemini-2.5-flash-preview-tts", voice="Kore", format=audio_pb2.AUDIO_FORMAT_PCM_S16LE)
    spoken = await AudioServiceStub(scene.hub.channel).CreateSpeech(request, **scene.told)
    assert (spoken.audio, spoken.sample_rate_hertz) == (SAMPLES, 24000)
    assert scene.paths == [f"{GOOGLE}/gemini-2.5-flash-preview-tts:streamGenerateContent"]
