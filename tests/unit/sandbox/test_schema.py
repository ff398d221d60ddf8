"""Values made for schemas, judged by an independent validator."""

import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from server.sandbox.refusal import Refusal
from server.sandbox.schema.document import Document
from server.sandbox.schema.fill import filled
from server.sandbox.schema.fits import fits
from server.sandbox.schema.pattern import example

Schema = dict[str, Any]

CASES: dict[str, Any] = {
    "nothing said": {},
    "anything": True,
    "types": {"type": ["null", "integer"]},
    "const": {"const": {"a": [1, None]}},
    "enum against a bound": {"type": "integer", "enum": [1, 5, 9], "minimum": 6},
    "required without properties": {"type": "object", "required": ["a", "b"]},
    "required, others typed": {"required": ["a"], "additionalProperties": {"type": "integer"}},
    "min properties": {"type": "object", "minProperties": 3, "additionalProperties": {"type": "boolean"}},
    "max properties": {"properties": {"a": {}, "b": {}, "c": {}}, "required": ["c"], "maxProperties": 2},
    "an optional property nothing fits": {"properties": {"a": False, "b": {"type": "string"}}},
    "dependent": {"properties": {"a": {}, "b": {}}, "dependentRequired": {"a": ["b"]}},
    "unique booleans": {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
    "unique enum": {"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True},
    "unique objects": {
        "type": "array",
        "uniqueItems": True,
        "minItems": 4,
        "items": {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}},
    },
    "a tuple": {"prefixItems": [{"type": "string"}, {"type": "number"}], "items": False, "minItems": 2},
    "contains": {"type": "array", "items": {"type": "number"}, "contains": {"minimum": 90}, "minContains": 2},
    "no items": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    "between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "negative": {"type": "integer", "maximum": -5},
    "tenths": {"type": "number", "multipleOf": 0.1, "minimum": 2.25},
    "whole multiples": {"type": "integer", "multipleOf": 1.5, "minimum": 4},
    "one integer": {"type": "integer", "minimum": 7, "maximum": 7},
    "long": {"type": "string", "minLength": 500},
    "short": {"type": "string", "maxLength": 1},
    "empty": {"type": "string", "maxLength": 0},
    "formats": {
        "type": "object",
        "properties": {
            name: {"type": "string", "format": name}
            for name in ("date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid")
        },
    },
    "any of": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "null"}]},
    "siblings of any of": {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "anyOf": [{"required": ["x"]}, {"required": ["a"]}],
    },
    "one of, apart by a constant": {
        "oneOf": [
            {
                "type": "object",
                "properties": {"kind": {"const": kind}, "size": {"type": "integer"}},
                "required": ["kind"],
            }
            for kind in ("cat", "dog")
        ]
    },
    "one of, overlapping": {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 1}, {"type": "string"}]},
    "all of": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer", "minimum": 3}}, "required": ["a"]},
            {"properties": {"a": {"maximum": 4}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "numbers that are integers": {"allOf": [{"type": "number"}, {"type": ["integer", "string"]}]},
    "not": {"type": ["string", "integer"], "not": {"type": "string"}},
    "if then": {
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "if": {"properties": {"a": {"minimum": 1}}},
        "then": {"required": ["b"]},
    },
    "definitions": {
        "$defs": {"name": {"type": "string", "minLength": 4}, "a/b": {"$ref": "#/$defs/name"}},
        "type": "array",
        "items": {"$ref": "#/$defs/a~1b"},
        "minItems": 1,
    },
    "an anchor": {"$defs": {"x": {"$anchor": "here", "type": "integer"}}, "$ref": "#here"},
    "a reference with siblings": {"$defs": {"n": {"type": "integer"}}, "$ref": "#/$defs/n", "minimum": 40},
    "a list of itself": {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                },
                "required": ["value", "next"],
                "additionalProperties": False,
            }
        },
        "$ref": "#/$defs/node",
    },
    "a tree of itself": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
    },
    "a branch that holds itself first": {
        "anyOf": [{"type": "object", "properties": {"not": {"$ref": "#"}}, "required": ["not"]}, {"type": "string"}]
    },
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("variant", [0, 1, 5])
def test_values_fit(name: str, variant: int) -> None:
    value = json.loads(filled(CASES[name], "schema", variant))
    jsonschema_rs.validator_for(CASES[name], validate_formats=True).validate(value)


PATTERNS = [
    "^[a-z]+$",
    "^[A-Z]{2}\\d{4}$",
    "^\\+?[1-9]\\d{1,14}$",
    "^(?:red|green|blue)-[0-9a-f]{6}$",
    "^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$",
    "^(?<year>\\d{4})-(0[1-9]|1[0-2])$",
    "^#([A-Fa-f0-9]{6}|[A-Fa-f0-9]{3})$",
    "foo|bar",
    "\\bword\\b",
    "^\\S.*$",
    "^[\\w.-]{3,20}?$",
    "^a{0}b*c?$",
    "^\\u0041\\x42[\\]\\-]$",
    "^[^a-zA-Z0-9]$",
    "",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("variant", [0, 1, 3])
def test_patterns_are_written(pattern: str, variant: int) -> None:
    schema = {"type": "string", "pattern": pattern}
    jsonschema_rs.validate(schema, json.loads(filled(schema, "schema", variant)))


@pytest.mark.parametrize("length", [1, 5, 17, 100, 3000])
@pytest.mark.parametrize("pattern", ["^[a-z]+$", "^x-[0-9]*$", "[0-9]{3}"])
def test_patterns_reach_a_length(pattern: str, length: int) -> None:
    text = example(pattern, least=length)
    assert text is not None
    assert length <= len(text) <= length + 3
    jsonschema_rs.validate({"type": "string", "pattern": pattern}, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "(?=a)b",
        "(?!x)",
        "\\1",
        "(",
        ")",
        "[",
        "[]",
        "[z-a]",
        "*",
        "\\",
        "\\p{L}",
        "(a{9999}){9999}",
        "\\x-1",
        "\\ud800",
    ],
)
def test_patterns_that_cannot_be_read_are_left_alone(pattern: str) -> None:
    assert example(pattern) is None
    assert json.loads(filled({"type": "string", "pattern": pattern, "minLength": 3}, "schema"))


@settings(deadline=None, max_examples=300)
@given(st.text(alphabet="ab1^$.*+?{}()[]|\\-,:=!dwsxu0", max_size=12), st.integers(0, 9))
def test_any_pattern_is_written_or_left_alone(pattern: str, variant: int) -> None:
    text = example(pattern, least=variant, variant=variant)
    if text is not None and "b" not in pattern and "$" not in pattern[:-1] and "^" not in pattern[1:]:
        try:
            validator = jsonschema_rs.validator_for({"pattern": pattern})
        except (ValueError, jsonschema_rs.ValidationError):
            assume(False)
        validator.validate(text)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": 5, "properties": 3, "required": "x", "enum": 1, "items": 7, "anyOf": 1, "$ref": 9, "multipleOf": 0},
        {"allOf": [{"properties": 3, "enum": 1, "required": 2}, {"properties": {}, "enum": [1], "required": ["a"]}]},
        {"$ref": "#/nowhere"},
        {"$ref": "https://example.com/schema.json"},
        {"type": "string", "minLength": 10**12},
        {"type": "number", "minimum": 1.7e308, "multipleOf": 1e308},
        {"type": "integer", "minimum": 3, "maximum": 2},
        False,
    ],
)
def test_a_schema_that_makes_no_sense_still_gets_json(schema: object) -> None:
    json.loads(filled(schema, "schema"))


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "minItems": 10**9, "items": {"type": "array", "minItems": 10**9}},
        {"type": "array", "minItems": 10**9, "uniqueItems": True, "items": {"type": "boolean"}},
        {"$ref": "#"},
        {"type": "array", "minItems": 900, "items": {"type": "string", "minLength": 10**6}},
    ],
)
def test_too_much_work_is_refused(schema: object) -> None:
    with pytest.raises(Refusal) as refused:
        filled(schema, "tools[0].function.parameters")
    assert refused.value.param == "tools[0].function.parameters"


_BOUNDS = st.integers(-50, 50)
_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("abc", max_size=3))


def _ordered(low: str, high: str, bounds: st.SearchStrategy[int]) -> st.SearchStrategy[Schema]:
    pairs = st.tuples(bounds, bounds).map(sorted)
    return st.one_of(st.just({}), bounds.map(lambda b: {low: b}), pairs.map(lambda p: {low: p[0], high: p[1]}))


def _together(*parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(*parts).map(lambda all_parts: {key: value for part in all_parts for key, value in part.items()})


_LEAVES: st.SearchStrategy[Schema] = st.one_of(
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {}]),
    _together(st.just({"type": "integer"}), _ordered("minimum", "maximum", _BOUNDS)),
    _together(st.just({"type": "number"}), _ordered("minimum", "maximum", _BOUNDS)),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step, "minimum": -3}),
    _together(st.just({"type": "string"}), _ordered("minLength", "maxLength", st.integers(0, 30))),
    st.sampled_from(PATTERNS[:8]).map(lambda pattern: {"type": "string", "pattern": pattern}),
    st.lists(_SCALARS, min_size=1, max_size=4).map(lambda options: {"enum": options}),
    _SCALARS.map(lambda value: {"const": value}),
    st.just({"$ref": "#/$defs/shared"}),
)


def _containers(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    named = st.dictionaries(st.sampled_from("abcde"), inner, max_size=4)
    closed = st.sampled_from([{}, {"additionalProperties": False}])
    listed = _together(
        inner.map(lambda item: {"type": "array", "items": item}), _ordered("minItems", "maxItems", st.integers(0, 5))
    )
    return st.one_of(
        _together(
            named.flatmap(
                lambda properties: st.lists(st.sampled_from(sorted(properties) or ["z"]), unique=True, max_size=4).map(
                    lambda required: {
                        "type": "object",
                        "properties": properties,
                        "required": [name for name in required if name in properties],
                    }
                )
            ),
            closed,
        ),
        listed,
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        inner.map(lambda one: {"allOf": [one, {"description": "the same"}]}),
        st.tuples(inner, st.text("xyz", min_size=1, max_size=2)).map(
            lambda pair: {"oneOf": [{"type": "array", "items": pair[0]}, {"const": pair[1]}]}
        ),
    )


_SCHEMAS = st.recursive(_LEAVES, _containers, max_leaves=12).map(
    lambda schema: schema | {"$defs": {"shared": {"type": "integer", "minimum": 3}}}
)


@settings(deadline=None, max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(_SCHEMAS, st.integers(0, 3))
def test_values_fit_any_schema(schema: Schema, variant: int) -> None:
    jsonschema_rs.validate(schema, json.loads(filled(schema, "schema", variant)))


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    _SCHEMAS,
    st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    ),
)
def test_fits_judges_as_the_validator_does(schema: Schema, value: object) -> None:
    if "pattern" in json.dumps(schema):  # patterns are taken on trust
        assume(not fits(value, schema, Document(schema)))
        assert not jsonschema_rs.is_valid(schema, value)
    else:
        assert fits(value, schema, Document(schema)) is jsonschema_rs.is_valid(schema, value)
