"""Which image model has which name."""

from collections.abc import Callable

from server.sandbox.draw.faults import cut, fail, garbage, hang, slow
from server.sandbox.draw.serve import Draw, draw

_IMAGES: dict[str, Draw] = {"draw": draw, "hang": hang, "cut": cut, "garbage": garbage}
_FAMILIES: dict[str, Callable[[str], Draw | None]] = {"fail": fail, "slow": slow}


def image_model(name: str) -> Draw | None:
    """The image model of that name, None where there is none."""
    if name in _IMAGES:
        return _IMAGES[name]
    family, _, parameter = name.partition("-")
    return _FAMILIES[family](parameter) if family in _FAMILIES else None
