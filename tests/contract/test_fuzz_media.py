"""Embeddings and images as nobody ever sent them: a right answer or one clear error, as test_fuzz_decoders has chat."""

import json
import struct
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any
from zlib import crc32

import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsResponse
from aignehub.v1.image_service_pb2 import ImageStreamEvent

from server.backends.image_events import events_of
from server.errors import HubError
from server.providers.registry import PROVIDERS
from server.wire.bedrock.images import BedrockImageCodec
from server.wire.bfl import BflCodec
from server.wire.gemini import Host, errors
from server.wire.gemini.image_models import GEMINI_ROWS
from server.wire.gemini.images import GeminiImageCodec
from server.wire.http import HttpResponse
from server.wire.ideogram import IdeogramCodec
from server.wire.pictures import Drawn, ImageJob
from server.wire.stability import StabilityCodec
from tests.contract.damage import Damage, cut, mangled, scrambled
from tests.fake_embeddings import ask
from tests.pictures import solid_png

_EXAMPLES = 40
CAT = solid_png(8, 4, (1, 2, 3, 255))
DRAW = pb.GenerateImagesRequest(prompt="a cat")
VECTORS = [b64encode(struct.pack("<2f", place, 0.5)).decode() for place in range(2)]
EMBEDDED = {
    "object": "list",
    "data": [{"object": "embedding", "embedding": one, "index": place} for place, one in enumerate(VECTORS)],
    "model": "m-1",
    "usage": {"total_tokens": 7},
}
JOB = ImageJob("https://api.bfl.ai/v1/get_result?id=1", 1)


# Google's
GENERATED = {
    "candidates": [{"content": {"parts": [
        {"text": "hm", "thought": True}, {"inlineData": {"mimeType": "image/png", "data": b64encode(CAT).decode()}},
    ]}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 5, "totalTokenCount": 8},
    "modelVersion": "m", "createTime": "2026-01-02T03:04:05Z",
}  # fmt: skip
PREDICTED = {
    "predictions": [
        {"bytesBase64Encoded": b64encode(CAT).decode(), "mimeType": "image/png", "prompt": "p"},
        {"raiFilteredReason": "r"},
    ]
}


def _embeds(kind: str) -> Callable[[HttpResponse], CreateEmbeddingsResponse]:
    make = PROVIDERS[kind].embeddings
    assert make
    return lambda response: make({}).decode(response, ask("a", "b"), [0, 1])


def _opens(response: HttpResponse) -> Drawn:
    make = PROVIDERS["openai"].images
    assert make
    return make({}).decode(response)


@dataclass(frozen=True, slots=True)
class Body:
    """One answer, who reads it, and who reads it as an error."""

    name: str
    read: Callable[[HttpResponse], Any]
    refuse: Callable[[HttpResponse], HubError]
    data: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


def _bodies() -> list[Body]:
    stable, ideo, flux, aws = StabilityCodec(), IdeogramCodec(), BflCodec(), BedrockImageCodec()
    google = GeminiImageCodec(Host(name="gemini", root="/v1beta"), GEMINI_ROWS)
    image = {"url": "https://x/1", "prompt": "p", "resolution": "8x4", "is_image_safe": True}
    ready = {"id": "1", "status": "Ready", "result": {"sample": "https://x/1", "prompt": "p"}, "details": {}}
    failed = {"status": "Error", "details": {"error": {"message": "m"}, "Moderation Reasons": ["r"]}}
    b64 = b64encode(CAT).decode()
    found: list[tuple[str, Callable[[HttpResponse], Any], Callable[[HttpResponse], HubError], Any]] = [
        *((kind, _embeds(kind), flux.decode_error, EMBEDDED) for kind in ("openai", "voyage", "jina", "perplexity")),
        ("openai-images", _opens, flux.decode_error, {"created": 5, "data": [{"b64_json": b64, "size": "8x4"}]}),
        ("gemini", _embeds("gemini"), errors.read_error, {"embeddings": [{"values": [0.5, 0.25]}] * 2}),
        (
            "vertex",
            _embeds("vertex"),
            errors.read_error,
            {"predictions": [{"embeddings": {"values": [0.5, 1], "statistics": {"token_count": 3}}}] * 2},
        ),
        ("gemini-images", google.decode, google.decode_error, GENERATED),
        ("imagen", google.decode, google.decode_error, PREDICTED),
        ("ideogram", ideo.decode, ideo.decode_error, {"created": "2026-01-02T03:04:05Z", "data": [image, image]}),
        ("stability", stable.decode, stable.decode_error, {"image": b64, "finish_reason": "SUCCESS", "seed": 1}),
        ("stability-error", stable.decode, stable.decode_error, {"name": "n", "errors": ["a", "b"]}),
        ("bedrock", aws.decode, aws.decode_error, {"images": [b64, b64], "error": None}),
        ("bedrock-stability", aws.decode, aws.decode_error, {"images": [b64], "seeds": [1], "finish_reasons": [None]}),
        ("bedrock-error", aws.decode, aws.decode_error, {"message": "m", "__type": "t"}),
        ("bfl-job", flux.job, flux.decode_error, {"id": "1", "polling_url": "https://api.bfl.ai/x", "cost": 4}),
        ("bfl", lambda response: flux.drawn(response, JOB, DRAW), flux.decode_error, ready),
        ("bfl-error", lambda response: flux.drawn(response, JOB, DRAW), flux.decode_error, failed),
    ]
    bodies = [Body(name, read, refuse, json.dumps(body).encode()) for name, read, refuse, body in found]
    headers = {"Content-Type": "image/png", "Finish-Reason": "SUCCESS"}
    return [*bodies, Body("stability-bytes", stable.decode, stable.decode_error, CAT, headers)]


BODIES = _bodies()
DAMAGES: Mapping[str, Damage] = {"cut": cut, "scrambled": scrambled, "mangled": mangled}


def _check(body: Body, data: bytes) -> None:
    try:
        answer = body.read(HttpResponse(200, body.headers, data))
    except HubError:
        return
    if isinstance(answer, CreateEmbeddingsResponse):
        assert [one.index for one in answer.embeddings] == [0, 1]
        assert {len(one.packed) for one in answer.embeddings} == {4 * answer.dimensions}
        assert answer.usage.total_tokens > 0
        assert answer.SerializeToString()
    elif isinstance(answer, Drawn):
        # Google bills nothing for what it filtered.
        drawn = any(not picture.filtered for picture in answer.pictures)
        assert answer.usage.billed_images > 0 or answer.usage.total_tokens > 0 or not drawn
        assert answer.pictures
        for picture in answer.pictures:
            assert all(event.SerializeToString() for event in events_of(picture))
    else:
        assert answer is None or isinstance(answer, ImageJob)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.name)
def test_damage_is_read_or_is_one_error(body: Body) -> None:
    if not body.name.endswith("-error"):
        assert body.read(HttpResponse(200, body.headers, body.data))
    for name, damage in DAMAGES.items():
        for example in range(_EXAMPLES):
            chance = Random(crc32(f"{body.name} {name} {example}".encode()))
            data = damage(body.data, chance)
            try:
                _check(body, data)
                error = body.refuse(HttpResponse(chance.choice((400, 422, 500)), body.headers, data))
            except Exception as failure:
                raise AssertionError(f"{name} {example}: {failure!r}\n{data!r}") from failure
            assert error.metadata["providerStatus"]


def test_what_is_read_is_also_what_is_told() -> None:
    [event] = events_of(StabilityCodec().decode(HttpResponse(200, {"Content-Type": "image/png"}, CAT)).pictures[0])
    assert isinstance(event, ImageStreamEvent)
    assert event.completed.media.data == CAT
