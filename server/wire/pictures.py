"""Images as a provider gave them, whichever its format: what image codecs hand to their backend."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from aignehub.v1.image_service_pb2 import EditImagesRequest, GenerateImagesRequest
from aignehub.v1.usage_pb2 import Usage

from server.wire.image_facts import probe

MIME_TYPES: Mapping[str, str] = MappingProxyType(
    {"PNG": "image/png", "JPEG": "image/jpeg", "GIF": "image/gif", "WebP": "image/webp"}
)
"""By the name of a format in ImageFacts."""
ImageRequest = GenerateImagesRequest | EditImagesRequest


@dataclass(slots=True)
class Picture:
    """One image or preview: its bytes, or where the provider keeps it; neither where it was filtered."""

    index: int
    data: bytes = field(default=b"", repr=False)
    url: str = ""
    mime_type: str = ""
    """By the bytes where there are some, else as the provider says; may be empty."""
    width: int = 0
    height: int = 0
    """In pixels; 0 where nobody told."""
    revised_prompt: str = ""
    filtered: bool = False
    filter_reason: str = ""
    partial: int | None = None
    """Which preview of the image it is; None for the image itself."""

    def identify(self) -> None:
        """Reads media type, width and height out of the bytes, where they tell."""
        facts = probe(self.data)
        if facts is not None:
            self.mime_type = MIME_TYPES[facts.format]
            self.width, self.height = facts.width, facts.height


@dataclass(slots=True)
class Drawn:
    """A whole answer."""

    pictures: list[Picture]
    usage: Usage
    model: str = ""
    """As the provider named it; empty where it did not."""
    created: int = 0
    """Unix seconds; 0 where the provider did not say."""


@dataclass(frozen=True, slots=True)
class ImageJob:
    """An image that a provider has begun to make."""

    url: str
    """Where to ask after it."""
    cost_nano_usd: int | None = None
    """What the provider charges for it; None where it did not say."""
