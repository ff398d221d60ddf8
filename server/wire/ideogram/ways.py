"""Ideogram's paths and what each takes: https://developer.ideogram.ai/api-reference.

An edit of ``ideogram-v3`` with a mask is its inpaint, one without its remix; ``-reframe`` and ``-replace-background``
after the name are its other two. Version 4.5 draws and edits by one path.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aignehub.v1 import image_service_pb2 as pb

from server.wire.images.rows import ImageModel
from server.wire.images.ways import Way
from server.wire.pictures import ImageRequest

_RATIOS = (
    *("1:1", "1:2", "2:1", "1:3", "3:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4"),
    *("9:16", "16:9", "10:16", "16:10"),
)
_SIDES: Mapping[int, tuple[int, ...]] = {
    512: (1536,),
    576: (1408, 1472, 1536),
    640: (1344, 1408, 1472, 1536),
    704: (1152, 1216, 1280, 1344, 1408, 1472),
    736: (1312,),
    768: (1088, 1216, 1280, 1344),
    800: (1280,),
    832: (960, 1024, 1088, 1152, 1216, 1248),
    864: (1152,),
    896: (960, 1024, 1088, 1120, 1152),
    960: (1024, 1088),
}
_PORTRAITS = tuple((short, long) for short, longs in _SIDES.items() for long in longs)
_RESOLUTIONS = (
    "1024x1024",
    *(f"{short}x{long}" for short, long in _PORTRAITS),
    *(f"{long}x{short}" for short, long in _PORTRAITS),
)
_V3_NAMES: Mapping[str, str] = {
    "n": "num_images",
    "size": "resolution",
    "quality": "rendering_speed",
    "style": "style_type",
}

OWNED = frozenset(
    {
        "prompt", "text_prompt", "image", "images", "mask", "num_images", "resolution", "size", "aspect_ratio",
        "rendering_speed", "quality", "style_type", "seed", "negative_prompt", "async", "webhook_url", "dry_run",
    }
)  # fmt: skip
"""Fields that the contract has or the hub decides. The others (magic_prompt, style_preset, style_codes,
color_palette, image_weight…) are the caller's, by gateway.extra_body_json."""


def _v3_spell(name: str, value: Any) -> Mapping[str, Any]:
    match name:
        case "aspect_ratio":
            return {name: value.replace(":", "x")}
        case "quality" | "style":
            return {_V3_NAMES[name]: value.upper()}
        case "background":
            return {}  # the path says it
        case _:
            return {_V3_NAMES.get(name, name): value}


def _v2_spell(name: str, value: Any) -> Mapping[str, Any]:
    return {"num_images" if name == "n" else name: value}


def _transparent(request: ImageRequest) -> bool:
    return request.options.background == pb.IMAGE_BACKGROUND_TRANSPARENT


_V3 = re.compile(r"ideogram-v?3(\.0)?")
_GENERATE = ImageModel(
    _V3,
    frozenset({"n", "size", "aspect_ratio", "quality", "style", "seed", "negative_prompt"}),
    edits=False,
    sizes=_RESOLUTIONS,
    ratios=_RATIOS,
    size_or_ratio=True,
    qualities=("flash", "turbo", "default", "quality"),
    styles=("auto", "general", "realistic", "design", "fiction"),
    formats=("png",),
    max_n=8,
    max_seed=2_147_483_647,
    bytes=False,
    max_sources=1,
    source_types=("image/png", "image/jpeg", "image/webp"),
    max_source_bytes=25_000_000,
)
_EDIT = replace(_GENERATE, generates=False, edits=True)


def _v3(row: ImageModel, action: str, *fields: str, suffix: bool = False, **more: Any) -> Way:
    pattern = re.compile(f"{_V3.pattern}-{action}") if suffix else _V3
    row = replace(row, pattern=pattern, fields=frozenset(fields) if fields else row.fields)
    return Way(row, f"/v1/ideogram-v3/{action}", spell=_v3_spell, **more)


_V4_5 = ImageModel(
    re.compile(r"ideogram-v?4[-.]5"),
    frozenset({"n", "size", "quality", "seed", "mask"}),
    qualities=("very_low", "low", "medium", "high"),
    formats=("png",),
    max_n=8,
    bytes=False,
    max_sources=5,
    source_types=_GENERATE.source_types,
    max_source_bytes=25_000_000,
)

_V4 = replace(
    _GENERATE,
    pattern=re.compile(r"ideogram-v?4(\.0)?"),
    fields=frozenset({"size", "quality"}),
    sizes=(),
    qualities=("turbo", "default", "quality"),
    max_n=1,
)
_NEWER = replace(_V4_5, fields=frozenset({"n", "seed"}), max_sources=1, known=False)

WAYS: tuple[Way, ...] = (
    _v3(
        replace(_GENERATE, qualities=("turbo", "default", "quality")),
        "generate-transparent",
        *("n", "aspect_ratio", "quality", "seed", "negative_prompt", "background"),
        only=_transparent,
    ),
    _v3(_GENERATE, "generate"),
    # Black is what may change. Its older name, /edit, is to be removed: the reference says so.
    _v3(_EDIT, "inpaint", "n", "quality", "style", "seed", "mask", marks="black", mask_required=True),
    _v3(_EDIT, "remix"),
    _v3(_EDIT, "reframe", "n", "size", "quality", "seed", suffix=True, prompt="", requires=("size",)),
    _v3(_EDIT, "replace-background", "n", "quality", "style", "seed", suffix=True),
    Way(_V4, "/v1/ideogram-v4/generate", prompt="text_prompt", spell=_v3_spell),
    Way(replace(_V4, generates=False, edits=True), "/v1/ideogram-v4/remix", prompt="text_prompt", spell=_v3_spell),
    Way(_V4_5, "/v2/image/generate/ideogram-4-5", source="images", marks="black", spell=_v2_spell),
    # Every path of version 2 ends in its model: https://developer.ideogram.ai/ideogram-api/api-overview
    Way(replace(_NEWER, edits=False), "/v2/image/generate/{model}", spell=_v2_spell),
    Way(replace(_NEWER, generates=False), "/v2/image/remix/{model}", spell=_v2_spell),
)
