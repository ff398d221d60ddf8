"""Stability's models at Bedrock, whose fields are those of its own API, in JSON.

https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-stability-diffusion.html and
https://docs.aws.amazon.com/bedrock/latest/userguide/stable-image-services.html
"""

import re
from dataclasses import replace
from typing import Any

from server.wire.bedrock.image_task import INVOKE, Task
from server.wire.images.rows import ImageModel
from server.wire.stability.ways import EDIT, GENERATE, OWNED, RATIOS, spell

_DRAW = replace(GENERATE, fields=GENERATE.fields - {"style"}, styles=(), formats=("png", "jpeg"))
_PLAIN = frozenset({"seed", "output_format"})
_SD3 = r"sd3.*"


def _task(model: str, row: ImageModel, **more: Any) -> Task:
    named = replace(row, pattern=re.compile(rf"stability\.{model}"))
    return Task(row=named, path=INVOKE, spell=spell, owned=OWNED, **more)


def _service(model: str, row: ImageModel = EDIT, **more: Any) -> Task:
    return _task(rf"stable-{model}-v\d.*", row, **more)


def _taking(*fields: str) -> ImageModel:
    return replace(EDIT, fields=frozenset(fields))


TASKS: tuple[Task, ...] = (
    _task(r"stable-image-(core|ultra)-v\d.*", _DRAW),
    _task(_SD3, _DRAW),
    _task(
        _SD3,
        replace(_DRAW, fields=_DRAW.fields - {"aspect_ratio"}, generates=False, edits=True),
        sends={"mode": "image-to-image"},
        # It must be told how far to go: 0 is the source itself, 1 knows nothing of it.
        unless_told={"strength": "0.5"},
    ),
    # White is what may change. Without a mask, the source's own see-through pixels may.
    _service("image-inpaint", replace(EDIT, fields=EDIT.fields | {"mask"}), marks="white"),
    _service("image-erase-object", _taking(*_PLAIN, "mask"), marks="white", prompt=""),
    _service("outpaint", _taking(*_PLAIN, "style")),
    _service("image-search-(replace|recolor)"),
    _service("image-remove-background", _taking("output_format"), prompt=""),
    _service("image-control-(sketch|structure)"),
    _service("image-style-guide", replace(EDIT, fields=EDIT.fields | {"aspect_ratio"}, ratios=RATIOS)),
    _service(
        "style-transfer",
        replace(_taking(*_PLAIN, "negative_prompt"), max_sources=2),
        sources=("init_image", "style_image"),
    ),
    _service("creative-upscale"),
    _service("conservative-upscale", _taking(*_PLAIN, "negative_prompt")),
    _service("fast-upscale", _taking("output_format"), prompt=""),
)
