"""How one host differs from OpenAI's images API. A host is a row of these; see providers/compatible.py."""

from dataclasses import dataclass

from server.wire.openai_images.models import COMPATIBLE, ImageModel


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

    @property
    def edits(self) -> bool:
        """Whether any of its models takes sources."""
        return bool(self.sources)
