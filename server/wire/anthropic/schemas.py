"""A caller's JSON Schema among those a model holds its answer to.

Every object must say ``additionalProperties: false`` there, and so cannot be a map of any names:
https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations
"""

from typing import Any

_ONE = ("items", "not", "if", "then", "else", "contains")
_SEVERAL = ("anyOf", "allOf", "oneOf", "prefixItems")
_NAMED = ("properties", "$defs", "definitions")
_DEEPEST = 64


class Open(Exception):
    """An object of the schema is a map, which cannot be held to."""


def close(schema: dict[str, Any]) -> bool:
    """Closes every object that does not say whether it is open; True where one was changed.

    What fits the closed schema fits the caller's own as well. Raises Open where an object must stay open.
    """
    return _close(schema, 0)


def _close(schema: Any, depth: int) -> bool:
    if not isinstance(schema, dict):
        return False
    if depth > _DEEPEST:
        raise Open
    changed = False
    if _is_object(schema):
        if "additionalProperties" not in schema and schema.get("properties"):
            schema["additionalProperties"] = False
            changed = True
        elif schema.get("additionalProperties") is not False:
            raise Open
    for part in _parts(schema):
        changed = _close(part, depth + 1) or changed
    return changed


def _is_object(schema: dict[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema


def _parts(schema: dict[str, Any]) -> list[Any]:
    parts = [schema.get(name) for name in _ONE]
    for name in _SEVERAL:
        told = schema.get(name)
        parts += told if isinstance(told, list) else []
    for name in _NAMED:
        told = schema.get(name)
        parts += told.values() if isinstance(told, dict) else []
    return parts
