"""OpenAI's published schema as a judge of requests, where it is there: ``../shared/specs/openai-openapi.yaml``."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

_NAME = "CreateChatCompletionRequest"
_SHOWN = 5


def request_validator(path: Path, name: str = _NAME) -> Callable[[Any], list[str]] | None:
    """What is wrong with a request by the spec's schema ``name``, as a function; None where the spec is not there."""
    if not path.is_file():
        return None
    schemas = _schemas(path)
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": reachable(schemas, name)}}
    validator = jsonschema_rs.Draft202012Validator(schema)

    def validate(body: Any) -> list[str]:
        errors = validator.iter_errors(body)
        return [
            f"{'.'.join(str(step) for step in error.instance_path) or 'body'}: {error.message[:200]}"
            for error, _ in zip(errors, range(_SHOWN), strict=False)
        ]

    return validate


@cache
def _schemas(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        document = yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {known: mended(schema) for known, schema in document["components"]["schemas"].items()}


def mended(schema: Any) -> Any:
    """OpenAPI as JSON Schema: 3.0's ``nullable`` lingers in the 3.1 document; formats are hints.

    Where a discriminator chooses, one of several is any of them: two kinds of input message are written alike.
    """
    if isinstance(schema, list):
        return [mended(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {
        name: mended(value)
        for name, value in schema.items()
        if name not in ("nullable", "format", "discriminator") or (name == "format" and isinstance(value, dict))
    }
    if "discriminator" in schema and "oneOf" in kept:
        kept["anyOf"] = kept.pop("oneOf")
    if schema.get("nullable") is True:
        return {"anyOf": [kept, {"type": "null"}]}
    return kept


def reachable(schemas: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    open_ = [name]
    while open_:
        here = open_.pop()
        if here in found or here not in schemas:
            continue
        found[here] = schemas[here]
        open_ += _references(schemas[here])
    return found


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [name for item in schema for name in _references(item)]
    if not isinstance(schema, dict):
        return []
    target = schema.get("$ref")
    own = [target.rsplit("/", 1)[1]] if isinstance(target, str) else []
    return own + [name for value in schema.values() for name in _references(value)]
