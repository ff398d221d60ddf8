"""Amazon's models that draw: Nova Canvas and Titan Image Generator.

https://docs.aws.amazon.com/nova/latest/userguide/image-gen-access.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-image.html
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from server.wire.bedrock.image_task import INVOKE, Task
from server.wire.images.rows import ImageModel, SizeRule

_NAMES = {"n": "numberOfImages", "negative_prompt": "negativeText"}
_OPTIONS = frozenset({"n", "size", "quality", "negative_prompt", "seed"})
_UNSIZED = _OPTIONS - {"size"}
_TITAN_SIZES = (
    *("1024x1024", "768x768", "512x512", "768x1152", "384x576", "1152x768", "576x384", "768x1280", "384x640"),
    *("1280x768", "640x384", "896x1152", "448x576", "1152x896", "576x448", "768x1408", "384x704", "1408x768"),
    *("704x384", "640x1408", "320x704", "1408x640", "704x320", "1152x640", "1173x640"),
)


def _spell(name: str, value: Any) -> Mapping[str, Any]:
    if name != "size":
        return {_NAMES.get(name, name): value}
    width, height = map(int, value.split("x"))
    return {"width": width, "height": height}


def _nova_draws(width: int, height: int) -> bool:
    sides = (width, height)
    return all(320 <= side <= 4096 and side % 16 == 0 for side in sides) and max(sides) <= 4 * min(sides)


_NOVA = ImageModel(
    re.compile(r"amazon\.nova-canvas-.+"),
    _OPTIONS,
    size_rule=SizeRule(_nova_draws, "sides of 320 to 4096 in steps of 16, the longer at most four times the other"),
    qualities=("standard", "premium"),
    styles=(
        *("3D_ANIMATED_FAMILY_FILM", "DESIGN_SKETCH", "FLAT_VECTOR_ILLUSTRATION", "GRAPHIC_NOVEL_ILLUSTRATION"),
        *("MAXIMALISM", "MIDCENTURY_RETRO", "PHOTOREALISM", "SOFT_DIGITAL_PAINTING"),
    ),
    formats=("png",),
    max_n=5,
    max_prompt=1024,
    max_seed=858_993_459,
    urls=False,
    max_sources=5,
    source_types=("image/png", "image/jpeg"),
)
_TITAN = replace(
    _NOVA,
    pattern=re.compile(r"amazon\.titan-image-generator-v1.*"),
    sizes=_TITAN_SIZES,
    size_rule=None,
    styles=(),
    max_prompt=512,
    max_seed=2_147_483_646,
)


def _drawing(row: ImageModel, task: str, params: str, **more: Any) -> Task:
    drawn = replace(row, edits=False)
    return Task(row=drawn, path=INVOKE, prompt="text", spell=_spell, task=task, params=params, **more)


def _editing(row: ImageModel, task: str, params: str, **more: Any) -> Task:
    return replace(_drawing(row, task, params, **more), row=replace(row, generates=False))


def _masked(row: ImageModel, task: str, params: str, *, marks: str, unasked: bool = False) -> Task:
    # Without one the caller may describe it, by maskPrompt. The answer is as large as its source.
    masked = replace(row, fields=_UNSIZED | {"mask"}, max_sources=1)
    return _editing(masked, task, params, marks=marks, mask="maskImage", grays=False, unasked=unasked)


def _usual(row: ImageModel) -> tuple[Task, ...]:
    styled = replace(row, fields=_OPTIONS | {"style"}) if row.styles else row
    return (
        _drawing(styled, "TEXT_IMAGE", "textToImageParams"),
        _editing(row, "IMAGE_VARIATION", "imageVariationParams", sources=("images[]",)),
        # What is black is inside the mask: that is changed by the one, and kept by the other.
        _masked(row, "INPAINTING", "inPaintingParams", marks="black", unasked=True),
        _masked(row, "OUTPAINTING", "outPaintingParams", marks="white"),
    )


def _later(row: ImageModel) -> tuple[Task, ...]:
    one = replace(row, max_sources=1)
    colors = ("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams")
    return (
        _editing(one, "TEXT_IMAGE", "textToImageParams", sources=("conditionImage",), unasked=False),
        _drawing(row, *colors, unasked=False),
        _editing(one, *colors, sources=("referenceImage",), unasked=False),
        replace(
            _editing(replace(one, fields=frozenset()), "BACKGROUND_REMOVAL", "backgroundRemovalParams", unasked=False),
            prompt="",
        ),
    )


_TITAN_2 = replace(_TITAN, pattern=re.compile(r"amazon\.titan-image-generator-v2.*"))
_TRIED_ON = replace(_NOVA, fields=_UNSIZED - {"negative_prompt"}, max_sources=2)

TASKS: tuple[Task, ...] = (
    *_usual(_NOVA),
    *_later(_NOVA),
    replace(
        _editing(
            _TRIED_ON,
            "VIRTUAL_TRY_ON",
            "virtualTryOnParams",
            sources=("sourceImage", "referenceImage"),
            unasked=False,
        ),
        prompt="",
    ),
    *_usual(_TITAN),
    *_usual(_TITAN_2),
    *_later(_TITAN_2),
)
