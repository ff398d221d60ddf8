"""gateway.extra_body_json: fields newer than the contract, merged into a body of JSON or added to a form."""

from collections.abc import Collection, Set
from typing import Any

import msgspec
import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument
from server.wire.json_text import check_object

PATH = "gateway.extra_body_json"

OWNED = frozenset(CreateChatCompletionRequest.DESCRIPTOR.fields_by_name) | {
    "max_tokens",
    "reasoning_effort",
    "stream",
    "prompt_cache_retention",
    "prompt_cache_options",
    "moderation",
    "functions",
    "function_call",
}
"""Top-level keys that a field of the contract stands for; they are set there and nowhere else."""

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def merge_extra_body(
    text: str, body: dict[str, Any], *, owned: Set[str] = OWNED, lists: Set[str] = frozenset()
) -> None:
    """Merges the caller's object into ``body``. Raises InvalidArgument naming a key that the codec owns.

    To the arrays of top-level keys in ``lists`` the caller's values are added.
    """
    told = check_object(PATH, text)
    fields = _FIELDS.decode(text)
    for key in fields:
        if key in owned:
            raise InvalidArgument.field(PATH, f"{key} is set by a field of the request; use that")
    for key in lists & fields.keys() & body.keys():
        more = told[key]
        if isinstance(more, list):
            del fields[key]
            body[key] = [*body[key], *(value for value in more if value not in body[key])]
    _merge(fields, body, "")


def extra_fields(text: str, owned: Collection[str]) -> list[tuple[str, str]]:
    """The caller's object as fields of a form: each item of an array a field, anything deeper as JSON text."""
    fields: list[tuple[str, str]] = []
    for key, value in check_object(PATH, text).items():
        if key.removesuffix("[]") in owned:
            raise InvalidArgument.field(PATH, f"{key[:64]} is set by the gateway; leave it out")
        fields += [(key, as_field(item)) for item in (value if isinstance(value, list) else [value])]
    return fields


def as_field(value: object) -> str:
    """A value as a field of a form holds it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def _merge(fields: dict[str, msgspec.Raw], into: dict[str, Any], path: str) -> None:
    for key, raw in fields.items():
        where = f"{path}{key}"
        if key not in into:
            # The caller's own text, so that integers and key order survive.
            into[key] = orjson.Fragment(bytes(raw))
            continue
        have = into[key]
        if not isinstance(have, dict) or not bytes(raw).lstrip().startswith(b"{"):
            raise InvalidArgument.field(PATH, f"{where} is set by the gateway; leave it out")
        into[key] = merged = dict(have)
        _merge(_FIELDS.decode(raw), merged, f"{where}.")
