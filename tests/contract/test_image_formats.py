"""Ideogram, Stability and Black Forest Labs: what each path is sent, what it is not asked for."""

import json
from base64 import b64decode, b64encode
from email.parser import BytesParser
from typing import Any

import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2, options_pb2

from server.errors import (
    InvalidArgument,
    UnsupportedByProvider,
)
from server.wire.bfl import BflCodec
from server.wire.http import HttpRequest
from server.wire.ideogram import IdeogramCodec
from server.wire.pictures import ImageRequest
from server.wire.stability import StabilityCodec
from tests.pictures import solid_png
from tests.unit.wire.images.test_masks import grays

CAT = solid_png(8, 4, (1, 2, 3, 255))
MASK = solid_png(8, 4, (0, 0, 0, 0))
JPEG, PNG = pb.IMAGE_FORMAT_JPEG, pb.IMAGE_FORMAT_PNG
CODECS: dict[str, IdeogramCodec | StabilityCodec | BflCodec] = {
    "ideogram": IdeogramCodec(),
    "stability": StabilityCodec(),
    "bfl": BflCodec(),
}


def draw(prompt: str = "a cat", **options: Any) -> pb.GenerateImagesRequest:
    return pb.GenerateImagesRequest(prompt=prompt, options=pb.ImageOptions(**options))


def change(*, sources: int = 1, mask: bytes = b"", extra: str = "", **options: Any) -> pb.EditImagesRequest:
    request = pb.EditImagesRequest(
        prompt="green",
        images=[media_pb2.Media(data=CAT, mime_type="image/png")] * sources,
        options=pb.ImageOptions(**options),
        gateway=options_pb2.GatewayOptions(extra_body_json=extra),
    )
    if mask:
        request.mask.data = mask
    return request


def encoded(kind: str, model: str, request: ImageRequest) -> HttpRequest:
    codec = CODECS[kind]
    return codec.encode(request, model) if isinstance(codec, BflCodec) else codec.encode(request, model, stream=False)


def sent(kind: str, model: str, request: ImageRequest) -> tuple[str, dict[str, Any]]:
    """Path and fields, whether a form or JSON."""
    made = encoded(kind, model, request)
    if made.body:
        return made.path, json.loads(made.body)
    head = f"Content-Type: {made.headers['Content-Type']}\r\n\r\n".encode()
    parts: Any = BytesParser().parsebytes(head + b"".join(made.pieces)).get_payload()
    fields = {}
    for part in parts:
        content = part.get_payload(decode=True)
        name = part.get_param("name", header="content-disposition")
        fields[name] = content if part.get_filename() else content.decode()
    return made.path, fields


B64 = b64encode(CAT).decode()
V3 = "/v1/ideogram-v3"
STABLE = "/v2beta/stable-image"
SENT = [
    ("ideogram", "ideogram-v3", draw(), f"{V3}/generate", {"prompt": "a cat"}),
    (
        "ideogram", "ideogram-v3",
        draw(n=3, aspect_ratio="16:9", quality="turbo", style="design", seed=7, negative_prompt="dogs"),
        f"{V3}/generate",
        {
            "prompt": "a cat", "num_images": "3", "aspect_ratio": "16x9", "rendering_speed": "TURBO",
            "style_type": "DESIGN", "seed": "7", "negative_prompt": "dogs",
        },
    ),
    ("ideogram", "ideogram-3", draw(size="1536x640"), f"{V3}/generate", {"prompt": "a cat", "resolution": "1536x640"}),
    (
        "ideogram", "ideogram-v3", draw(background=pb.IMAGE_BACKGROUND_TRANSPARENT, output_format=PNG),
        f"{V3}/generate-transparent", {"prompt": "a cat"},
    ),
    ("ideogram", "ideogram-v3", change(n=2), f"{V3}/remix", {"prompt": "green", "num_images": "2", "image": CAT}),
    (
        "ideogram", "ideogram-v3", change(extra='{"magic_prompt": "OFF", "style_codes": ["AA", "BB"]}'), f"{V3}/remix",
        {"prompt": "green", "magic_prompt": "OFF", "style_codes": "BB", "image": CAT},
    ),
    (
        "ideogram", "ideogram-v3-reframe", change(size="1024x1024"), f"{V3}/reframe",
        {"resolution": "1024x1024", "image": CAT},
    ),
    (
        "ideogram", "ideogram-v3-replace-background", change(seed=1), f"{V3}/replace-background",
        {"prompt": "green", "seed": "1", "image": CAT},
    ),
    (
        "ideogram", "ideogram-v4", draw(size="2048x2048", quality="quality"), "/v1/ideogram-v4/generate",
        {"text_prompt": "a cat", "resolution": "2048x2048", "rendering_speed": "QUALITY"},
    ),
    (
        "ideogram", "ideogram-4-5", draw(size="1024x1024", quality="high", n=2), "/v2/image/generate/ideogram-4-5",
        {"prompt": "a cat", "size": "1024x1024", "quality": "high", "num_images": "2"},
    ),
    ("ideogram", "ideogram-v4", change(), "/v1/ideogram-v4/remix", {"text_prompt": "green", "image": CAT}),
    ("ideogram", "ideogram-9", draw(seed=3), "/v2/image/generate/ideogram-9", {"prompt": "a cat", "seed": "3"}),
    ("ideogram", "ideogram-9", change(), "/v2/image/remix/ideogram-9", {"prompt": "green", "image": CAT}),
    ("stability", "core", draw(), f"{STABLE}/generate/core", {"prompt": "a cat"}),
    (
        "stability", "stable-image-ultra",
        draw(aspect_ratio="21:9", seed=5, negative_prompt="dogs", style="anime", output_format=JPEG),
        f"{STABLE}/generate/ultra",
        {
            "prompt": "a cat", "aspect_ratio": "21:9", "seed": "5", "negative_prompt": "dogs",
            "style_preset": "anime", "output_format": "jpeg",
        },
    ),
    (
        "stability", "sd3.5-large-turbo", draw(), f"{STABLE}/generate/sd3",
        {"prompt": "a cat", "model": "sd3.5-large-turbo"},
    ),
    (
        "stability", "sd3.5-medium", change(), f"{STABLE}/generate/sd3",
        {"prompt": "green", "model": "sd3.5-medium", "mode": "image-to-image", "strength": "0.5", "image": CAT},
    ),
    (
        "stability", "ultra", change(extra='{"strength": 0.9}'), f"{STABLE}/generate/ultra",
        {"prompt": "green", "strength": "0.9", "image": CAT},
    ),
    (
        "stability", "search-and-replace", change(extra='{"search_prompt": "dog"}'),
        f"{STABLE}/edit/search-and-replace", {"prompt": "green", "search_prompt": "dog", "image": CAT},
    ),
    (
        "stability", "outpaint", change(extra='{"left": 200}'), f"{STABLE}/edit/outpaint",
        {"prompt": "green", "left": "200", "image": CAT},
    ),
    (
        "stability", "remove-background", change(output_format=pb.IMAGE_FORMAT_WEBP),
        f"{STABLE}/edit/remove-background", {"output_format": "webp", "image": CAT},
    ),
    ("bfl", "flux-2-pro", draw(), "/v1/flux-2-pro", {"prompt": "a cat"}),
    (
        "bfl", "flux-2-max", draw(size="1024x768", seed=7, output_format=PNG, moderation="5"), "/v1/flux-2-max",
        {
            "prompt": "a cat", "width": 1024, "height": 768, "seed": 7, "output_format": "png",
            "safety_tolerance": 5,
        },
    ),
    (
        "bfl", "flux-kontext-pro", draw(aspect_ratio="21:9"), "/v1/flux-kontext-pro",
        {"prompt": "a cat", "aspect_ratio": "21:9"},
    ),
    ("bfl", "flux-kontext-pro", draw(aspect_ratio="auto"), "/v1/flux-kontext-pro", {"prompt": "a cat"}),
    (
        "bfl", "flux-kontext-max", change(sources=2, extra='{"prompt_upsampling": true}'), "/v1/flux-kontext-max",
        {"prompt": "green", "input_image": B64, "input_image_2": B64, "prompt_upsampling": True},
    ),
    (
        "bfl", "flux-pro-1.1-ultra", change(aspect_ratio="1:1"), "/v1/flux-pro-1.1-ultra",
        {"prompt": "green", "aspect_ratio": "1:1", "image_prompt": B64},
    ),
    ("bfl", "flux-pro-1.0-fill", change(), "/v1/flux-pro-1.0-fill", {"prompt": "green", "image": B64}),
    (
        "bfl", "flux-tools/outpainting-v1", change(size="100x64"), "/v1/flux-tools/outpainting-v1",
        {"prompt": "green", "input_image": B64, "width": 100, "height": 64},
    ),
    ("bfl", "flux-9/../x", draw(size="70x70"), "/v1/flux-9/%2E%2E/x", {"prompt": "a cat", "width": 70, "height": 70}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "model", "request_", "path", "fields"), SENT)
def test_what_a_path_is_sent(kind: str, model: str, request_: ImageRequest, path: str, fields: dict[str, Any]) -> None:
    assert sent(kind, model, request_) == (path, fields)


MASKED = [
    ("ideogram", "ideogram-v3", f"{V3}/inpaint", b"\0" * 8),
    ("ideogram", "ideogram-4-5", "/v2/image/generate/ideogram-4-5", b"\0" * 8),
    ("stability", "inpaint", f"{STABLE}/edit/inpaint", b"\xff" * 8),
    ("stability", "erase", f"{STABLE}/edit/erase", b"\xff" * 8),
    ("bfl", "flux-pro-1.0-fill", "/v1/flux-pro-1.0-fill", b"\xff" * 8),
    ("bfl", "flux-tools/erase-v1", "/v1/flux-tools/erase-v1", b"\xff" * 8),
]


@pytest.mark.parametrize(("kind", "model", "path", "row"), MASKED)
def test_what_may_change_is_painted_as_the_path_wants_it(kind: str, model: str, path: str, row: bytes) -> None:
    went, fields = sent(kind, model, change(mask=MASK))
    assert went == path
    mask = fields["mask"]
    if isinstance(mask, str):
        mask = b64decode(mask)
    assert grays(mask) == (8, 4, [row] * 4)


WRONG = [
    ("ideogram", "ideogram-v3", draw(size="1000x1000"), "options.size", "1024x1024"),
    ("ideogram", "ideogram-v3", draw(aspect_ratio="21:9"), "options.aspect_ratio", "16:9"),
    ("ideogram", "ideogram-v3", draw(size="1024x1024", aspect_ratio="1:1"), "options.aspect_ratio", "not both"),
    ("ideogram", "ideogram-v3", draw(quality="high"), "options.quality", "flash, turbo, default, quality"),
    ("ideogram", "ideogram-v3", draw(n=9), "options.n", "at most 8"),
    ("ideogram", "ideogram-v3", draw(seed=-1), "options.seed", "0 to 2147483647"),
    ("ideogram", "ideogram-v3-reframe", change(), "options.size", "needs one"),
    ("ideogram", "ideogram-v3", change(sources=2), "images", "at most 1 image"),
    ("stability", "core", draw(aspect_ratio="7:1"), "options.aspect_ratio", "21:9"),
    ("stability", "core", draw(style="baroque"), "options.style", "analog-film"),
    ("stability", "core", draw("x" * 10_001), "prompt", "10000 characters"),
    ("stability", "core", draw(negative_prompt="x" * 10_001), "options.negative_prompt", "10000 characters"),
    ("stability", "remove-background", change(output_format=JPEG), "options.output_format", "png, webp"),
    ("bfl", "flux-2-pro", draw(size="1000x1000"), "options.size", "divisible by 16"),
    ("bfl", "flux-2-pro", draw(size="2048x2064"), "options.size", "2048x2048"),
    ("bfl", "flux-pro-1.1", draw(size="1472x1024"), "options.size", "from 256 to 1440"),
    ("bfl", "flux-kontext-pro", draw(aspect_ratio="3:1"), "options.aspect_ratio", "21:9 to 9:21"),
    ("bfl", "flux-kontext-pro", draw(aspect_ratio="0:0"), "options.aspect_ratio", "21:9 to 9:21"),
    ("bfl", "flux-2-pro", draw(moderation="low"), "options.moderation", "0, 1, 2, 3, 4, 5"),
    ("bfl", "flux-2-klein-4b", change(sources=5), "images", "at most 4 images"),
    ("bfl", "flux-tools/erase-v1", change(), "mask", "needs one"),
    ("bfl", "flux-pro-1.0-fill", change(mask=CAT), "mask", "no see-through pixels"),
    ("bfl", "flux-2-pro", change(extra='{"webhook_url": "https://x"}'), "gateway.extra_body_json", "webhook_url"),
    ("stability", "sd3.5-large", change(extra='{"mode": "x"}'), "gateway.extra_body_json", "mode"),
]


@pytest.mark.parametrize(("kind", "model", "request_", "field", "allowed"), WRONG)
def test_what_is_wrong_is_named_with_what_is_allowed(
    kind: str, model: str, request_: ImageRequest, field: str, allowed: str
) -> None:
    with pytest.raises(InvalidArgument) as raised:
        encoded(kind, model, request_)
    assert [one.field for one in raised.value.fields] == [field]
    assert allowed in raised.value.message


REFUSED = [
    ("ideogram", "ideogram-v3", draw(output_format=JPEG), "options.output_format"),
    ("ideogram", "ideogram-v3", change(mask=MASK, negative_prompt="dogs"), "options.negative_prompt"),
    ("ideogram", "ideogram-v4", change(mask=MASK), "mask"),
    ("ideogram", "ideogram-v3-reframe", draw(), "model"),
    ("ideogram", "ideogram-v3-reframe", change(mask=MASK, size="1024x1024"), "mask"),
    ("ideogram", "ideogram-4-5", draw(background=pb.IMAGE_BACKGROUND_TRANSPARENT), "options.background"),
    ("stability", "core", draw(size="1024x1024"), "options.size"),
    ("stability", "core", change(), "model"),
    ("stability", "inpaint", draw(), "model"),
    ("stability", "ultra", change(mask=MASK), "mask"),
    ("bfl", "flux-2-pro", draw(aspect_ratio="1:1"), "options.aspect_ratio"),
    ("bfl", "flux-2-pro", draw(negative_prompt="dogs"), "options.negative_prompt"),
    ("bfl", "flux-kontext-pro", draw(size="1024x1024"), "options.size"),
    ("bfl", "flux-2-pro", change(mask=MASK), "mask"),
    ("bfl", "flux-pro-1.0-fill", draw(), "model"),
    ("bfl", "flux-2-pro", pb.EditImagesRequest(prompt="x", images=[media_pb2.Media(file_id="f")]), "images[0].file_id"),
]


@pytest.mark.parametrize(("kind", "model", "request_", "field"), REFUSED)
def test_what_a_model_cannot_do_is_refused_by_name(kind: str, model: str, request_: ImageRequest, field: str) -> None:
    with pytest.raises(UnsupportedByProvider) as raised:
        encoded(kind, model, request_)
    assert raised.value.metadata["field"] == field


@pytest.mark.parametrize(
    ("kind", "model", "dropped"),
    [
        ("ideogram", "ideogram-v3", ("options.output_compression", "options.moderation", "user")),
        ("ideogram", "ideogram-9", ("options.quality", "options.output_compression", "options.moderation", "user")),
        ("stability", "core", ("options.quality", "options.output_compression", "options.moderation", "user")),
        ("bfl", "flux-kontext-pro", ("options.quality", "options.output_compression")),
    ],
)
def test_knobs_that_a_path_lacks_are_dropped_and_listed(kind: str, model: str, dropped: tuple[str, ...]) -> None:
    request = draw(quality="default", moderation="0", output_compression=50)
    request.user = "u"
    assert encoded(kind, model, request).adjusted_fields == dropped
    request.gateway.strict_parameters = True
    with pytest.raises(InvalidArgument, match="strict_parameters"):
        encoded(kind, model, request)


def test_a_prompt_nobody_reads_and_an_address_nobody_gives_are_listed() -> None:
    erased = encoded("stability", "erase", change(mask=MASK))
    assert erased.adjusted_fields == ("prompt",)
    by_url = draw(delivery=pb.IMAGE_DELIVERY_URL)
    assert encoded("stability", "core", by_url).adjusted_fields == ("options.delivery",)
    assert encoded("ideogram", "ideogram-v3", by_url).adjusted_fields == ()


def test_capabilities() -> None:
    told = {
        ("ideogram", "ideogram-v3"): ("image", "image_edit"),
        ("ideogram", "ideogram-v3-reframe"): ("image_edit",),
        ("ideogram", "ideogram-v4"): ("image", "image_edit"),
        ("ideogram", "ideogram-9"): (),
        ("stability", "core"): ("image",),
        ("stability", "sd3.5-flash"): ("image", "image_edit"),
        ("stability", "stable-image-erase"): ("image_edit",),
        ("bfl", "flux-2-klein-9b"): ("image", "image_edit"),
        ("bfl", "flux-tools/erase-v1"): ("image_edit",),
        ("bfl", "what"): (),
    }
    assert {(kind, model): CODECS[kind].capabilities(model) for kind, model in told} == told
