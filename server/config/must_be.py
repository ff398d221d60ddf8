"""What a setting must be, in words made of its type and its bounds."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from msgspec import Meta

from server.config.section import Secret

_TYPES: Mapping[Any, str] = MappingProxyType(
    {
        bool: "must be true or false",
        int: "must be a whole number",
        float: "must be a number",
        Decimal: "must be a number",
        str: "must be text",
        Secret: "must be text",
        Path: "must be the path of a file",
    }
)


def type_words(bare: Any) -> str:
    """For a value of another type than ``bare``."""
    if get_origin(bare) is Literal:
        *most, last = (repr(one) for one in get_args(bare))
        return f"must be one of {', '.join(most)} or {last}"
    return _TYPES[bare]


def bound_words(bounds: Meta, value: Any) -> str:
    """For a ``value`` of the right type that is out of bounds."""
    if isinstance(value, str):
        return _text_words(bounds, value)
    if bounds.gt is not None and not value > bounds.gt:
        return f"must be more than {bounds.gt:g}"
    if bounds.ge is not None and not value >= bounds.ge:
        return f"must be {_plain(bounds.ge)} or more"
    return f"must be {_plain(bounds.le)} at most"


def _text_words(bounds: Meta, value: str) -> str:
    if bounds.min_length is not None and len(value) < bounds.min_length:
        return "must not be empty"
    if bounds.max_length is not None and len(value) > bounds.max_length:
        return f"must have {bounds.max_length} characters at most"
    return f"must have the form {bounds.pattern}"


def _plain(bound: float | None) -> str:
    return f"{bound:,.0f}".replace(",", "") if bound is not None else ""
