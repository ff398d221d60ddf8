"""Whether a value fits a schema: what lets the filler choose among branches."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from server.sandbox.schema.document import Document, array, number, objects, prefix, rest, size, types


def fits(value: Any, schema: object, document: Document, hops: int = 0) -> bool:
    """True where ``value`` fits; patterns and formats are taken on trust."""
    document.step(hops=hops)
    if not isinstance(schema, dict):
        return schema is not False
    if types(schema) and not any(is_type(value, name) for name in types(schema)):
        return False
    if "const" in schema and not same(value, schema["const"]):
        return False
    if "enum" in schema and not any(same(value, option) for option in array(schema, "enum")):
        return False
    return _fits_shape(value, schema, document) and _fits_combined(value, schema, document, hops)


def is_type(value: Any, name: str) -> bool:
    """Whether a JSON value is of a type; 1.0 is an integer, a boolean is no number."""
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return _is_number(value) and value == value // 1
        case "number":
            return _is_number(value)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case _:
            return False


def same(left: Any, right: Any) -> bool:
    """Equality of JSON: 1 is 1.0, but neither is true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    return bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fits_shape(value: Any, schema: dict[str, Any], document: Document) -> bool:
    if isinstance(value, dict):
        return _fits_object(value, schema, document)
    if isinstance(value, list):
        return _fits_array(value, schema, document)
    if isinstance(value, str):
        return _within(len(value), schema, "minLength", "maxLength")
    return not _is_number(value) or _fits_number(value, schema)


def _within(count: int, schema: dict[str, Any], least: str, most: str) -> bool:
    low, high = size(schema, least), size(schema, most)
    return (low is None or count >= low) and (high is None or count <= high)


def _fits_number(value: float, schema: dict[str, Any]) -> bool:
    low, above = number(schema, "minimum"), number(schema, "exclusiveMinimum")
    high, below = number(schema, "maximum"), number(schema, "exclusiveMaximum")
    if (low is not None and value < low) or (above is not None and value <= above):
        return False
    if (high is not None and value > high) or (below is not None and value >= below):
        return False
    step = number(schema, "multipleOf")
    # As decimals, so that 0.3 is a multiple of 0.1.
    return not step or Fraction(str(value)) % Fraction(str(step)) == 0


def _fits_object(value: dict[str, Any], schema: dict[str, Any], document: Document) -> bool:
    if any(name not in value for name in array(schema, "required") if isinstance(name, str)):
        return False
    for name, needed in objects(schema, "dependentRequired").items():
        if name in value and isinstance(needed, list) and any(other not in value for other in needed):
            return False
    named, others = objects(schema, "properties"), schema.get("additionalProperties", True)
    if objects(schema, "patternProperties"):
        others = True  # which names they are for would take their patterns to tell
    return _within(len(value), schema, "minProperties", "maxProperties") and all(
        fits(inner, named.get(name, others), document) for name, inner in value.items()
    )


def _fits_array(value: list[Any], schema: dict[str, Any], document: Document) -> bool:
    if not _within(len(value), schema, "minItems", "maxItems"):
        return False
    if schema.get("uniqueItems") is True and not _distinct(value, document):
        return False
    first, others = prefix(schema), rest(schema)
    if not all(fits(item, first[i] if i < len(first) else others, document) for i, item in enumerate(value)):
        return False
    if "contains" not in schema:
        return True
    found = sum(fits(item, schema["contains"], document) for item in value)
    return _within(found, {"minContains": 1} | schema, "minContains", "maxContains")


def _distinct(items: list[Any], document: Document) -> bool:
    document.step(len(items) ** 2 // 100)
    return not any(same(items[left], items[right]) for left in range(len(items)) for right in range(left))


def _fits_combined(value: Any, schema: dict[str, Any], document: Document, hops: int) -> bool:
    def fit(branch: object) -> bool:
        return fits(value, branch, document, hops + 1)

    if "$ref" in schema and not fit(document.resolve(schema["$ref"])):
        return False
    return all(check(schema, fit) for check in _COMBINED)


def _conditional(schema: dict[str, Any], fit: Callable[[object], bool]) -> bool:
    return "if" not in schema or fit(schema.get("then" if fit(schema["if"]) else "else", True))


def _any_of(schema: dict[str, Any], fit: Callable[[object], bool]) -> bool:
    return not array(schema, "anyOf") or any(map(fit, array(schema, "anyOf")))


def _one_of(schema: dict[str, Any], fit: Callable[[object], bool]) -> bool:
    return not array(schema, "oneOf") or sum(map(fit, array(schema, "oneOf"))) == 1


_Check = Callable[[dict[str, Any], Callable[[object], bool]], bool]


_COMBINED: tuple[_Check, ...] = (
    lambda schema, fit: all(map(fit, array(schema, "allOf"))),
    _any_of,
    _one_of,
    lambda schema, fit: "not" not in schema or not fit(schema["not"]),
    _conditional,
)
