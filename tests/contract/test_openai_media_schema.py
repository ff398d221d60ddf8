"""Requests of every modality besides chat, made at random, judged by OpenAI's published schema."""

from functools import cache
from random import Random
from typing import Any

import orjson
import pytest
from aignehub.v1 import image_service_pb2 as images
from aignehub.v1 import media_pb2
from aignehub.v1.embedding_service_pb2 import (
    CreateEmbeddingsRequest,
    EmbeddingEncoding,
    EmbeddingInput,
    EmbeddingTask,
    TokenIds,
)

from server.providers.registry import PROVIDERS
from server.wire.http import HttpRequest
from tests.contract import generated_audio as audio
from tests.contract.shared import SPECS
from tests.contract.test_audio_requests import tries
from tests.fake_provider import Seen
from tests.image_calls import form, named
from tests.pictures import solid_png
from tests.wire.audio_form import read_form
from tests.wire.spec import request_validator

SPEC = SPECS / "openai-openapi.yaml"
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="no specs beside the project")

OPENAI = PROVIDERS["openai"]
PNG = solid_png(64, 64, (1, 2, 3, 0))
_LISTS = frozenset({"timestamp_granularities", "include", "keywords", "languages", "known_speaker_names",
                    "known_speaker_references"})  # fmt: skip
_SIZES = ("", "auto", "256x256", "1024x1024", "1536x1024", "1792x1024", "2K", "100x30")


@cache
def wrong(name: str) -> Any:
    return request_validator(SPEC, name)


def of_form(request: HttpRequest) -> dict[str, Any]:
    told = read_form(request.headers["Content-Type"], b"".join(request.pieces)).fields
    body: dict[str, Any] = {name: values if name in _LISTS else values[0] for name, values in told.items()}
    if "temperature" in body:
        body["temperature"] = float(body["temperature"])
    return {"file": "bytes", **body}


def of_pictures(request: HttpRequest) -> dict[str, Any]:
    seen = Seen("POST", request.path, dict(request.headers), b"".join(request.pieces))
    told = named(form(seen))
    files = {name.removesuffix("[]"): "bytes" for name in told if name in ("image", "image[]", "mask")}
    values = {name: value.decode() for name, value in told.items() if name not in ("image", "image[]", "mask")}
    return files | {name: int(value) if value.isdigit() else value for name, value in values.items()}


def embedded(chance: Random) -> CreateEmbeddingsRequest:
    kinds = [EmbeddingInput(text="x"), EmbeddingInput(tokens=TokenIds(ids=[5, 7]))]
    made = CreateEmbeddingsRequest(inputs=[chance.choice(kinds)] * chance.choice((1, 3)), user=chance.choice(("", "u")))
    made.encoding = chance.choice(EmbeddingEncoding.values()[:4])
    made.task = chance.choice(EmbeddingTask.values()[:3])
    if chance.random() < 0.3:
        made.dimensions = chance.choice((1, 256))
    if chance.random() < 0.3:
        made.truncate = chance.random() < 0.5
    return made


def look(chance: Random) -> images.ImageOptions:
    made = images.ImageOptions(
        size=chance.choice(("", "", "1024x1024", "1024x1024", chance.choice(_SIZES))),
        aspect_ratio=chance.choice(("",) * 9 + ("16:9",)),
        quality=chance.choice(("",) * 6 + ("auto", "low", "high", "standard", "hd")),
        style=chance.choice(("", "", "vivid", "natural")),
        background=chance.choice([images.IMAGE_BACKGROUND_UNSPECIFIED] * 3 + images.ImageBackground.values()),
        output_format=chance.choice([images.IMAGE_FORMAT_UNSPECIFIED] * 3 + images.ImageFormat.values()),
        delivery=chance.choice(images.ImageDelivery.values()),
        moderation=chance.choice(("", "", "low")),
        negative_prompt=chance.choice(("",) * 9 + ("blue",)),
    )
    for name, values in (
        ("n", (1, 2, 10)), ("output_compression", (0, 50, 100)), ("partial_images", (0, 3)), ("seed", (1,)),
    ):  # fmt: skip
        if chance.random() < 0.15:
            setattr(made, name, chance.choice(values))
    return made


def drawn(chance: Random) -> images.GenerateImagesRequest:
    return images.GenerateImagesRequest(prompt="a cat", options=look(chance), user=chance.choice(("", "u")))


def changed(chance: Random) -> images.EditImagesRequest:
    source = media_pb2.Media(data=PNG, mime_type="image/png")
    return images.EditImagesRequest(
        prompt="a cat",
        images=[source] * chance.choice((1, 1, 2)),
        mask=source if chance.random() < 0.3 else None,
        input_fidelity=chance.choice(("", "", "low", "high")),
        options=look(chance),
        user=chance.choice(("", "u")),
    )


@pytest.mark.parametrize("model", ["tts-1", "gpt-4o-mini-tts"])
def test_speech(model: str) -> None:
    assert OPENAI.speech
    codec = OPENAI.speech({})
    for _, request in tries(audio.speech, lambda one: codec.encode(one, model)):
        assert wrong("CreateSpeechRequest")(orjson.loads(request.body)) == []


@pytest.mark.parametrize("model", ["whisper-1", "gpt-4o-transcribe", "gpt-4o-transcribe-diarize"])
def test_transcription_and_translation(model: str) -> None:
    assert OPENAI.transcription
    codec = OPENAI.transcription({})
    for asked, request in tries(audio.dictation, lambda one: codec.encode(one, model)):
        name = "CreateTranslationRequest" if asked.translate else "CreateTranscriptionRequest"
        assert wrong(name)(of_form(request)) == []


@pytest.mark.parametrize("model", ["text-embedding-3-small", "text-embedding-ada-002"])
def test_embeddings(model: str) -> None:
    assert OPENAI.embeddings
    codec = OPENAI.embeddings({})
    for _, request in tries(embedded, lambda one: codec.encode(one, model, codec.parts(one)[0])):
        assert wrong("CreateEmbeddingRequest")(orjson.loads(request.body)) == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", ["dall-e-2", "dall-e-3", "gpt-image-1", "gpt-image-1-mini"])
def test_images(model: str, streamed: bool) -> None:
    assert OPENAI.images
    codec = OPENAI.images({})
    for _, request in tries(drawn, lambda one: codec.encode(one, model, stream=streamed)):
        assert wrong("CreateImageRequest")(orjson.loads(request.body)) == []


@pytest.mark.parametrize("model", ["dall-e-2", "gpt-image-1"])
def test_edits(model: str) -> None:
    assert OPENAI.images
    codec = OPENAI.images({})
    for _, request in tries(changed, lambda one: codec.encode(one, model, stream=False)):
        if request.body:
            assert wrong("EditImageBodyJsonParam")(orjson.loads(request.body)) == []
        else:
            assert wrong("CreateImageEditRequest")(of_pictures(request)) == []
