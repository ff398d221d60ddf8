"""Google's own client as a judge of requests: its types refuse unknown fields and wrong values."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

# generationConfig of the reference, beside what GenerationConfig of the client's types knows.
_CONFIG_BESIDE = {"imageConfig": "ImageConfig"}
_BODY = {
    "contents": "list[Content]",
    "systemInstruction": "Content",
    "tools": "list[Tool]",
    "toolConfig": "ToolConfig",
    "generationConfig": "GenerationConfig",
    "safetySettings": "list[SafetySetting]",
    "serviceTier": "ServiceTier",
    "cachedContent": "str",
    "labels": "dict[str, str]",
    "store": "bool",
}


@cache
def _types() -> Any:
    # It takes a second to import.
    from google.genai import types

    return types


@cache
def _adapter(name: str) -> TypeAdapter[Any]:
    known: dict[str, Any] = {"str": str, "bool": bool, "dict[str, str]": dict[str, str]}
    if name.startswith("list["):
        kind: Any = getattr(_types(), name[5:-1])
        return TypeAdapter(list[kind])
    return TypeAdapter(known.get(name) or getattr(_types(), name))


def complaints(body: Any, *, count: bool = False) -> list[str]:
    """What the client's types say against a body of generateContent, or of countTokens."""
    if count and "generateContentRequest" in body:
        inner = dict(body["generateContentRequest"])
        model = inner.pop("model", None)
        return [*([] if str(model).startswith("models/") else [f"model: {model}"]), *_complaints(inner)]
    return list(_complaints(body))


def _complaints(body: Mapping[str, Any]) -> Iterator[str]:
    for name, value in body.items():
        if name not in _BODY:
            yield f"google-genai: {name} is no field"
            continue
        known = value
        if name == "generationConfig":
            known = {key: inner for key, inner in value.items() if key not in _CONFIG_BESIDE}
            for key in value.keys() - known.keys():
                yield from _against(_CONFIG_BESIDE[key], key, value[key])
        yield from _against(_BODY[name], name, known)


def _against(kind: str, name: str, value: Any) -> Iterator[str]:
    try:
        _adapter(kind).validate_python(value)
    except ValidationError as error:
        for one in error.errors()[:5]:
            where = ".".join(str(step) for step in one["loc"])
            yield f"google-genai: {name}.{where}: {one['msg']}"
