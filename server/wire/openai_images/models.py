"""What each image model takes: one row a family, the first whose pattern matches the model's name.

OpenAI: https://platform.openai.com/docs/api-reference/images and its published schema. A field that a row does not
list is not sent. Ranges that a vendor does not state are left to the vendor.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_PIXELS = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")

COMMON_FIELDS = frozenset({"n", "size", "user", "response_format"})
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


@dataclass(frozen=True, slots=True)
class SizeRule:
    """Sizes that follow a rule instead of a list."""

    fits: Callable[[int, int], bool]
    says: str
    """The rule in words for the caller."""


@dataclass(frozen=True, slots=True)
class ImageModel:
    """One family of models at one host. Empty lists allow anything."""

    pattern: re.Pattern[str]
    fields: frozenset[str]
    """Optional fields it takes, under the contract's names; ``response_format`` stands for the choice of delivery."""
    known: bool = True
    """False for the row that takes every other name."""
    generates: bool = True
    edits: bool = True
    sizes: tuple[str, ...] = ()
    size_rule: SizeRule | None = None
    """What is allowed beside ``sizes``."""
    ratios: tuple[str, ...] = ()
    qualities: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    """Of those it can be asked for, or, where it cannot be asked, those it always gives."""
    max_n: int = 10
    max_prompt: int = 32_000
    """Characters."""
    urls: bool = True
    """Can answer with an address."""
    bytes: bool = True
    """Can answer with the bytes themselves."""
    streams: bool = False
    max_sources: int = 16
    source_types: tuple[str, ...] = ()
    max_source_bytes: int = 0
    """Of one source; 0 where nobody says."""
    reads_urls: bool = False
    """Takes sources by address or file id, in a JSON body."""

    def allows_size(self, size: str) -> bool:
        """Whether it draws ``size``, a word of ``sizes`` or WIDTHxHEIGHT by its rule."""
        if size in self.sizes or not (self.sizes or self.size_rule):
            return True
        pixels = _PIXELS.fullmatch(size)
        return bool(self.size_rule and pixels and self.size_rule.fits(int(pixels[1]), int(pixels[2])))

    def size_of_ratio(self, ratio: str) -> str:
        """The listed size of exactly that ratio; empty where there is none."""
        across, down = (float(part) for part in ratio.split(":"))
        for size in self.sizes if across and down else ():
            if (pixels := _PIXELS.fullmatch(size)) and int(pixels[1]) * down == int(pixels[2]) * across:
                return size
        return ""

    @property
    def said_sizes(self) -> str:
        """The sizes in words."""
        return ", ".join((*self.sizes, *((self.size_rule.says,) if self.size_rule else ())))


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
    ImageModel(
        re.compile(r"grok-2-image"), frozenset({"n", "user", "response_format"}), edits=False, formats=("jpeg",)
    ),
    ImageModel(
        re.compile(r"grok-imagine-image-2"),
        frozenset({"n", "size", "aspect_ratio", "quality", "user", "response_format"}),
        sizes=("1K", "2K"),
        ratios=_XAI_RATIOS,
        qualities=("low", "medium"),
        formats=("jpeg",),
        reads_urls=True,
    ),
    ImageModel(
        re.compile(r"grok-imagine-image"),
        frozenset({"n", "size", "aspect_ratio", "user", "response_format"}),
        sizes=("1K", "2K"),
        ratios=_XAI_RATIOS,
        formats=("jpeg",),
        reads_urls=True,
    ),
    ImageModel(_ANY, frozenset({"n", "user", "response_format"}), known=False, reads_urls=True),
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
        frozenset({"n", "size", "output_format", "seed", "negative_prompt", "response_format"}),
        known=False,
        formats=("jpeg", "png"),
        reads_urls=True,
    ),
)

DOUBAO = (
    # https://www.volcengine.com/docs/82379/1541523: one image a call, sources in the same body.
    ImageModel(
        re.compile(r"doubao-see(dream|dedit)-3"),
        frozenset({"size", "seed", "response_format"}),
        max_n=1,
        max_sources=1,
        reads_urls=True,
    ),
    ImageModel(
        _ANY,
        frozenset({"size", "output_format", "response_format"}),
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


def row_of(rows: tuple[ImageModel, ...], model: str) -> ImageModel:
    """The row of a model, by the beginning of its name; the last row takes what no other does."""
    return next((row for row in rows if row.pattern.match(model)), rows[-1])
