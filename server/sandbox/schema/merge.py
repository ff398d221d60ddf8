"""Two schemas that both must hold, as one. Neither has a reference or a combinator left."""

from collections.abc import Callable
from typing import Any

from server.sandbox.schema.document import types
from server.sandbox.schema.fits import same

NOTHING: dict[str, Any] = {"not": {}}
"""A schema that no value fits."""


def merged(left: dict[str, Any], right: dict[str, Any]) -> dict[str, Any]:
    """The keywords of both; where both have one, the stricter of its values."""
    if left == NOTHING or right == NOTHING:
        return NOTHING
    both = left | right
    for key in left.keys() & right.keys():
        both[key] = _MERGE.get(key, _latter)(left[key], right[key])
    return both


def _latter(left: Any, right: Any) -> Any:
    return right


def _if(kind: type, rule: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """``rule`` where both values are of the kind a schema should have there, else the right one."""
    return lambda left, right: rule(left, right) if isinstance(left, kind) and isinstance(right, kind) else right


def _greater(left: Any, right: Any) -> Any:
    return max(left, right) if _are_numbers(left, right) else right


def _lesser(left: Any, right: Any) -> Any:
    return min(left, right) if _are_numbers(left, right) else right


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _types(left: Any, right: Any) -> list[str]:
    first, second = types({"type": left}), types({"type": right})
    shared = [name for name in first if name in second or (name == "integer" and "number" in second)]
    return shared + [name for name in second if name == "integer" and "number" in first and name not in shared]


def _options(left: Any, right: Any) -> list[Any]:
    return [option for option in left if any(same(option, other) for other in right)]


def _names(left: Any, right: Any) -> list[Any]:
    return [*left, *(name for name in right if name not in left)]


def _both(left: Any, right: Any) -> Any:
    return left if left == right else {"allOf": [left, right]}


def _properties(left: Any, right: Any) -> dict[str, Any]:
    shared = {name: _both(left[name], right[name]) for name in left.keys() & right.keys()}
    return {**left, **right, **shared}


_MERGE: dict[str, Callable[[Any, Any], Any]] = {
    "type": _types,
    "enum": _if(list, _options),
    "required": _if(list, _names),
    "properties": _if(dict, _properties),
    "additionalProperties": _both,
    "items": _both,
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), _greater),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), _lesser),
}
