"""gateway.extra_body_json for bodies of JSON and for forms: fields newer than the contract."""

from collections.abc import Collection
from typing import Any

import orjson

from server.errors import InvalidArgument

_PATH = "gateway.extra_body_json"


def merge_extra(text: str, body: dict[str, Any], owned: Collection[str]) -> None:
    """Merges the caller's object deeply into ``body``. Raises InvalidArgument naming a key the hub sets itself."""
    _merge(_object(text), body, "", owned)


def extra_fields(text: str, owned: Collection[str]) -> list[tuple[str, str]]:
    """The caller's object as fields of a form: each item of an array a field, anything deeper as JSON text."""
    fields: list[tuple[str, str]] = []
    for key, value in _object(text).items():
        name = key.removesuffix("[]")
        if name in owned:
            raise _taken(key)
        fields += [(key, _written(item)) for item in (value if isinstance(value, list) else [value])]
    return fields


def _object(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = orjson.loads(text)
    except ValueError:
        raise InvalidArgument.field(_PATH, "is not JSON; write one JSON object") from None
    if not isinstance(value, dict):
        raise InvalidArgument.field(_PATH, "is no JSON object; write one, such as {}")
    return value


def _merge(more: dict[str, Any], into: dict[str, Any], path: str, owned: Collection[str]) -> None:
    for key, value in more.items():
        where = f"{path}{key}"
        have = into.get(key)
        if isinstance(have, dict) and isinstance(value, dict):
            into[key] = merged = dict(have)
            _merge(value, merged, f"{where}.", ())
        elif key in into or key in owned:
            raise _taken(where)
        else:
            into[key] = value


def _taken(where: str) -> InvalidArgument:
    return InvalidArgument.field(_PATH, f"{where[:64]} is set by the gateway; leave it out")


def _written(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
