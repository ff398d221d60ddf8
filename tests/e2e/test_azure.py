"""Azure through the front door: both addresses of a resource, Foundry's models, and everything each of them serves."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio
from aignehub.v1 import audio_service_pb2, image_service_pb2, media_pb2
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aiohttp import web

from tests.e2e.test_speech import MP3, say
from tests.e2e.test_transcription import SECOND, hear
from tests.fake_embeddings import ask as ask_embeddings
from tests.fake_embeddings import embeds
from tests.fake_provider import DONE, FakeProvider, answers, chunk, completion
from tests.pictures import solid_png
from tests.running import RunningHub, ask, failure, running_hub

pytestmark = pytest.mark.asyncio(loop_scope="module")

CAT = solid_png(2, 2, (1, 2, 3, 255))
VERSION = "2025-04-01-preview"
# https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
FILTERS = {"hate": {"filtered": False, "severity": "safe"}}
BEGINNING: dict[str, Any] = {
    "id": "",
    "model": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERS}],
}


async def azure(request: web.Request) -> web.StreamResponse:
    """Everything a resource answers, by the last word of the path."""
    match request.path.rpartition("/")[2]:
        case "embeddings":
            return await embeds()(request)
        case "generations" | "edits":
            return web.json_response({"created": 1, "data": [{"b64_json": b64encode(CAT).decode()}]})
        case "speech":
            return web.Response(body=MP3, content_type="audio/mpeg")
        case "transcriptions" | "translations":
            return web.json_response({"text": "Hello"})
        case "responses":
            text = {"type": "output_text", "text": "Hello there", "annotations": []}
            item = {"type": "message", "id": "m", "role": "assistant", "status": "completed", "content": [text]}
            return web.json_response({"id": "r", "status": "completed", "model": "o", "output": [item]})
    if (await request.json()).get("stream"):
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "apim-request-id": "up-1"})
        await response.prepare(request)
        await response.write(chunk(**BEGINNING) + chunk({"content": "Hello"}, content_filter_results=FILTERS))
        await response.write(chunk({"content": " there"}, "stop") + DONE)
        return response
    return web.json_response(completion(), headers={"apim-request-id": "up-1"})


@dataclass
class Scene:
    """A hub with instances named by what their address is, all played by one fake."""

    hub: RunningHub
    fake: FakeProvider


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with FakeProvider(azure) as fake:
        root = fake.base_url.removesuffix("/v1")
        settings: list[dict[str, Any]] = [
            {"name": "v1", "kind": "azure", "base_url": f"{root}/openai/v1"},
            {"name": "versioned", "kind": "azure", "base_url": root, "options": {"api_version": VERSION}},
            {"name": "foundry", "kind": "azure-foundry", "base_url": f"{root}/models"},
            *({"name": f"fails-{n}", "kind": "azure", "base_url": f"{root}/openai/v1"} for n in range(5)),
        ]
        folder: Path = tmp_path_factory.mktemp("azure")
        keyed = [{**one, "api_keys": ["0123456789abcdef"]} for one in settings]
        async with running_hub(folder, providers=keyed, routing={"max_repeats": 0}) as hub:
            yield Scene(hub, fake)


@pytest.fixture
def scene(stage: Scene) -> Scene:
    stage.fake.answer = azure
    stage.fake.seen.clear()
    return stage


async def _everything(hub: RunningHub, name: str) -> None:
    """One call of each kind, all to deployments of that instance."""
    told: dict[str, Any] = {"metadata": hub.auth, "timeout": 5}
    audio = AudioServiceStub(hub.channel)
    whole = await hub.chat.CreateChatCompletion(ask(model=f"{name}/our gpt"), **told)
    assert whole.choices[0].message.content[0].text == "Hello there"
    assert (whole.usage.total_tokens, whole.gateway.provider_request_id) == (7, "up-1")
    stream = [message async for message in hub.chat.StreamChatCompletion(ask(model=f"{name}/our gpt"), **told)]
    assert "".join(delta.content for message in stream for delta in message.choices) == "Hello there"
    assert stream[-1].usage.estimated  # it told none
    vectors = await hub.embeddings.CreateEmbeddings(ask_embeddings("a", "b", model=f"{name}/our embedder"), **told)
    assert len(vectors.embeddings) == 2
    drawn = await hub.images.GenerateImages(
        image_service_pb2.GenerateImagesRequest(model=f"{name}/gpt-image-1", prompt="a cat"), **told
    )
    source = media_pb2.Media(data=CAT, mime_type="image/png")
    edited = await hub.images.EditImages(
        image_service_pb2.EditImagesRequest(model=f"{name}/gpt-image-1", prompt="green", images=[source]), **told
    )
    assert drawn.images[0].media.data == edited.images[0].media.data == CAT
    assert (await audio.CreateSpeech(say(model=f"{name}/tts-1"), **told)).audio == MP3
    assert (await audio.CreateTranscription(hear(model=f"{name}/whisper-1"), **told)).transcript.text == "Hello"
    translation = audio_service_pb2.CreateTranslationRequest(
        model=f"{name}/whisper-1", audio=media_pb2.Media(data=SECOND)
    )
    assert (await audio.CreateTranslation(translation, **told)).transcript.text == "Hello"


async def test_everything_below_the_v1_address(scene: Scene) -> None:
    await _everything(scene.hub, "v1")
    below = [seen.raw_path.removeprefix("/openai/v1/") for seen in scene.fake.seen]
    assert below == [
        "chat/completions",
        "chat/completions",
        "embeddings",
        "images/generations",
        "images/edits",
        "audio/speech",
        "audio/transcriptions",
        "audio/translations",
    ]
    assert [seen.json["model"] for seen in scene.fake.seen[:4]] == ["our gpt"] * 2 + ["our embedder", "gpt-image-1"]
    assert {seen.headers["api-key"] for seen in scene.fake.seen} == {"0123456789abcdef"}
    assert not any("Authorization" in seen.headers for seen in scene.fake.seen)


async def test_everything_of_deployments_with_a_version(scene: Scene) -> None:
    await _everything(scene.hub, "versioned")
    below = [seen.raw_path.removeprefix("/openai/deployments/") for seen in scene.fake.seen]
    assert below == [
        f"{path}?api-version={VERSION}"
        for path in (
            "our%20gpt/chat/completions",
            "our%20gpt/chat/completions",
            "our%20embedder/embeddings",
            "gpt-image-1/images/generations",
            "gpt-image-1/images/edits",
            "tts-1/audio/speech",
            "whisper-1/audio/transcriptions",
            "whisper-1/audio/translations",
        )
    ]


async def test_models_that_only_responses_serves(scene: Scene) -> None:
    for name in ("v1", "versioned"):
        told = await scene.hub.chat.CreateChatCompletion(
            ask(model=f"{name}/codex-mini-latest"), metadata=scene.hub.auth, timeout=5
        )
        assert told.choices[0].message.content[0].text == "Hello there"
    assert [seen.raw_path for seen in scene.fake.seen] == [
        "/openai/v1/responses",
        f"/openai/responses?api-version={VERSION}",
    ]


async def test_foundry_has_models_of_every_maker_behind_one_path(scene: Scene) -> None:
    hub = scene.hub
    for model in ("Mistral-Large-3", "grok-4"):
        told = await hub.chat.CreateChatCompletion(ask(model=f"foundry/{model}"), metadata=hub.auth, timeout=5)
        assert told.choices[0].message.content[0].text == "Hello there"
    request = ask_embeddings("a", model="foundry/embed-v-4-0")
    assert (await hub.embeddings.CreateEmbeddings(request, metadata=hub.auth, timeout=5)).dimensions
    paths = ["/models/chat/completions", "/models/chat/completions", "/models/embeddings"]
    assert [seen.raw_path for seen in scene.fake.seen] == [f"{one}?api-version=2024-05-01-preview" for one in paths]
    assert [seen.json["model"] for seen in scene.fake.seen] == ["Mistral-Large-3", "grok-4", "embed-v-4-0"]


FILTERED = {
    "code": "content_filter",
    "message": "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
    "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {"hate": {"filtered": True}}},
}


@pytest.mark.parametrize(
    ("number", "status", "error", "code", "reason"),
    [
        (0, 400, FILTERED, "FAILED_PRECONDITION", "CONTENT_FILTERED"),
        (1, 401, {"code": "401", "message": "Access denied"}, "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (2, 404, {"code": "DeploymentNotFound", "message": "The API deployment"}, "NOT_FOUND", "MODEL_NOT_FOUND"),
        (3, 429, {"code": "429", "message": "Rate limit"}, "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
        (4, 503, {"code": "InternalServerError", "message": "Busy"}, "UNAVAILABLE", "PROVIDER_UNAVAILABLE"),
    ],
)
async def test_errors(scene: Scene, number: int, status: int, error: Any, code: str, reason: str) -> None:
    scene.fake.answer = answers({"error": error}, status, {"apim-request-id": "up-2"})
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await scene.hub.chat.CreateChatCompletion(ask(model=f"fails-{number}/gpt"), metadata=scene.hub.auth, timeout=5)
    told = failure(raised.value)
    assert (told.code.name, told.reason) == (code, reason)
