"""A value for any schema: branches are tried in order, and the first value that fits is taken."""

import json
from collections.abc import Iterator
from typing import Any

from server.sandbox.refusal import Refusal
from server.sandbox.schema.document import Document, TooMuchWork, array, objects, prefix, rest, size, types
from server.sandbox.schema.fits import fits, same
from server.sandbox.schema.merge import NOTHING, merged
from server.sandbox.schema.scalars import filled_number, filled_string

_RICH_DEPTH = 4  # objects this deep get their optional properties and arrays an item they need not have
_MOST_DEPTH = 24  # a schema that requires itself ends here, unfit
_MOST_ITEMS = 1000
_TRIES = 24  # of other values, where an array wants them distinct

_TYPE_OF_KEYWORD = {
    "object": ("properties", "required", "additionalProperties", "minProperties", "dependentRequired"),
    "array": ("items", "prefixItems", "minItems", "contains", "uniqueItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_SIMPLE_FIRST = ("null", "boolean", "integer", "number", "string", "array", "object")


def filled(schema: object, path: str, variant: int = 0) -> str:
    """JSON that fits ``schema``, where that can be found; each ``variant`` differs if it may.

    Raises Refusal naming ``path`` where the schema branches beyond all trying.
    """
    try:
        value = _Filler(Document(schema)).value(schema, 0, variant)
    except (TooMuchWork, RecursionError):
        raise Refusal(f"'{path}' is too large or too branched for the sandbox to fill.", param=path) from None
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class _Filler:
    def __init__(self, document: Document) -> None:
        self._document = document

    def value(self, schema: object, depth: int, variant: int) -> Any:
        """The first value found that fits, else the first one found."""
        if depth > _MOST_DEPTH:
            return None
        first: list[Any] = []
        for shape in self._shapes(schema, depth, 0):
            for candidate in self._candidates(shape, depth, variant):
                if fits(candidate, schema, self._document):
                    return candidate
                first = first or [candidate]
        return first[0] if first else None

    def _shapes(self, schema: object, depth: int, hops: int) -> Iterator[dict[str, Any]]:
        """``schema`` without references and combinators, once for each way through its branches."""
        self._document.step(hops=hops)
        if not isinstance(schema, dict):
            yield NOTHING if schema is False else {}
            return
        for key, branches in _BRANCHES.items():
            if key in schema:
                others, options = branches(schema, self._document)
                break
        else:
            yield schema
            return
        if depth >= _RICH_DEPTH:
            options = sorted(options, key=_simplicity)
        for option in options:
            for branch in self._shapes(option, depth, hops + 1):
                yield from self._shapes(merged(others, branch), depth, hops)

    def _candidates(self, shape: dict[str, Any], depth: int, variant: int) -> Iterator[Any]:
        if "const" in shape:
            yield shape["const"]
            return
        options = array(shape, "enum")
        if options:
            turn = variant % len(options)
            yield from options[turn:] + options[:turn]
            return
        for name in _type_names(shape, depth):
            yield self._typed(name, shape, depth, variant)

    def _typed(self, name: str, shape: dict[str, Any], depth: int, variant: int) -> Any:
        match name:
            case "object":
                return self._object(shape, depth, variant)
            case "array":
                return self._array(shape, depth, variant)
            case "integer" | "number":
                return filled_number(shape, variant, whole=name == "integer")
            case "boolean":
                return variant % 2 == 0
            case "string":
                text = filled_string(shape, variant)
                self._document.step(len(text) // 64)
                return text
            case _:
                return None

    def _object(self, shape: dict[str, Any], depth: int, variant: int) -> dict[str, Any]:
        named, others = objects(shape, "properties"), shape.get("additionalProperties", True)
        required = [name for name in array(shape, "required") if isinstance(name, str)]
        value: dict[str, Any] = {}
        for name in dict.fromkeys([*named, *required]):
            if name not in required and not self._wanted(shape, depth, len(value) + 1):
                continue
            schema = named.get(name, others)
            inner = self.value(schema, depth + 1, variant)
            if name in required or fits(inner, schema, self._document):
                value[name] = inner
        for place in range(min(size(shape, "minProperties") or 0, _MOST_ITEMS)):
            if len(value) < (size(shape, "minProperties") or 0):
                value.setdefault(f"extra_{place + 1}", self.value(others, depth + 1, variant))
        return self._trimmed(value, required, size(shape, "maxProperties"))

    @staticmethod
    def _wanted(shape: dict[str, Any], depth: int, count: int) -> bool:
        """Whether an object should have an optional property, its ``count``-th."""
        return depth < _RICH_DEPTH or count <= (size(shape, "minProperties") or 0)

    @staticmethod
    def _trimmed(value: dict[str, Any], required: list[str], most: int | None) -> dict[str, Any]:
        optional = [name for name in value if name not in required]
        excess = 0 if most is None else max(0, len(value) - most)
        for name in optional[len(optional) - min(excess, len(optional)) :]:
            del value[name]
        return value

    def _array(self, shape: dict[str, Any], depth: int, variant: int) -> list[Any]:
        first, least, most = prefix(shape), size(shape, "minItems") or 0, size(shape, "maxItems")
        wanted = max(least, len(first), 1) if depth < _RICH_DEPTH else least
        items: list[Any] = []
        found = 0
        needed = (size(shape, "minContains") if "minContains" in shape else 1) if "contains" in shape else 0
        for place in range(min(max(wanted, needed or 0), _MOST_ITEMS if most is None else min(most, _MOST_ITEMS))):
            schema = first[place] if place < len(first) else rest(shape)
            if place >= len(first) and found < (needed or 0):
                schema = {"allOf": [schema, shape["contains"]]}
                found += 1
            item = self._item(schema, items, depth, variant + place, distinct=shape.get("uniqueItems") is True)
            if len(items) >= least and not fits(item, schema, self._document):
                break
            items.append(item)
        return items

    def _item(self, schema: object, before: list[Any], depth: int, variant: int, *, distinct: bool) -> Any:
        item = self.value(schema, depth + 1, variant)
        for other in range(1, _TRIES if distinct else 0):
            if not any(same(item, earlier) for earlier in before):
                break
            item = self.value(schema, depth + 1, variant + other)
        return item


def _type_names(shape: dict[str, Any], depth: int) -> list[str]:
    """The types to try, in order; a schema that names none gets the one its keywords are for, else a string."""
    named = types(shape)
    if not named:
        return [next((name for name, keys in _TYPE_OF_KEYWORD.items() if any(k in shape for k in keys)), "string")]
    if depth >= _RICH_DEPTH:
        return sorted(named, key=_rank)
    return sorted(named, key=lambda name: name == "null")


def _rank(name: str) -> int:
    return _SIMPLE_FIRST.index(name) if name in _SIMPLE_FIRST else len(_SIMPLE_FIRST)


def _simplicity(schema: object) -> int:
    """Orders branches so that a schema that holds itself comes to an end."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return len(_SIMPLE_FIRST)
    return min((_rank(name) for name in types(schema)), default=len(_SIMPLE_FIRST) - 1)


_Split = tuple[dict[str, Any], list[object]]


def _without(schema: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key not in keys}


def _reference(schema: dict[str, Any], document: Document) -> _Split:
    return _without(schema, "$ref"), [document.resolve(schema["$ref"])]


def _all_of(schema: dict[str, Any], document: Document) -> _Split:
    first, *others = array(schema, "allOf") or [{}]
    return _without(schema, "allOf") | ({"allOf": others} if others else {}), [first]


def _any_of(schema: dict[str, Any], document: Document) -> _Split:
    return _without(schema, "anyOf"), array(schema, "anyOf") or [{}]


def _one_of(schema: dict[str, Any], document: Document) -> _Split:
    return _without(schema, "oneOf"), array(schema, "oneOf") or [{}]


def _conditional(schema: dict[str, Any], document: Document) -> _Split:
    met = {"allOf": [schema["if"], schema.get("then", True)]}
    return _without(schema, "if", "then", "else"), [met, schema.get("else", True)]


_BRANCHES = {"$ref": _reference, "allOf": _all_of, "anyOf": _any_of, "oneOf": _one_of, "if": _conditional}
