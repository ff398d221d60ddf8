"""What Google's image models take, one row a family, by host.

Gemini: https://ai.google.dev/gemini-api/docs/image-generation#aspect_ratios_and_image_size. Imagen:
https://ai.google.dev/gemini-api/docs/imagen and
https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from server.wire.images.rows import ImageModel

Rows = tuple[ImageModel, ...]

# Pixels of the class 1K by ratio; 2K and 4K are two and four times as long and wide.
_FLASH_2_5 = {
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:2": (1248, 832),
    "3:4": (864, 1184),
    "4:3": (1184, 864),
    "4:5": (896, 1152),
    "5:4": (1152, 896),
    "9:16": (768, 1344),
    "16:9": (1344, 768),
    "21:9": (1536, 672),
}
_GEMINI_3 = {
    "1:1": (1024, 1024),
    "2:3": (848, 1264),
    "3:2": (1264, 848),
    "3:4": (896, 1200),
    "4:3": (1200, 896),
    "4:5": (928, 1152),
    "5:4": (1152, 928),
    "9:16": (768, 1376),
    "16:9": (1376, 768),
    "21:9": (1584, 672),
}
_LONG_RATIOS = ("1:4", "4:1", "1:8", "8:1")
_CLASSES = {"1K": 1, "2K": 2, "4K": 4}
_HALF = "0.5K"

_SIZES_OF_2_5 = {f"{width}x{height}": (ratio, "") for ratio, (width, height) in _FLASH_2_5.items()}
_SIZES_OF_3 = {
    f"{width * times}x{height * times}": (ratio, name)
    for ratio, (width, height) in _GEMINI_3.items()
    for name, times in _CLASSES.items()
}
_PIXELS: Mapping[str, tuple[str, str]] = {**_SIZES_OF_2_5, **_SIZES_OF_3, "1024x1024": ("1:1", "")}


def shape_of(size: str) -> tuple[str, str]:
    """A size as the format has it: ratio and class, each empty where the model's own will do."""
    if size in _PIXELS:
        return _PIXELS[size]
    return "", "512" if size == _HALF else size


_DRAWS = frozenset({"size", "aspect_ratio", "seed"})
_SOURCES = ("image/png", "image/jpeg", "image/webp")
_GEMINI = ImageModel(
    re.compile(r"gemini-3-pro-image|nano-banana-pro"),
    _DRAWS,
    sizes=(*_CLASSES, *_SIZES_OF_3),
    ratios=tuple(_GEMINI_3),
    max_n=1,
    urls=False,
    max_sources=14,
    source_types=_SOURCES,
)
_GEMINI_ROWS: Rows = (
    _GEMINI,
    replace(
        _GEMINI,
        pattern=re.compile(r"gemini-3\.\d+-flash-lite-image"),
        fields=frozenset({"aspect_ratio", "seed"}),
        sizes=(),
        ratios=(*_GEMINI_3, *_LONG_RATIOS),
    ),
    replace(
        _GEMINI,
        pattern=re.compile(r"gemini-3\.\d+-flash-image"),
        sizes=(_HALF, *_CLASSES, *_SIZES_OF_3),
        ratios=(*_GEMINI_3, *_LONG_RATIOS),
    ),
    replace(
        _GEMINI,
        pattern=re.compile(r"gemini-2\.5-flash-image"),
        sizes=tuple(_SIZES_OF_2_5),
        ratios=tuple(_FLASH_2_5),
        formats=("png",),
    ),
    # They draw as they like, and only where they may speak as well.
    replace(_GEMINI, pattern=re.compile(r"gemini-2\.0-flash.*image"), fields=frozenset({"seed"}), sizes=(), ratios=()),
    replace(_GEMINI, pattern=re.compile(r"gemini-.*image"), sizes=(_HALF, *_CLASSES), ratios=()),
)
# A name nobody here has heard of is a Gemini that draws.
_OTHERS = replace(_GEMINI_ROWS[-1], pattern=re.compile(""), known=False)

_IMAGEN_FIELDS = frozenset({"n", "size", "aspect_ratio", "output_format", "output_compression"})
_IMAGEN = ImageModel(
    re.compile(r"imagen-\d.*-fast|imagen-3|imagegeneration"),
    _IMAGEN_FIELDS - {"size"},
    edits=False,
    ratios=("1:1", "3:4", "4:3", "9:16", "16:9"),
    formats=("png", "jpeg"),
    max_n=4,
    max_seed=2**32 - 1,
    urls=False,
)
_IMAGEN_ROWS: Rows = (
    _IMAGEN,
    replace(_IMAGEN, pattern=re.compile("imagen"), fields=_IMAGEN_FIELDS, sizes=("1K", "2K")),
)
_CAPABILITY = replace(
    # https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api-edit
    _IMAGEN,
    pattern=re.compile(r"imagen-3\.0-capability"),
    fields=frozenset({"n", "output_format", "output_compression", "negative_prompt", "seed", "mask"}),
    generates=False,
    edits=True,
    ratios=(),
    max_sources=4,
    source_types=("image/png", "image/jpeg"),
)


def _with(rows: Iterable[ImageModel], *fields: str, formats: tuple[str, ...]) -> Rows:
    return tuple(replace(row, fields=row.fields | set(fields), formats=formats) for row in rows)


GEMINI_ROWS: Rows = (*_GEMINI_ROWS, *_IMAGEN_ROWS, _OTHERS)
VERTEX_ROWS: Rows = (
    *_with(_GEMINI_ROWS, "output_format", "output_compression", formats=("png", "jpeg")),
    _CAPABILITY,
    *_with(_IMAGEN_ROWS, "negative_prompt", "seed", formats=("png", "jpeg")),
    *_with((_OTHERS,), "output_format", "output_compression", formats=("png", "jpeg")),
)


def is_imagen(model: str) -> bool:
    """Whether the model is asked by ``:predict``."""
    return model.startswith(("imagen", "imagegeneration"))
