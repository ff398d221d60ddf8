"""What each image model takes: one row a family, the first whose pattern matches the model's name.

OpenAI: https://platform.openai.com/docs/api-reference/images and its published schema. A field that a row does not
list is not sent. Ranges that a vendor does not state are left to the vendor.
"""

import re
from dataclasses import replace

from server.wire.images.rows import ImageModel, SizeRule

COMMON_FIELDS = frozenset({"n", "size", "user", "delivery"})
"""What every server that calls itself compatible takes."""
ALL_FIELDS = COMMON_FIELDS | {
    "quality",
    "style",
    "background",
    "output_format",
    "output_compression",
    "moderation",
    "partial_images",
    "input_fidelity",
    "mask",
    "seed",
    "negative_prompt",
}
_GPT_FIELDS = frozenset(
    {
        "n",
        "size",
        "user",
        "quality",
        "background",
        "output_format",
        "output_compression",
        "moderation",
        "partial_images",
        "input_fidelity",
        "mask",
    }
)


def _fits_gpt_image_2(width: int, height: int) -> bool:
    if width % 16 or height % 16 or max(width, height) > 3 * min(width, height):
        return False
    return max(width, height) <= 3840 and width * height <= 3840 * 2160


_GPT_SIZES = ("auto", "1024x1024", "1536x1024", "1024x1536")
_GPT_QUALITIES = ("auto", "low", "medium", "high")
_FORMATS = ("png", "jpeg", "webp")
_SOURCES = ("image/png", "image/jpeg", "image/webp")
_MB = 1_000_000

_ANY = re.compile("")

DALL_E_2 = ImageModel(
    re.compile(r"dall-e-2"),
    # https://platform.openai.com/docs/api-reference/images/create: it answers 400 to quality, even to "standard".
    COMMON_FIELDS | {"mask"},
    sizes=("256x256", "512x512", "1024x1024"),
    formats=("png",),
    max_prompt=1_000,
    max_sources=1,
    source_types=("image/png",),
    max_source_bytes=4 * _MB,
)
DALL_E_3 = ImageModel(
    re.compile(r"dall-e-3"),
    COMMON_FIELDS | {"quality", "style"},
    edits=False,
    sizes=("1024x1024", "1792x1024", "1024x1792"),
    qualities=("standard", "hd"),
    styles=("vivid", "natural"),
    formats=("png",),
    max_n=1,
    max_prompt=4_000,
)
GPT_IMAGE_2 = ImageModel(
    re.compile(r"gpt-image-2"),
    _GPT_FIELDS,
    sizes=_GPT_SIZES,
    size_rule=SizeRule(
        _fits_gpt_image_2,
        "or WIDTHxHEIGHT with both divisible by 16, a ratio between 1:3 and 3:1 and at most 3840x2160",
    ),
    qualities=_GPT_QUALITIES,
    formats=_FORMATS,
    urls=False,
    streams=True,
    source_types=_SOURCES,
    max_source_bytes=50 * _MB,
    reads_urls=True,
)
GPT_IMAGE = ImageModel(
    re.compile(r"gpt-image-1|chatgpt-image"),
    _GPT_FIELDS,
    sizes=_GPT_SIZES,
    qualities=_GPT_QUALITIES,
    formats=_FORMATS,
    urls=False,
    streams=True,
    source_types=_SOURCES,
    max_source_bytes=50 * _MB,
    reads_urls=True,
)

OPENAI = (DALL_E_2, DALL_E_3, GPT_IMAGE_2, GPT_IMAGE, ImageModel(_ANY, ALL_FIELDS, known=False))
"""The last row is for models nobody here has heard of, and for deployments under a name of their own."""

_XAI_RATIOS = (
    *("1:1", "3:4", "4:3", "9:16", "16:9", "2:3", "3:2"),
    *("9:19.5", "19.5:9", "9:20", "20:9", "1:2", "2:1", "auto"),
)


XAI = (
    # https://docs.x.ai/developers/model-capabilities/images/generation: JPEG only, neither size nor style; classes
    # of size are sent as its ``resolution``. grok-2-image takes n and the delivery alone.
    ImageModel(re.compile(r"grok-2-image"), frozenset({"n", "user", "delivery"}), edits=False, formats=("jpeg",)),
    ImageModel(
        re.compile(r"grok-imagine-image-2"),
        frozenset({"n", "size", "aspect_ratio", "quality", "user", "delivery"}),
        sizes=("1K", "2K"),
        ratios=_XAI_RATIOS,
        qualities=("low", "medium"),
        formats=("jpeg",),
        reads_urls=True,
    ),
    ImageModel(
        re.compile(r"grok-imagine-image"),
        frozenset({"n", "size", "aspect_ratio", "user", "delivery"}),
        sizes=("1K", "2K"),
        ratios=_XAI_RATIOS,
        formats=("jpeg",),
        reads_urls=True,
    ),
    ImageModel(_ANY, frozenset({"n", "user", "delivery"}), known=False, reads_urls=True),
)

OPENROUTER = (
    # https://openrouter.ai/docs/api-reference/images and its published schema: one surface for all models, which
    # it narrows itself for each; bytes only, sources as input_references, masks nowhere.
    ImageModel(
        _ANY,
        frozenset(
            {
                "n",
                "size",
                "aspect_ratio",
                "quality",
                "background",
                "output_format",
                "output_compression",
                "seed",
            }
        ),
        known=False,
        qualities=_GPT_QUALITIES,
        formats=_FORMATS,
        urls=False,
        streams=True,
        reads_urls=True,
    ),
)

TOGETHER = (
    # https://docs.together.ai/reference/post-images-generations: width and height, no user, PNG or JPEG.
    ImageModel(
        _ANY,
        frozenset({"n", "size", "output_format", "seed", "negative_prompt", "delivery"}),
        known=False,
        formats=("jpeg", "png"),
        reads_urls=True,
    ),
)


def _seedream_rule(least: int, most: int) -> SizeRule:
    """Pixels in all, at a ratio of at most 16."""

    def fits(width: int, height: int) -> bool:
        return least <= width * height <= most and max(width, height) <= 16 * min(width, height)

    return SizeRule(fits, f"or WIDTHxHEIGHT of {least} to {most} pixels and a ratio between 1:16 and 16:1")


_SEEDREAM = ImageModel(
    re.compile(r"(doubao-)?seedream-[4-9]"),
    frozenset({"size", "delivery"}),
    formats=("jpeg",),
    max_n=1,
    max_sources=14,
    max_source_bytes=10 * _MB,
    max_source_pixels=6000 * 6000,
    reads_urls=True,
)
DOUBAO = (
    # https://www.volcengine.com/docs/82379/1541523: one image a call (a group of them is the model's own choice, by
    # sequential_image_generation), sources in the same body. Its watermark is on unless told off.
    ImageModel(
        # It draws in the size of its source.
        re.compile(r"(doubao-)?seededit-3"),
        frozenset({"seed", "delivery"}),
        generates=False,
        formats=("jpeg",),
        max_n=1,
        max_sources=1,
        max_source_bytes=10 * _MB,
        reads_urls=True,
    ),
    ImageModel(
        re.compile(r"(doubao-)?seedream-3"),
        frozenset({"size", "seed", "delivery"}),
        edits=False,
        size_rule=SizeRule(
            lambda width, height: min(width, height) >= 512 and max(width, height) <= 2048,
            "WIDTHxHEIGHT from 512x512 to 2048x2048",
        ),
        formats=("jpeg",),
        max_n=1,
    ),
    replace(
        _SEEDREAM,
        pattern=re.compile(r"(doubao-)?seedream-4[-.]0"),
        sizes=("1K", "2K", "4K"),
        size_rule=_seedream_rule(1280 * 720, 4096 * 4096),
    ),
    replace(
        _SEEDREAM,
        pattern=re.compile(r"(doubao-)?seedream-4[-.]5"),
        sizes=("2K", "4K"),
        size_rule=_seedream_rule(2560 * 1440, 4096 * 4096),
    ),
    replace(_SEEDREAM, fields=_SEEDREAM.fields | {"output_format"}, formats=("jpeg", "png")),
    ImageModel(
        # An endpoint under a name of its own.
        _ANY,
        frozenset({"size", "output_format", "seed", "delivery"}),
        known=False,
        formats=("jpeg", "png"),
        max_n=1,
        max_sources=14,
        reads_urls=True,
    ),
)

ZAI = (
    # https://docs.z.ai/api-reference/image/generate-image: one image a call, by address only.
    ImageModel(
        _ANY,
        frozenset({"size", "quality", "user"}),
        known=False,
        edits=False,
        qualities=("standard", "hd"),
        max_n=1,
        bytes=False,
    ),
)

OLLAMA = (
    # https://docs.ollama.com/api/openai-compatibility, experimental: bytes only, one image.
    ImageModel(_ANY, frozenset({"size", "seed"}), known=False, edits=False, max_n=1, urls=False),
)

COMPATIBLE = (
    # A server nobody described: what the caller set goes out under OpenAI's names.
    ImageModel(_ANY, ALL_FIELDS, known=False),
)

SANDBOX = (ImageModel(_ANY, ALL_FIELDS, known=False, streams=True),)
