"""How one host differs from OpenAI's images API. A host is a row of these; see providers/compatible/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from server.errors import InvalidArgument
from server.wire.images.rows import ImageModel, row_of
from server.wire.openai_images.models import COMPATIBLE


@dataclass(frozen=True, slots=True)
class ImageHost:
    """One host's ways."""

    name: str
    models: tuple[ImageModel, ...] = COMPATIBLE
    """What its models take; the last row takes every name."""
    generate_path: str = "/images/generations"
    edit_path: str = "/images/edits"
    """Paths of the calls; ``{model}`` in them is replaced by the escaped model."""
    sources: str = "multipart"
    """How sources travel: ``multipart``; in a JSON body as ``images`` (xAI), ``input_references`` (OpenRouter) or
    ``image`` (Doubao, Together's ``reference_images``); empty where there are no edits."""
    size_field: str = "size"
    """``size``; ``pixels`` for width and height; ``resolution`` for classes alone (xAI)."""
    user_field: str = "user"
    bytes_word: str = "b64_json"
    """Its word for bytes in ``response_format``."""

    def row(self, model: str) -> ImageModel:
        """What the model takes."""
        return row_of(self.models, model)

    def spell(self, name: str, value: Any) -> Mapping[str, Any]:
        """See images.options.Spelling."""
        match name:
            case "size":
                return self._sized(value)
            case "delivery":
                return {"response_format": self.bytes_word if value == "bytes" else value}
            case "user":
                return {self.user_field: value}
            case _:
                return {name: value}

    def _sized(self, size: str) -> Mapping[str, Any]:
        if self.size_field == "size":
            return {"size": size}
        if size == "auto":
            return {}  # what the model does unasked
        if self.size_field == "resolution":
            return {"resolution": size.lower()}
        width, _, height = size.partition("x")
        if not height:
            raise InvalidArgument.field("options.size", f"{self.name} takes WIDTHxHEIGHT in pixels")
        return {"width": int(width), "height": int(height)}
