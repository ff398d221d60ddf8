"""Stability's paths and what each takes: https://platform.stability.ai/docs/api-reference and its published schema.

A model is the last part of a path, with or without ``stable-image-`` before it; the Stable Diffusion models share one.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.wire.images.rows import ImageModel
from server.wire.images.ways import Way

RATIOS = ("1:1", "16:9", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21")
_STYLES = (
    *("3d-model", "analog-film", "anime", "cinematic", "comic-book", "digital-art", "enhance", "fantasy-art"),
    *("isometric", "line-art", "low-poly", "modeling-compound", "neon-punk", "origami", "photographic", "pixel-art"),
    "tile-texture",
)
_DRAWS = frozenset({"negative_prompt", "aspect_ratio", "seed", "output_format", "style"})
_EDITS = frozenset({"negative_prompt", "seed", "output_format", "style"})

OWNED = frozenset(
    {
        "prompt", "image", "mask", "negative_prompt", "aspect_ratio", "seed", "output_format", "style_preset", "model",
        "mode",
    }
)  # fmt: skip
"""Fields that the contract has or the hub decides. The others (strength, search_prompt, left, grow_mask…) are the
caller's, by gateway.extra_body_json."""


def spell(name: str, value: Any) -> Mapping[str, Any]:
    """See Way.spell."""
    return {"style_preset" if name == "style" else name: value}


def _model(name: str) -> re.Pattern[str]:
    return re.compile(rf"(stable-image-)?{name}")


GENERATE = ImageModel(
    _model("core"),
    _DRAWS,
    edits=False,
    ratios=RATIOS,
    styles=_STYLES,
    formats=("png", "jpeg", "webp"),
    max_n=1,
    max_prompt=10_000,
    max_seed=4_294_967_294,
    urls=False,
    max_sources=1,
    source_types=("image/png", "image/jpeg", "image/webp"),
    max_source_bytes=10_000_000,
    max_source_pixels=9_437_184,
)
"""What Core draws; others differ in little."""
EDIT = replace(GENERATE, fields=_EDITS, generates=False, edits=True, ratios=())
"""Likewise of edits."""
_CORE = Way(GENERATE, "/v2beta/stable-image/generate/core", spell=spell)
_SD3 = re.compile(r"sd3\.?\d?-.+")
_HALFWAY = {"strength": "0.5"}
"""How far from its source an image may go, which the path demands: 0 is the source itself, 1 knows nothing of it."""


def _edit(name: str, **more: Any) -> Way:
    return Way(replace(EDIT, pattern=_model(name)), f"/v2beta/stable-image/edit/{name}", spell=spell, **more)


def _masked(way: Way) -> Way:
    # White is what may change. Without a mask, the source's own see-through pixels may.
    return replace(way, row=replace(way.row, fields=way.row.fields | {"mask"}), marks="white")


def _unprompted(way: Way, *fields: str, **more: Any) -> Way:
    return replace(way, row=replace(way.row, fields=frozenset(fields), **more), prompt="")


WAYS: tuple[Way, ...] = (
    _CORE,
    Way(replace(GENERATE, pattern=_model("ultra")), "/v2beta/stable-image/generate/ultra", spell=spell),
    Way(
        replace(EDIT, pattern=_model("ultra"), fields=_DRAWS, ratios=RATIOS),
        "/v2beta/stable-image/generate/ultra",
        unless_told=_HALFWAY,
        spell=spell,
    ),
    Way(
        replace(GENERATE, pattern=_SD3),
        "/v2beta/stable-image/generate/sd3",
        sends={"model": "{model}"},
        spell=spell,
    ),
    Way(
        replace(EDIT, pattern=_SD3),
        "/v2beta/stable-image/generate/sd3",
        sends={"model": "{model}", "mode": "image-to-image"},
        unless_told=_HALFWAY,
        spell=spell,
    ),
    _masked(_edit("inpaint")),
    _masked(_unprompted(_edit("erase"), "seed", "output_format")),
    _edit("outpaint"),
    _edit("search-and-replace"),
    _edit("search-and-recolor"),
    _unprompted(_edit("remove-background"), "output_format", formats=("png", "webp"), max_source_pixels=4_194_304),
    # A name nobody here has heard of is a model of the path for several.
    Way(
        replace(GENERATE, pattern=re.compile(""), known=False),
        "/v2beta/stable-image/generate/sd3",
        sends={"model": "{model}"},
        spell=spell,
    ),
)
