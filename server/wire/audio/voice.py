"""A voice, as a host documents it or lists it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SpokenVoice:
    """What a caller is told of one voice."""

    id: str
    languages: tuple[str, ...] = ()
    """BCP-47; empty where it speaks all that its model does."""
    display_name: str = ""
    """Empty where the id tells it."""

    @property
    def shown(self) -> str:
        """The name to show."""
        return self.display_name or self.id.replace("_", " ").title()
