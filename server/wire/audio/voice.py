"""Voices, as a host documents or lists them."""

from dataclasses import dataclass

from server.wire.http import HttpRequest


@dataclass(frozen=True, slots=True)
class SpokenVoice:
    """What a caller is told of one voice."""

    id: str
    languages: tuple[str, ...] = ()
    """BCP-47; empty where it speaks all that its model does."""
    display_name: str = ""
    """Empty where the id tells it."""
    family: str = ""
    """The model that speaks with it, or how the names of those begin; empty for all of the host's."""

    @property
    def shown(self) -> str:
        """The name to show."""
        return self.display_name or self.id.replace("_", " ").title()


@dataclass(frozen=True, slots=True)
class VoicePage:
    """Part of a host's list of voices."""

    voices: tuple[SpokenVoice, ...]
    next: HttpRequest | None = None
    """What asks for the next part; None where this was the last."""
