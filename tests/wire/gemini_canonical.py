"""One spelling for generateContent requests, in which a recorded and a sent one can be compared.

Google's servers read field names in two spellings and schemas in two languages. What is changed here is counted under
a rule of normalise.py, which tells why it means nothing.
"""

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

# Below these the keys are the caller's own.
_FREE = frozenset({"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"})
_SCHEMAS = {"parameters": "parametersJsonSchema", "responseSchema": "responseJsonSchema"}
# google/ai/generativelanguage/v1beta/content.proto, Type.
_TYPES = {1: "string", 2: "number", 3: "integer", 4: "boolean", 5: "array", 6: "object", 7: "null"}

SPELLING = "camelCase"
SCHEMA = "a schema in JSON Schema"
COUNTED = "a whole request is counted"
LIMIT = "no limit where tokens are counted"


def canonical(body: Any, used: Counter[str]) -> Any:
    """The same request in the spelling and the language that the reference prefers."""
    if isinstance(body, list):
        return [canonical(item, used) for item in body]
    if not isinstance(body, Mapping):
        return body
    told = {}
    for key, value in body.items():
        name = re.sub(r"_([a-z])", lambda found: found[1].upper(), key)
        used[SPELLING] += name != key
        if name in _SCHEMAS:
            used[SCHEMA] += 1
            told[_SCHEMAS[name]] = json_schema(value)
        else:
            told[name] = value if name in _FREE else canonical(value, used)
    return told


def json_schema(schema: Any) -> Any:
    """An OpenAPI schema, as Google's first field for schemas has it, in JSON Schema: types in lower case."""
    if isinstance(schema, list):
        return [json_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {key: _member(key, value) for key, value in schema.items()}


def _member(key: str, value: Any) -> Any:
    if key == "type":
        return _TYPES[value] if isinstance(value, int) else value.lower()
    if key in ("properties", "$defs"):
        return {name: json_schema(inner) for name, inner in value.items()}
    return json_schema(value) if key in ("items", "anyOf", "additionalProperties") else value


def counted(body: Mapping[str, Any], model: str, used: Counter[str], *, whole: bool) -> Any:
    """A request of countTokens, already canonical, as the whole request that the Gemini API takes, or parts of it."""
    if "generateContentRequest" in body:
        return body
    limit = body.get("generationConfig", {}).keys() == {"maxOutputTokens"}
    used[LIMIT] += limit
    kept = {key: value for key, value in body.items() if not (limit and key == "generationConfig")}
    used[COUNTED] += whole
    return {"generateContentRequest": {"model": f"models/{model}", **kept}} if whole else kept
