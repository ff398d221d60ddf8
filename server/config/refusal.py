"""Words for a setting that is refused: which one it is, what it must be, and where to look."""

from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from server.config.settings import Settings

_MUST_BE = {
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "model_type": "must be a mapping of settings",
    "model_attributes_type": "must be a mapping of settings",
    "dict_type": "must be a mapping",
    "too_short": "must have {min_length} entry at least",
    "string_too_short": "must not be empty",
    "string_too_long": "must have {max_length} characters at most",
    "string_type": "must be text",
    "string_pattern_mismatch": "must have the form {pattern}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} at most",
    "literal_error": "must be one of {expected}",
    "enum": "must be one of {expected}",
    "path_type": "must be the path of a file",
    "missing": "is missing: write it",
}
"""What to write, by pydantic's kind of error; https://docs.pydantic.dev/latest/errors/validation_errors lists them."""


def explain(error: ValidationError, path: Path | None, environ: Mapping[str, str]) -> str:
    """The first fault with its source, its path (``providers[0].base_url``) and the remedy; no value is told."""
    first = error.errors(include_url=False, include_input=False)[0]
    where = _where(first["loc"])
    variable = "HUB_" + "__".join(str(part).upper() for part in first["loc"])
    source = f"environment variable {variable}: " if variable in environ else f"{path}: " if path else ""
    if first["type"] == "extra_forbidden":
        close = get_close_matches(str(first["loc"][-1]), _names_beside(first["loc"]), n=1)
        hint = f"did you mean {close[0]}?" if close else "hub.example.yaml lists every setting"
        return f"{source}{where} is no setting of the hub; {hint}"
    form = _MUST_BE.get(first["type"])
    said = form.format_map(_bounds(first.get("ctx", {}))) if form else first["msg"].removeprefix("Value error, ")
    return f"{source}{where}: {said}; see hub.example.yaml"


def _bounds(context: Mapping[str, Any]) -> dict[str, Any]:
    """The bounds as a person writes them: 0 for 0.0."""
    return {name: _plain(value) for name, value in context.items()}


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _where(location: tuple[int | str, ...]) -> str:
    where = ""
    for part in location:
        if part == "[key]":  # how pydantic marks a key that is wrong itself
            break
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    return where


def _names_beside(location: tuple[int | str, ...]) -> list[str]:
    section: Any = Settings
    for part in location[:-1]:
        if isinstance(part, int):
            continue
        annotation = section.model_fields[part].annotation
        inner = (annotation, *getattr(annotation, "__args__", ()))
        section = next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, BaseModel)), None)
        if section is None:
            return []
    return list(section.model_fields)
