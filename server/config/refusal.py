"""Words for a setting that is refused: which one it is, what it must be, and where to look."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path

from server.config.reading import Fault, below
from server.config.section import Section
from server.config.settings import Settings


def explain(fault: Fault, path: Path | None, environ: Mapping[str, str]) -> str:
    """The fault with its source, its path (``providers[0].base_url``) and the remedy; no value is told."""
    variable = "HUB_" + "__".join(str(part).upper() for part in fault.place)
    source = f"environment variable {variable}: " if variable in environ else f"{path}: " if path else ""
    if fault.unknown:
        close = get_close_matches(str(fault.place[-1]), _names_beside(fault.place), n=1)
        hint = f"did you mean {close[0]}?" if close else "hub.example.yaml lists every setting"
        return f"{source}{fault.path} is no setting of the hub; {hint}"
    return f"{source}{fault.path}: {fault.words}; see hub.example.yaml"


def _names_beside(place: tuple[int | str, ...]) -> list[str]:
    section: type[Section] | None = Settings
    for part in place[:-1]:
        inner = below(section, part) if section is not None and isinstance(part, str) else None
        section = inner or section  # a place in a list, or a name of the operator's own, leads nowhere else
    return list(section.__struct_fields__) if section is not None else []
