"""Images of Gemini and Imagen at both hosts: what each is sent and lacks, and how answers read."""

import json
import re
from base64 import b64decode, b64encode
from typing import Any

import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2, options_pb2, usage_pb2
from google.protobuf.json_format import ParseDict

from server.errors import (
    ContentFiltered,
    HubError,
    InvalidArgument,
    ProviderBadResponse,
    ProviderRateLimited,
    UnsupportedByProvider,
)
from server.wire.gemini import Host
from server.wire.gemini.image_models import GEMINI_ROWS, VERTEX_ROWS
from server.wire.gemini.images import GeminiImageCodec
from server.wire.http import HttpResponse
from server.wire.pictures import Drawn, ImageRequest
from tests import gemini_types
from tests.pictures import solid_png
from tests.unit.wire.images.test_masks import grays

CAT = solid_png(8, 4, (1, 2, 3, 255))
MASK = solid_png(8, 4, (0, 0, 0, 0))
INLINE = {"inlineData": {"mimeType": "image/png", "data": b64encode(CAT).decode()}}
GEMINI = GeminiImageCodec(Host(name="gemini", root="/v1beta"), GEMINI_ROWS)
VERTEX = GeminiImageCodec(Host(name="vertex", root="/v1/p", publisher="/publishers/google"), VERTEX_ROWS)
FLASH, PRO, NEWER, LITE = (
    *("gemini-2.5-flash-image", "gemini-3-pro-image-preview", "gemini-3.1-flash-image"),
    "gemini-3.1-flash-lite-image",
)
IMAGEN, FAST, CAPABLE = "imagen-4.0-generate-001", "imagen-4.0-fast-generate-001", "imagen-3.0-capability-001"


def draw(extra: str = "", **options: Any) -> pb.GenerateImagesRequest:
    request = ParseDict({"prompt": "a cat", "options": options}, pb.GenerateImagesRequest())
    request.gateway.extra_body_json = extra
    return request


def change(*, sources: int = 1, mask: bytes = b"", extra: str = "", **options: Any) -> pb.EditImagesRequest:
    request = pb.EditImagesRequest(
        prompt="green",
        images=[media_pb2.Media(data=CAT, mime_type="image/png")] * sources,
        options=ParseDict(options, pb.ImageOptions()),
        gateway=options_pb2.GatewayOptions(extra_body_json=extra),
    )
    if mask:
        request.mask.data = mask
    return request


def sent(codec: GeminiImageCodec, model: str, request: ImageRequest) -> tuple[str, Any, list[str]]:
    found = codec.encode(request, model, stream=False)
    body = json.loads(found.body)
    if "contents" in body:
        assert gemini_types.complaints(body) == []
    return found.path, body, list(found.adjusted_fields)


def config(codec: GeminiImageCodec, model: str, request: ImageRequest) -> Any:
    told = sent(codec, model, request)[1]["generationConfig"]
    assert told.pop("responseModalities") == ["IMAGE"]
    return told


def parameters(codec: GeminiImageCodec, model: str, request: ImageRequest) -> Any:
    told = sent(codec, model, request)[1]["parameters"]
    assert told.pop("includeRaiReason") is True
    return told


def test_the_least_that_is_sent() -> None:
    assert sent(GEMINI, FLASH, draw()) == (
        f"/v1beta/models/{FLASH}:generateContent",
        {
            "contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
            "generationConfig": {"responseModalities": ["IMAGE"]},
        },
        [],
    )
    assert sent(VERTEX, IMAGEN, draw()) == (
        f"/v1/p/publishers/google/models/{IMAGEN}:predict",
        {"instances": [{"prompt": "a cat"}], "parameters": {"sampleCount": 1, "includeRaiReason": True}},
        [],
    )
    older = sent(GEMINI, "gemini-2.0-flash-preview-image-generation", draw())[1]["generationConfig"]
    assert older == {"responseModalities": ["TEXT", "IMAGE"]}


@pytest.mark.parametrize(
    ("model", "options", "image"),
    [
        (FLASH, {"size": "1344x768"}, {"aspectRatio": "16:9"}),
        (FLASH, {"aspectRatio": "21:9"}, {"aspectRatio": "21:9"}),
        (PRO, {"size": "4K", "aspectRatio": "16:9"}, {"imageSize": "4K", "aspectRatio": "16:9"}),
        (PRO, {"size": "2752x1536"}, {"aspectRatio": "16:9", "imageSize": "2K"}),
        (PRO, {"size": "1024x1024"}, {"aspectRatio": "1:1"}),
        (PRO, {"size": "2048x2048", "aspectRatio": "auto"}, {"aspectRatio": "1:1", "imageSize": "2K"}),
        (NEWER, {"size": "0.5K", "aspectRatio": "1:8"}, {"imageSize": "512", "aspectRatio": "1:8"}),
        (LITE, {"aspectRatio": "4:1"}, {"aspectRatio": "4:1"}),
        ("gemini-9-image", {"size": "2K", "aspectRatio": "9:21"}, {"imageSize": "2K", "aspectRatio": "9:21"}),
    ],
)
def test_how_large_and_in_which_shape(model: str, options: dict[str, Any], image: dict[str, Any]) -> None:
    assert config(GEMINI, model, draw(**options)) == {"imageConfig": image}


@pytest.mark.parametrize(
    ("codec", "model", "options", "field", "says"),
    [
        (GEMINI, FLASH, {"size": "2K"}, "options.size", "has no size 2K"),
        (GEMINI, FLASH, {"aspectRatio": "1:8"}, "options.aspect_ratio", "takes 1:1"),
        (GEMINI, PRO, {"size": "0.5K"}, "options.size", "has no size"),
        (GEMINI, PRO, {"size": "1024x1024", "aspectRatio": "16:9"}, "options.aspect_ratio", "says it"),
        (GEMINI, LITE, {"size": "1K"}, "options.size", "no choice of sizes"),
        (GEMINI, PRO, {"outputFormat": "IMAGE_FORMAT_PNG"}, "options.output_format", "no choice of formats"),
        (VERTEX, PRO, {"outputFormat": "IMAGE_FORMAT_WEBP"}, "options.output_format", "makes png, jpeg"),
        (GEMINI, PRO, {"negativePrompt": "dogs"}, "options.negative_prompt", "keep out"),
        (GEMINI, PRO, {"background": "IMAGE_BACKGROUND_TRANSPARENT"}, "options.background", "transparent"),
        (GEMINI, IMAGEN, {"aspectRatio": "21:9"}, "options.aspect_ratio", "takes 1:1"),
        (GEMINI, IMAGEN, {"size": "4K"}, "options.size", "1K, 2K"),
        (GEMINI, FAST, {"size": "1K"}, "options.size", "no choice of sizes"),
        (GEMINI, IMAGEN, {"n": 5}, "options.n", "at most 4 images"),
        (GEMINI, IMAGEN, {"negativePrompt": "dogs"}, "options.negative_prompt", "keep out"),
        (VERTEX, CAPABLE, {}, "model", "only edits"),
    ],
)
def test_what_models_lack(codec: GeminiImageCodec, model: str, options: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises((InvalidArgument, UnsupportedByProvider), match=re.escape(says)) as raised:
        codec.encode(draw(**options), model, stream=False)
    assert raised.value.fields[0].field == field


def test_options_of_gemini() -> None:
    told: dict[str, Any] = {
        "outputFormat": "IMAGE_FORMAT_JPEG",
        "outputCompression": 70,
        "seed": 3,
        "aspectRatio": "1:1",
    }
    assert config(VERTEX, PRO, draw(**told)) == {
        "seed": 3,
        "imageConfig": {
            "aspectRatio": "1:1", "imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 70},
        },
    }  # fmt: skip
    assert config(GEMINI, FLASH, draw(outputFormat="IMAGE_FORMAT_PNG")) == {}
    request = draw(quality="high", style="vivid", moderation="low", delivery="IMAGE_DELIVERY_URL")
    request.user = "u"
    assert sorted(sent(GEMINI, PRO, request)[2]) == [
        "options.delivery", "options.moderation", "options.quality", "options.style", "user",
    ]  # fmt: skip
    more = draw(extra='{"generationConfig": {"imageConfig": {"imageSize": "2K"}}, "safetySettings": []}')
    body = sent(GEMINI, PRO, more)[1]
    assert (body["generationConfig"]["imageConfig"], body["safetySettings"]) == ({"imageSize": "2K"}, [])
    with pytest.raises(InvalidArgument, match="contents is set"):
        GEMINI.encode(draw(extra='{"contents": []}'), PRO, stream=False)


def test_options_of_imagen() -> None:
    asked = draw(
        n=3, size="2K", aspectRatio="3:4", outputFormat="IMAGE_FORMAT_JPEG", outputCompression=70, negativePrompt="dogs"
    )
    assert parameters(VERTEX, IMAGEN, asked) == {
        "sampleCount": 3, "sampleImageSize": "2K", "aspectRatio": "3:4", "negativePrompt": "dogs",
        "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 70},
    }  # fmt: skip
    free = draw(extra='{"parameters": {"personGeneration": "allow_all", "addWatermark": false}}', seed=7)
    assert parameters(VERTEX, IMAGEN, free) == {
        "sampleCount": 1, "seed": 7, "personGeneration": "allow_all", "addWatermark": False,
    }  # fmt: skip


def test_imagen_takes_a_seed_where_it_leaves_no_watermark() -> None:
    _, body, adjusted = sent(VERTEX, IMAGEN, draw(seed=7))
    assert ("seed" in body["parameters"], adjusted) == (False, ["options.seed"])
    strict = draw(seed=7)
    strict.gateway.strict_parameters = True
    with pytest.raises(InvalidArgument, match="addWatermark"):
        VERTEX.encode(strict, IMAGEN, stream=False)


def test_edits_of_gemini() -> None:
    _, body, _ = sent(GEMINI, NEWER, change(sources=2, aspectRatio="16:9"))
    assert body["contents"] == [{"role": "user", "parts": [INLINE, INLINE, {"text": "green"}]}]
    assert body["generationConfig"]["imageConfig"] == {"aspectRatio": "16:9"}
    for request, field in (
        (change(mask=MASK), "mask"),
        (change(sources=15), "images"),
        (pb.EditImagesRequest(prompt="x", images=[media_pb2.Media(file_id="files/1")]), "images[0].file_id"),
    ):
        with pytest.raises((InvalidArgument, UnsupportedByProvider)) as raised:
            GEMINI.encode(request, PRO, stream=False)
        assert raised.value.fields[0].field == field


def test_edits_of_imagen() -> None:
    path, body, _ = sent(VERTEX, CAPABLE, change(sources=2, mask=MASK, n=2))
    assert path.endswith(f"/{CAPABLE}:predict")
    assert body["parameters"] == {
        "sampleCount": 2, "includeRaiReason": True, "editMode": "EDIT_MODE_INPAINT_INSERTION",
    }  # fmt: skip
    first, second, mask = body["instances"][0]["referenceImages"]
    assert (first["referenceType"], first["referenceId"], second["referenceId"]) == ("REFERENCE_TYPE_RAW", 1, 2)
    assert b64decode(first["referenceImage"]["bytesBase64Encoded"]) == CAT
    assert (mask["referenceType"], mask["referenceId"]) == ("REFERENCE_TYPE_MASK", 3)
    assert mask["maskImageConfig"] == {"maskMode": "MASK_MODE_USER_PROVIDED"}
    assert grays(b64decode(mask["referenceImage"]["bytesBase64Encoded"]))[2] == [b"\xff" * 8] * 4
    assert sent(VERTEX, CAPABLE, change())[1]["parameters"]["editMode"] == "EDIT_MODE_DEFAULT"
    chosen = change(mask=MASK, extra='{"parameters": {"editMode": "EDIT_MODE_INPAINT_REMOVAL"}}')
    assert sent(VERTEX, CAPABLE, chosen)[1]["parameters"]["editMode"] == "EDIT_MODE_INPAINT_REMOVAL"
    for codec, model in ((VERTEX, IMAGEN), (GEMINI, CAPABLE)):
        with pytest.raises(UnsupportedByProvider, match="does not edit"):
            codec.encode(change(), model, stream=False)


def test_what_is_known_to_draw() -> None:
    both, drawing, editing, none = ("image", "image_edit"), ("image",), ("image_edit",), ()
    for codec, model, found in (
        (GEMINI, FLASH, both), (GEMINI, PRO, both), (VERTEX, NEWER, both), (GEMINI, "gemini-9-pro-image", both),
        (GEMINI, IMAGEN, drawing), (VERTEX, IMAGEN, drawing), (VERTEX, CAPABLE, editing),
        (GEMINI, "gemini-2.5-flash", none), (VERTEX, "claude-opus-4-6", none),
    ):  # fmt: skip
        assert codec.capabilities(model) == found
    assert not GEMINI.streams(FLASH)
    assert not GEMINI.reads_urls(FLASH)


def read(answer: Any, codec: GeminiImageCodec = GEMINI) -> Drawn:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return codec.decode(HttpResponse(200, {}, body))


USAGE = {
    "promptTokenCount": 9, "candidatesTokenCount": 1290, "totalTokenCount": 1309, "thoughtsTokenCount": 10,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1290}],
}  # fmt: skip


def test_an_answer_of_gemini() -> None:
    parts = [{"text": "Sketching", "thought": True}, {**INLINE, "thought": True}, {"text": "Here it is"}, INLINE]
    drawn = read(
        {
            "candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}],
            "usageMetadata": USAGE, "modelVersion": FLASH, "createTime": "2026-01-02T03:04:05Z",
        }
    )  # fmt: skip
    [picture] = drawn.pictures
    assert (picture.data, picture.mime_type, picture.width, picture.height) == (CAT, "image/png", 8, 4)
    assert (drawn.model, drawn.created) == (FLASH, 1767323045)
    usage = drawn.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.billed_images) == (9, 1300, 1309, 0)
    assert [(one.modality, one.tokens) for one in usage.output_by_modality] == [(usage_pb2.MODALITY_IMAGE, 1290)]
    two = read({"candidates": [{"content": {"parts": [INLINE, INLINE]}}]})
    assert ([picture.index for picture in two.pictures], two.usage.billed_images) == ([0, 1], 2)


@pytest.mark.parametrize("reason", ["IMAGE_SAFETY", "PROHIBITED_CONTENT", 11])
def test_an_image_that_was_filtered(reason: str | int) -> None:
    candidate = {"finishReason": reason, "finishMessage": "No  such\nthing"}
    [picture] = read({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 5}}).pictures
    word = reason if isinstance(reason, str) else "IMAGE_SAFETY"
    assert (picture.filtered, picture.filter_reason) == (True, f"{word}: No such thing")
    assert not picture.data


def test_an_answer_of_imagen() -> None:
    data = b64encode(CAT).decode()
    drawn = read(
        {
            "predictions": [
                {"mimeType": "image/png", "bytesBase64Encoded": data, "prompt": "a fat cat"},
                {"raiFilteredReason": "Unable to show. Codes: 39322892"},
                {"gcsUri": "gs://b/cat.png", "mimeType": "image/png"},
            ]
        },
        VERTEX,
    )
    first, second, third = drawn.pictures
    assert (first.data, first.width, first.revised_prompt, first.filtered) == (CAT, 8, "a fat cat", False)
    assert (second.index, second.filtered, second.filter_reason) == (1, True, "Unable to show. Codes: 39322892")
    assert (third.url, drawn.usage.billed_images) == ("gs://b/cat.png", 2)


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, ContentFiltered, "SAFETY"),
        ({"candidates": [{"content": {"parts": [{"text": "I can't"}]}}]}, ProviderBadResponse, "words.*I can't"),
        ({"candidates": [{"finishReason": "NO_IMAGE"}]}, ProviderBadResponse, "no image"),
        ({"predictions": []}, ProviderBadResponse, "no image"),
        ({}, ProviderBadResponse, "no image"),
        (b"[]", ProviderBadResponse, "no JSON object"),
        ([{"error": {"code": 429, "message": "slow", "status": "RESOURCE_EXHAUSTED"}}], ProviderRateLimited, "slow"),
        ({"predictions": [{"bytesBase64Encoded": "!!!!"}]}, ProviderBadResponse, "base64"),
    ],
)
def test_answers_without_an_image(answer: Any, error: type[HubError], says: str) -> None:
    with pytest.raises(error, match=says):
        read(answer)


def test_a_stream_is_never_asked_for() -> None:
    with pytest.raises(ProviderBadResponse):
        GEMINI.decoder(draw())
    assert isinstance(GEMINI.decode_error(HttpResponse(429, {}, b"{}")), ProviderRateLimited)
