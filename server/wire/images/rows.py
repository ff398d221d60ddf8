"""What an image model takes, as data. A format's table holds one row a family."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_PIXELS = re.compile(r"([1-9]\d{1,4})x([1-9]\d{1,4})")


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
    """Optional fields it takes, under the contract's names; ``delivery`` stands for the choice between bytes and
    address."""
    known: bool = True
    """False for the row that takes every other name."""
    generates: bool = True
    edits: bool = True
    sizes: tuple[str, ...] = ()
    size_rule: SizeRule | None = None
    """What is allowed beside ``sizes``."""
    ratios: tuple[str, ...] = ()
    size_or_ratio: bool = False
    """Takes a size or a ratio, and not both."""
    qualities: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    moderations: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    """Of those it can be asked for, or, where it cannot be asked, those it always gives."""
    max_n: int = 10
    max_prompt: int = 32_000
    """Characters, of the negative prompt too."""
    max_seed: int = 0
    """Seeds are from 0 to this; 0 where nobody says."""
    urls: bool = True
    """Can answer with an address."""
    bytes: bool = True
    """Can answer with the bytes themselves."""
    streams: bool = False
    max_sources: int = 16
    source_types: tuple[str, ...] = ()
    max_source_bytes: int = 0
    """Of one source; 0 where nobody says."""
    max_source_pixels: int = 0
    """The same in pixels."""
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

    @property
    def capabilities(self) -> tuple[str, ...]:
        """``image`` and ``image_edit`` where the model is known to draw and to edit; else nothing."""
        drawing = ("image",) if self.generates else ()
        editing = ("image_edit",) if self.edits else ()
        return (*drawing, *editing) if self.known else ()


def row_of(rows: tuple[ImageModel, ...], model: str) -> ImageModel:
    """The row of a model, by the beginning of its name; the last row takes what no other does."""
    return next((row for row in rows if row.pattern.match(model)), rows[-1])
