"""BFL's paths and what each takes: https://docs.bfl.ai/api-reference and its published schema. A path is its model."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.errors import InvalidArgument
from server.wire.images.rows import ImageModel, SizeRule
from server.wire.images.ways import Way

_COMMON = frozenset({"seed", "output_format", "moderation", "user"})
_SIZED = _COMMON | {"size"}
_WIDEST = 21 / 9

OWNED = frozenset(
    {
        "prompt", "input_image", *(f"input_image_{number}" for number in range(2, 9)), "image_prompt", "image", "mask",
        "width", "height", "aspect_ratio", "seed", "output_format", "safety_tolerance", "user", "webhook_url",
        "webhook_secret",
    }
)  # fmt: skip
"""Fields that the contract has or the hub decides. The others (prompt_upsampling, disable_pup, guidance, steps, raw,
dilate_pixels…) are the caller's, by gateway.extra_body_json."""


def spell(name: str, value: Any) -> Mapping[str, Any]:
    """See images.options.Spelling."""
    match name:
        case "size":
            width, _, height = value.partition("x")
            return {"width": int(width), "height": int(height)}
        case "moderation":
            return {"safety_tolerance": int(value)}
        case "aspect_ratio" if value == "auto":
            return {}  # what the model does unasked
        case "aspect_ratio":
            across, down = (float(part) for part in value.split(":"))
            if not (across and down and 1 / _WIDEST <= across / down <= _WIDEST):
                raise InvalidArgument.field("options.aspect_ratio", "takes ratios from 21:9 to 9:21")
            return {name: value}
        case _:
            return {name: value}


def _whole_tiles(tile: int, least: int, most: int) -> SizeRule:
    def fits(width: int, height: int) -> bool:
        return not (width % tile or height % tile) and least <= min(width, height) and max(width, height) <= most

    return SizeRule(fits, f"WIDTHxHEIGHT with both divisible by {tile}, from {least} to {most}")


def _fits_flux_2(width: int, height: int) -> bool:
    return not (width % 16 or height % 16) and min(width, height) >= 64 and width * height <= 2048 * 2048


_FLUX_2 = ImageModel(
    re.compile(r"flux-2-.*"),
    _SIZED,
    size_rule=SizeRule(
        _fits_flux_2, "WIDTHxHEIGHT with both divisible by 16, 64 at least and of at most 2048x2048 in all"
    ),
    moderations=tuple("012345"),
    formats=("jpeg", "png", "webp"),
    max_n=1,
    bytes=False,
    max_sources=8,
    source_types=("image/png", "image/jpeg", "image/webp"),
    max_source_bytes=20_000_000,
    max_source_pixels=20_000_000,
)
_FLUX_1 = replace(
    _FLUX_2,
    pattern=re.compile(r"flux-(pro-1\.1|dev)"),
    size_rule=_whole_tiles(32, 256, 1440),
    moderations=tuple("0123456"),
    max_sources=1,
)
_RATIOS = replace(_FLUX_1, fields=_COMMON | {"aspect_ratio"}, size_rule=None)
_EDIT = replace(_FLUX_1, fields=_COMMON, size_rule=None, generates=False)


def _way(row: ImageModel, source: str, **more: Any) -> Way:
    return Way(row, "/v1/{model}", source=source, spell=spell, **more)


WAYS: tuple[Way, ...] = (
    _way(replace(_FLUX_2, pattern=re.compile(r"flux-2-klein.*"), max_sources=4), "input_image"),
    _way(_FLUX_2, "input_image"),
    _way(replace(_RATIOS, pattern=re.compile(r"flux-kontext-.*"), max_sources=4), "input_image"),
    # What these three are given is remixed after the prompt.
    _way(replace(_RATIOS, pattern=re.compile(r"flux-pro-1\.1-ultra")), "image_prompt"),
    _way(_FLUX_1, "image_prompt"),
    # White is what may change. Without a mask, the source's own see-through pixels may.
    _way(replace(_EDIT, pattern=re.compile(r"flux-pro-1\.0-fill"), fields=_COMMON | {"mask"}), "image", marks="white"),
    _way(replace(_EDIT, pattern=re.compile(r"flux-pro-1\.0-expand")), "image"),
    _way(
        replace(
            _EDIT,
            pattern=re.compile(r"flux-tools/erase-v\d+"),
            fields=_COMMON | {"mask"},
            moderations=_FLUX_2.moderations,
        ),
        "image",
        prompt="",
        marks="white",
        mask_required=True,
    ),
    _way(
        replace(
            _EDIT,
            pattern=re.compile(r"flux-tools/outpainting-v\d+"),
            fields=frozenset({"size", "output_format"}),
            size_rule=_whole_tiles(1, 64, 4096),
        ),
        "input_image",
        requires=("size",),
    ),
    # A path that nobody here has heard of.
    _way(replace(_FLUX_2, pattern=re.compile(""), size_rule=None, moderations=(), known=False), "input_image"),
)
