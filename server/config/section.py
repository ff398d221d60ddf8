"""What every section of the settings is made of."""

from typing import Annotated

from msgspec import Meta, Struct
from typing_extensions import override

Seconds = Annotated[float, Meta(gt=0, le=2_000_000)]
"""gRPC counts milliseconds in 32 bits: 23 days are the most."""


class Section(Struct, frozen=True, kw_only=True):
    """Frozen. ``reading.read`` makes it of what is told, where types and bounds are judged.

    One that judges more does so in ``__post_init__`` and raises ValueError, which begins with the setting at fault.
    """

    @classmethod
    def written(cls, told: object) -> object:
        """What ``told`` stands for; a section with a short form spells it out."""
        return told


class Secret:
    """A text that is not shown."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text."""
        return self._text

    @override
    def __repr__(self) -> str:
        return "Secret('**********')" if self._text else "Secret('')"

    @override
    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    @override
    def __hash__(self) -> int:
        return hash(self._text)
