"""The format's names of fields, and its hosts', as they tell them of a request that they refuse."""

from types import MappingProxyType

from server.wire.field_names import Names

_SOURCES = ("image", "images", "input_references", "reference_images")
_OPTIONS = (
    "n", "size", "aspect_ratio", "quality", "style", "background", "output_format", "output_compression", "moderation",
    "partial_images", "negative_prompt", "seed",
)  # fmt: skip

NAMES: Names = MappingProxyType({
    **{name: f"options.{name}" for name in _OPTIONS},
    **dict.fromkeys(("width", "height", "resolution"), "options.size"),
    "response_format": "options.delivery",
    **dict.fromkeys(_SOURCES, "images"),
    **{f"{name}[]": "images[]" for name in _SOURCES},
    "image_url": "images",
    "mask": "mask",
    "user_id": "user",
})  # fmt: skip
