"""Reads JSON that cannot be trusted to have the shape it should: every getter answers, none raises."""

import binascii
from collections.abc import Mapping, Set
from typing import Any

import orjson

from server.errors import ProviderBadResponse

Json = Any
"""A parsed JSON value."""
Object = dict[str, Json]

_INT32_MAX = 2**31 - 1


def parse(body: bytes) -> Json:
    """The value in ``body``. Raises ProviderBadResponse for anything that is not JSON.

    orjson bounds depth (1,024) and refuses NaN, infinities, numbers beyond a double and lone surrogates.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        raise ProviderBadResponse("the provider answered something that is not JSON") from None


def text(value: Json) -> str:
    """``value`` where it is a string, else an empty one."""
    return value if type(value) is str else ""


def word(value: Json) -> str:
    """A string, or a number written out, as codes come; else empty."""
    if type(value) is str:
        return value
    return str(value) if type(value) is int else ""


def obj(value: Json) -> Object:
    """``value`` where it is an object, else an empty one."""
    return value if type(value) is dict else {}


def items(value: Json) -> list[Json]:
    """``value`` where it is an array, else an empty one."""
    return value if type(value) is list else []


def objects(value: Json) -> list[Object]:
    """The objects in an array; anything else in it is left out."""
    return [item for item in items(value) if type(item) is dict]


def number(value: Json) -> float | None:
    """A finite number, or None; true and false are none."""
    return float(value) if type(value) in (int, float) else None


def count(value: Json) -> int:
    """A number of things as an int32, 0 where there is none or it makes no sense."""
    if type(value) is int:
        return value if 0 <= value <= _INT32_MAX else 0
    if type(value) is float and value.is_integer():
        return count(int(value))
    return 0


def index(value: Json) -> int | None:
    """A place in a list as an int32, None where it is none."""
    return value if type(value) is int and 0 <= value <= _INT32_MAX else None


def base64_bytes(value: str) -> bytes:
    """What base64 text stands for, with or without padding and line ends.

    Raises ProviderBadResponse where it is no base64.
    """
    stem = "".join(value.split()).rstrip("=")
    # One character alone holds no byte: a text that was cut is read as far as it goes.
    stem = stem[:-1] if len(stem) % 4 == 1 else stem
    try:
        return binascii.a2b_base64(stem + "=" * (-len(stem) % 4), strict_mode=True)
    except ValueError:
        raise ProviderBadResponse("the provider sent media that is not base64") from None


def says_something(value: Json) -> bool:
    """False for null, an empty string, array or object: what providers send where they have nothing to tell."""
    return value is not None and value != "" and value != [] and value != {}


def unread(source: Mapping[str, Json], known: Set[str]) -> Object:
    """The fields of ``source`` that are not ``known`` and say something."""
    if source.keys() <= known:
        return {}
    return {key: value for key, value in source.items() if key not in known and says_something(value)}


def merge(into: Object, more: Mapping[str, Json]) -> None:
    """Adds the fields of one chunk to those of earlier ones: objects merge, arrays grow, the rest is replaced."""
    for key, value in more.items():
        have = into.get(key)
        if type(have) is dict and type(value) is dict:
            merge(have, value)
        elif type(have) is list and type(value) is list:
            have.extend(value)
        else:
            into[key] = value


def to_text(value: Json) -> str:
    """``value`` as JSON text; empty for an empty object. Raises ProviderBadResponse where it is too deep to write."""
    if value == {}:
        return ""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise ProviderBadResponse("the provider's answer is nested too deeply") from None
