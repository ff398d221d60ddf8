"""Which image model has which name."""

from collections.abc import Callable

from server.sandbox.draw.faults import cut, fail, garbage, hang, slow
from server.sandbox.draw.serve import Draw, draw

IMAGES: dict[str, Draw] = {"draw": draw, "hang": hang, "cut": cut, "garbage": garbage}
IMAGE_FAMILIES: dict[str, Callable[[str], Draw | None]] = {"fail": fail, "slow": slow}
"""Models with a parameter after the first hyphen; None where the parameter makes no sense."""


def image_model(name: str) -> Draw | None:
    """The image model of that name, None where there is none."""
    if name in IMAGES:
        return IMAGES[name]
    family, _, parameter = name.partition("-")
    return IMAGE_FAMILIES[family](parameter) if family in IMAGE_FAMILIES else None
