"""Images by InvokeModel: what each maker's models are sent, what they are not asked for, how their answers read."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2, options_pb2

from server.errors import (
    HubError,
    InvalidArgument,
    ProviderBadResponse,
    ProviderRateLimited,
    ProviderUnavailable,
    UnsupportedByProvider,
)
from server.wire.bedrock.images import TAKES_N, BedrockImageCodec
from server.wire.http import HttpResponse
from server.wire.pictures import ImageRequest
from tests.pictures import encode_png, solid_png
from tests.unit.wire.images.test_masks import grays

CODEC = BedrockImageCodec()
CAT = solid_png(4, 2, (1, 2, 3, 255))
B64 = b64encode(CAT).decode()
# Four pixels a row, each as see-through as its last byte says.
MASK = encode_png(4, 2, bytes([0, 0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 200, 0, 0, 0, 255]) * 2, filters=0)
CANVAS, TITAN, TITAN_2 = (
    "amazon.nova-canvas-v1:0",
    "amazon.titan-image-generator-v1",
    "us.amazon.titan-image-generator-v2:0",
)
SD3, INPAINT = "stability.sd3-5-large-v1:0", "us.stability.stable-image-inpaint-v1:0"
JPEG, WEBP = pb.IMAGE_FORMAT_JPEG, pb.IMAGE_FORMAT_WEBP


def draw(extra: Any = None, **options: Any) -> pb.GenerateImagesRequest:
    gateway = options_pb2.GatewayOptions(extra_body_json=json.dumps(extra) if extra else "")
    return pb.GenerateImagesRequest(prompt="a cat", options=pb.ImageOptions(**options), gateway=gateway)


def change(extra: Any = None, *, sources: int = 1, mask: bytes = b"", **options: Any) -> pb.EditImagesRequest:
    request = pb.EditImagesRequest(
        prompt="green",
        images=[media_pb2.Media(data=CAT, mime_type="image/png")] * sources,
        options=pb.ImageOptions(**options),
        gateway=options_pb2.GatewayOptions(extra_body_json=json.dumps(extra) if extra else ""),
    )
    if mask:
        request.mask.data = mask
    return request


def sent(model: str, request: ImageRequest) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(CODEC.encode(request, model, stream=False).body)
    return body


def amazons(task: str, params: str, inside: dict[str, Any], **config: Any) -> dict[str, Any]:
    body = {"taskType": task, params: inside}
    return {**body, "imageGenerationConfig": config} if config else body


GREEN = {"text": "green"}


@pytest.mark.parametrize(
    ("model", "request_", "body"),
    [
        (CANVAS, draw(), amazons("TEXT_IMAGE", "textToImageParams", {"text": "a cat"})),
        (
            CANVAS,
            draw(n=5, size="1280x720", quality="premium", style="PHOTOREALISM", seed=7, negative_prompt="dogs"),
            amazons(
                "TEXT_IMAGE",
                "textToImageParams",
                {"text": "a cat", "style": "PHOTOREALISM", "negativeText": "dogs"},
                numberOfImages=5,
                width=1280,
                height=720,
                quality="premium",
                seed=7,
            ),
        ),
        (
            CANVAS,
            draw({"imageGenerationConfig": {"cfgScale": 8.0}}, n=2),
            amazons("TEXT_IMAGE", "textToImageParams", {"text": "a cat"}, numberOfImages=2, cfgScale=8.0),
        ),
        (
            CANVAS,
            draw({"taskType": "COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams": {"colors": ["#FF9800"]}}),
            amazons("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams", {"text": "a cat", "colors": ["#FF9800"]}),
        ),
        (
            TITAN,
            draw(aspect_ratio="1:1", size="auto"),
            amazons("TEXT_IMAGE", "textToImageParams", {"text": "a cat"}, width=1024, height=1024),
        ),
        (
            TITAN,
            draw(size="1173x640"),
            amazons("TEXT_IMAGE", "textToImageParams", {"text": "a cat"}, width=1173, height=640),
        ),
        (
            TITAN_2,
            change(sources=2, size="512x512"),
            amazons("IMAGE_VARIATION", "imageVariationParams", {**GREEN, "images": [B64, B64]}, width=512, height=512),
        ),
        (
            CANVAS,
            change({"imageVariationParams": {"similarityStrength": 0.3}}),
            amazons("IMAGE_VARIATION", "imageVariationParams", {**GREEN, "images": [B64], "similarityStrength": 0.3}),
        ),
        (
            TITAN,
            change({"taskType": "INPAINTING", "inPaintingParams": {"maskPrompt": "windows"}}, n=2),
            amazons(
                "INPAINTING", "inPaintingParams", {**GREEN, "image": B64, "maskPrompt": "windows"}, numberOfImages=2
            ),
        ),
        (
            TITAN_2,
            change({"taskType": "TEXT_IMAGE", "textToImageParams": {"controlMode": "SEGMENTATION"}}),
            amazons(
                "TEXT_IMAGE", "textToImageParams", {**GREEN, "conditionImage": B64, "controlMode": "SEGMENTATION"}
            ),
        ),
        (
            CANVAS,
            change({"taskType": "VIRTUAL_TRY_ON", "virtualTryOnParams": {"maskType": "GARMENT"}}, sources=2, seed=1),
            amazons(
                "VIRTUAL_TRY_ON",
                "virtualTryOnParams",
                {"sourceImage": B64, "referenceImage": B64, "maskType": "GARMENT"},
                seed=1,
            ),
        ),
        (
            CANVAS,
            change({"taskType": "BACKGROUND_REMOVAL"}),
            amazons("BACKGROUND_REMOVAL", "backgroundRemovalParams", {"image": B64}),
        ),
        (
            "stability.stable-image-core-v1:1",
            draw(aspect_ratio="16:9", output_format=JPEG, seed=3, negative_prompt="dogs"),
            {"prompt": "a cat", "aspect_ratio": "16:9", "output_format": "jpeg", "seed": 3, "negative_prompt": "dogs"},
        ),
        (SD3, draw(), {"prompt": "a cat"}),
        (SD3, change(), {"prompt": "green", "image": B64, "mode": "image-to-image", "strength": 0.5}),
        (
            SD3,
            change({"strength": 0.9}),
            {"prompt": "green", "image": B64, "mode": "image-to-image", "strength": 0.9},
        ),
        (
            "us.stability.stable-image-search-replace-v1:0",
            change({"search_prompt": "sweater"}, style="anime", output_format=WEBP),
            {
                "prompt": "green",
                "image": B64,
                "search_prompt": "sweater",
                "style_preset": "anime",
                "output_format": "webp",
            },
        ),
        (
            "us.stability.stable-outpaint-v1:0",
            change({"left": 512}),
            {"prompt": "green", "image": B64, "left": 512},
        ),
        ("us.stability.stable-image-remove-background-v1:0", change(), {"image": B64}),
        (
            "us.stability.stable-style-transfer-v1:0",
            change(sources=2),
            {"prompt": "green", "init_image": B64, "style_image": B64},
        ),
        (
            "us.stability.stable-image-style-guide-v1:0",
            change(aspect_ratio="9:16"),
            {"prompt": "green", "image": B64, "aspect_ratio": "9:16"},
        ),
    ],
)  # fmt: skip
def test_what_is_sent(model: str, request_: ImageRequest, body: dict[str, Any]) -> None:
    made = CODEC.encode(request_, model, stream=True)
    assert json.loads(made.body) == body
    assert made.path == f"/model/{model.replace(':', '%3A')}/invoke"
    assert not set(made.adjusted_fields) - {"prompt"}


@pytest.mark.parametrize(
    ("model", "extra", "params", "field", "row"),
    [
        # Amazon's models read black and white alone: black changes within a mask, white around one.
        (CANVAS, None, "inPaintingParams", "maskImage", [0, 0, 255, 255]),
        (TITAN, {"taskType": "OUTPAINTING"}, "outPaintingParams", "maskImage", [255, 255, 0, 0]),
        (INPAINT, None, "", "mask", [255, 155, 55, 0]),
        ("us.stability.stable-image-erase-object-v1:0", None, "", "mask", [255, 155, 55, 0]),
    ],
)
def test_masks_are_painted_as_the_model_reads_them(
    model: str, extra: Any, params: str, field: str, row: list[int]
) -> None:
    body = sent(model, change(extra, mask=MASK))
    inside = body[params] if params else body
    width, height, rows = grays(b64decode(inside[field]))
    assert (width, height, rows) == (4, 2, [bytes(row)] * 2)
    assert inside["image"] == B64


@pytest.mark.parametrize(
    ("model", "request_", "error", "field"),
    [
        (CANVAS, draw(n=6), InvalidArgument, "options.n"),
        (SD3, draw(n=2), InvalidArgument, "options.n"),
        (CANVAS, draw(size="100x100"), InvalidArgument, "options.size"),
        (CANVAS, draw(size="4096x512"), InvalidArgument, "options.size"),
        (TITAN, draw(aspect_ratio="16:9"), InvalidArgument, "options.aspect_ratio"),
        (CANVAS, draw(aspect_ratio="16:9"), UnsupportedByProvider, "options.aspect_ratio"),
        (SD3, draw(size="512x512"), UnsupportedByProvider, "options.size"),
        (CANVAS, draw(seed=2**31), InvalidArgument, "options.seed"),
        (CANVAS, draw(style="vivid"), InvalidArgument, "options.style"),
        (CANVAS, draw(output_format=JPEG), UnsupportedByProvider, "options.output_format"),
        (CANVAS, draw(background=pb.IMAGE_BACKGROUND_TRANSPARENT), UnsupportedByProvider, "options.background"),
        (CANVAS, change(mask=MASK, size="512x512"), UnsupportedByProvider, "options.size"),
        (CANVAS, change(sources=6), InvalidArgument, "images"),
        (CANVAS, change({"taskType": "VIRTUAL_TRY_ON"}), InvalidArgument, "images"),
        (CANVAS, change(mask=CAT), InvalidArgument, "mask"),
        (SD3, change(mask=MASK), UnsupportedByProvider, "mask"),
        (CANVAS, draw({"taskType": "INPAINTING"}), InvalidArgument, "gateway.extra_body_json"),
        (TITAN, change({"taskType": "BACKGROUND_REMOVAL"}), InvalidArgument, "gateway.extra_body_json"),
        (CANVAS, draw({"textToImageParams": {"text": "x"}}), InvalidArgument, "gateway.extra_body_json"),
        (SD3, draw({"seed": 4}), InvalidArgument, "gateway.extra_body_json"),
        (INPAINT, draw(), UnsupportedByProvider, "model"),
        ("stability.stable-image-core-v1:1", change(), UnsupportedByProvider, "model"),
        ("anthropic.claude-sonnet-5", draw(), UnsupportedByProvider, "model"),
        ("anthropic.claude-sonnet-5", draw({"taskType": "TEXT_IMAGE"}), UnsupportedByProvider, "model"),
    ],
)
def test_what_is_refused(model: str, request_: ImageRequest, error: type[HubError], field: str) -> None:
    with pytest.raises(error) as caught:
        CODEC.encode(request_, model, stream=False)
    assert caught.value.fields[0].field == field


def answer(body: Any, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "told", "billed"),
    [
        ({"images": [B64, B64]}, [(0, CAT, ""), (1, CAT, "")], 2),
        ({"images": [B64], "error": "Some were blocked"}, [(0, CAT, ""), (1, b"", "Some were blocked")], 1),
        ({"images": None, "error": "blocked"}, [(0, b"", "blocked")], 1),
        ({"images": [B64], "error": None, "maskImage": "x"}, [(0, CAT, "")], 1),
        ({"seeds": [1], "finish_reasons": [None], "images": [B64]}, [(0, CAT, "")], 1),
        ({"finish_reasons": ["Filter reason: prompt"]}, [(0, b"", "Filter reason: prompt")], 1),
    ],
)
def test_what_is_read(body: Any, told: list[tuple[int, bytes, str]], billed: int) -> None:
    drawn = CODEC.decode(answer(body))
    assert [(one.index, one.data, one.filter_reason) for one in drawn.pictures] == told
    assert [one.filtered for one in drawn.pictures] == [bool(reason) for _, _, reason in told]
    assert all((one.mime_type, one.width, one.height) == ("image/png", 4, 2) for one in drawn.pictures if one.data)
    assert drawn.usage.billed_images == billed


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ([], ProviderBadResponse),
        ({}, ProviderBadResponse),
        ({"images": [None, 4]}, ProviderBadResponse),
        ({"images": ["*"]}, ProviderBadResponse),
        ({"finish_reasons": ["Inference error"], "images": [B64]}, ProviderUnavailable),
    ],
)
def test_what_holds_no_image(body: Any, error: type[HubError]) -> None:
    with pytest.raises(error):
        CODEC.decode(answer(body))


def test_errors_read_as_those_of_chat() -> None:
    told = CODEC.decode_error(answer({"message": "slow down"}, 429, **{"x-amzn-errortype": "ThrottlingException"}))
    assert isinstance(told, ProviderRateLimited)


@pytest.mark.parametrize(
    ("model", "can", "several"),
    [
        (CANVAS, ("image", "image_edit"), True),
        (TITAN_2, ("image", "image_edit"), True),
        (SD3, ("image", "image_edit"), False),
        ("stability.stable-image-ultra-v1:1", ("image",), False),
        (INPAINT, ("image_edit",), False),
        ("amazon.nova-pro-v1:0", (), True),
        ("anthropic.claude-sonnet-5", (), False),
    ],
)
def test_what_a_model_is_known_to_do(model: str, can: tuple[str, ...], several: bool) -> None:
    assert CODEC.capabilities(model) == can
    assert bool(TAKES_N.match(model)) is several
