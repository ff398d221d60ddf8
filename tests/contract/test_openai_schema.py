"""Requests of every field are valid by the providers' own published schemas, and hold no key those do not know."""

import json
from functools import cache
from typing import Any

import jsonschema_rs
import pytest
import yaml
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from tests.contract.shared import SPECS
from tests.unit.wire.support import ask, encoded

_SCHEMA = '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}'
_PNG = {"data": "iVBORw0KGgo=", "mimeType": "image/png"}
_FUNCTION = {"function": {"name": "f", "description": "d", "parametersJsonSchema": _SCHEMA, "strict": True}}
_CUSTOM = {"custom": {"name": "g", "description": "d", "larkGrammar": "start: x"}}


def _user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts)}


_COMMON: dict[str, dict[str, Any]] = {
    "plain": {},
    "roles": {
        "messages": [
            {"role": "ROLE_SYSTEM", "content": [{"text": "a"}, {"text": "b"}]},
            {"role": "ROLE_DEVELOPER", "content": [{"text": "a"}]},
            {**_user({"text": "a"}), "name": "Ada"},
            {"role": "ROLE_ASSISTANT", "content": [{"text": "a"}, {"text": "b"}]},
            {"role": "ROLE_ASSISTANT", "refusal": "no"},
            _user({"text": "a"}),
        ]
    },
    "tool_turns": {
        "tools": [_FUNCTION],
        "messages": [
            _user({"text": "a"}),
            {
                "role": "ROLE_ASSISTANT",
                "toolCalls": [{"id": "1", "function": {"name": "f", "argumentsJson": "{}"}}],
            },
            {"role": "ROLE_TOOL", "toolCallId": "1", "content": [{"text": "4"}]},
            {"role": "ROLE_TOOL", "toolCallId": "1", "content": [{"text": "4"}, {"text": "5"}]},
        ],
    },
    "vision": {
        "messages": [
            _user(
                {"text": "a"},
                {"image": {"media": _PNG, "detail": "IMAGE_DETAIL_HIGH"}},
                {"image": {"media": {"url": "https://x.test/a.png"}}},
            )
        ]
    },
    "audio_in": {"messages": [_user({"audio": {"media": {"data": "AAAA", "mimeType": "audio/wav"}}})]},
    "files": {
        "messages": [
            _user(
                {"file": {"media": {"data": "AAAA", "mimeType": "application/pdf", "filename": "a.pdf"}}},
                {"file": {"media": {"fileId": "file-1"}}},
            )
        ]
    },
    "sampling": {
        "temperature": 0.2,
        "topP": 0.5,
        "maxCompletionTokens": 5,
        "frequencyPenalty": 1,
        "presencePenalty": -1,
        "seed": "7",
        "stop": ["a", "b"],
        "logitBias": {"50256": -100},
        "logprobs": True,
        "topLogprobs": 2,
        "n": 2,
    },
    "choice_of_mode": {"tools": [_FUNCTION], "toolChoice": {"mode": "TOOL_CHOICE_MODE_REQUIRED"}},
    "choice_of_function": {"tools": [_FUNCTION], "toolChoice": {"functionName": "f"}, "parallelToolCalls": False},
    "format_text": {"responseFormat": {"text": {}}},
    "format_object": {"responseFormat": {"jsonObject": {}}},
    "format_schema": {
        "responseFormat": {"jsonSchema": {"name": "n", "description": "d", "schemaJson": _SCHEMA, "strict": True}}
    },
    "format_schema_without_a_name": {"responseFormat": {"jsonSchema": {"schemaJson": _SCHEMA}}},
    "operations": {
        "serviceTier": "flex",
        "metadata": {"a": "b"},
        "promptCacheKey": "k",
        "promptCacheTtl": "30m",
        "user": "u",
        "prediction": {"content": "x"},
    },
}
_OPENAI = {
    **_COMMON,
    "reasoning": {"reasoning": {"effort": "REASONING_EFFORT_MAX"}, "verbosity": "VERBOSITY_HIGH"},
    "more_operations": {
        "store": True,
        "safetyIdentifier": "s",
        "promptCacheTtl": "24h",
        "moderationJson": '{"model":"omni-moderation-latest"}',
        "streamOptions": {"includeObfuscation": False},
    },
    "search": {"webSearchOptions": {"searchContextSize": "high", "country": "DE", "city": "Berlin"}},
    "speech": {
        "modalities": ["MODALITY_TEXT", "MODALITY_AUDIO"],
        "audio": {"voice": "alloy", "format": "AUDIO_FORMAT_MP3"},
        "messages": [_user({"text": "a"}), {"role": "ROLE_ASSISTANT", "audioId": "audio_1"}, _user({"text": "b"})],
    },
    "custom_tools": {
        "tools": [_FUNCTION, _CUSTOM, {"custom": {"name": "h", "regexGrammar": "a+"}}],
        "toolChoice": {"allowedTools": {"mode": "TOOL_CHOICE_MODE_AUTO", "names": ["f", "g"]}},
        "messages": [
            _user({"text": "a"}),
            {"role": "ROLE_ASSISTANT", "toolCalls": [{"id": "1", "custom": {"name": "g", "input": "x"}}]},
            {"role": "ROLE_TOOL", "toolCallId": "1", "content": [{"text": "4"}]},
        ],
    },
    "choice_of_custom": {"tools": [_CUSTOM], "toolChoice": {"customName": "g"}},
    "cache": {"messages": [_user({"text": "a", "cacheControl": {}}, {"image": {"media": _PNG}, "cacheControl": {}})]},
}
_OPENROUTER = {
    **{name: fields for name, fields in _COMMON.items() if name != "format_schema_without_a_name"},
    "samplers": {"topK": 5, "minP": 0.1, "repetitionPenalty": 1.1},
    "reasoning": {"reasoning": {"effort": "REASONING_EFFORT_HIGH", "summary": "concise"}},
    "grammar": {"responseFormat": {"grammar": "root ::= x"}},
    "media_out": {"modalities": ["MODALITY_TEXT", "MODALITY_IMAGE"]},
    "cache": {"messages": [_user({"text": "a", "cacheControl": {"ttl": "1h"}})]},
    "replay": {
        "messages": [
            _user({"text": "a"}),
            {
                "role": "ROLE_ASSISTANT",
                "content": [
                    {"reasoning": {"text": "t", "signature": "AAAA", "provider": "openrouter"}},
                    {"reasoning": {"signature": "AAAA", "redacted": True, "provider": "openrouter"}},
                    {"text": "x"},
                    {"image": {"media": _PNG}},
                ],
            },
            _user({"text": "b"}, {"video": {"media": {"url": "https://x.test/a.mp4"}}}),
        ]
    },
}


@cache
def _spec(name: str) -> dict[str, Any]:
    path = SPECS / f"{name}-openapi.yaml"
    if not path.exists():
        pytest.skip(f"the published schema of {name} is not beside this project ({path.name})")
    spec: dict[str, Any] = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return spec


@cache
def _validator(name: str, schema: str) -> jsonschema_rs.Draft202012Validator:
    components = _without_discriminators(_spec(name)["components"]["schemas"])
    root = {"$ref": f"#/components/schemas/{schema}", "components": {"schemas": components}}
    return jsonschema_rs.Draft202012Validator(root)


def _without_discriminators(node: Any) -> Any:
    """OpenAPI's own words beside JSON Schema's mean nothing here; ``nullable`` is 3.0's way to allow null."""
    if isinstance(node, list):
        return [_without_discriminators(item) for item in node]
    if not isinstance(node, dict):
        return node
    clean = {
        key: _without_discriminators(value)
        for key, value in node.items()
        if key not in ("discriminator", "nullable", "example", "examples", "default") or not _is_keyword(key, value)
    }
    return {"anyOf": [clean, {"type": "null"}]} if node.get("nullable") is True else clean


def _is_keyword(key: str, value: Any) -> bool:
    """False where the word is the name of a property, whose value is a schema."""
    return not (isinstance(value, dict) and key != "discriminator" and ("type" in value or "$ref" in value))


def _known_keys(name: str, schema: str) -> set[str]:
    schemas = _spec(name)["components"]["schemas"]

    def keys(node: dict[str, Any]) -> set[str]:
        if "$ref" in node:
            return keys(schemas[node["$ref"].rsplit("/", 1)[1]])
        return set(node.get("properties", {})).union(*(keys(part) for part in node.get("allOf", [])))

    return keys(schemas[schema])


def _check(host: str, schema: str, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> None:
    sent = encoded(request, host, model, stream=stream)
    body = json.loads(sent.body)
    errors = [
        f"{'.'.join(map(str, error.instance_path))}: {error.message}"[:300]
        for error in _validator(host, schema).iter_errors(body)
    ]
    assert errors == []
    assert set(body) <= _known_keys(host, schema)
    assert sent.adjusted_fields == ()


def _model(case: str) -> str:
    return "gpt-5.6" if case in ("reasoning", "cache") else "gpt-4.1"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", sorted(_OPENAI))
def test_openai(case: str, stream: bool) -> None:
    _check("openai", "CreateChatCompletionRequest", ask(**_OPENAI[case]), _model(case), stream=stream)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", sorted(_OPENROUTER))
def test_openrouter(case: str, stream: bool) -> None:
    fields = dict(_OPENROUTER[case])
    # Its schema has no n and no lifetime of a cached prefix.
    for name in ("n", "promptCacheTtl"):
        fields.pop(name, None)
    _check("openrouter", "ChatRequest", ask(**fields), "openai/gpt-4o", stream=stream)


def test_the_schema_would_have_noticed() -> None:
    validator = _validator("openai", "CreateChatCompletionRequest")
    good = json.loads(encoded(ask()).body)
    assert validator.is_valid(good)
    for broken in (
        {**good, "temperature": 3},
        {**good, "stop": list("abcde")},
        {**good, "messages": [{"role": "nobody", "content": "x"}]},
        {**good, "tools": [{"type": "function", "function": {}}]},
        {**good, "reasoning_effort": "most"},
        {"messages": good["messages"]},
    ):
        assert not validator.is_valid(broken)


def test_every_field_of_the_request_is_in_a_case() -> None:
    used = {field.name for fields in _OPENAI.values() for field, _ in ask(**fields).ListFields()}
    elsewhere = {"gateway", "top_k", "min_p", "repetition_penalty"}
    assert set(CreateChatCompletionRequest.DESCRIPTOR.fields_by_name) - used == elsewhere
