"""Chat requests made at random are valid by the schemas that hosts of OpenAI's format publish, or by clients' types."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import pytest
import yaml
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from groq.types.chat.completion_create_params import CompletionCreateParams as GroqParams
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat.completion_create_params import CompletionCreateParams as OpenAIParams
from pydantic import TypeAdapter

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import SPECS
from tests.unit.wire.support import encoded
from tests.wire.spec import request_validator

WORDS = frozenset(
    {"service_tier", "ReasoningOptions.summary", "moderation_json", "prompt_cache_ttl"}
    | {"CacheControl.ttl", "ReasoningPart.format"}
)
"""What goes in the provider's words, which no generator knows."""


@dataclass(frozen=True)
class Host:
    """How one host's requests are judged."""

    kind: str
    models: tuple[str, ...]
    schema: str = ""
    """In its published document; empty where there is none."""
    types: Any = None
    """Of its own client; None where there is none."""
    refused: frozenset[str] = frozenset()
    """What it has no way to do: tests of their own say how it is refused."""
    elsewhere: frozenset[str] = frozenset()
    """Fields that pages of its own have and the schema has not."""
    spell: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: body
    """Where its pages show one thing and the schema demands another."""


def _numbered(body: dict[str, Any]) -> dict[str, Any]:
    """Together's schema borrows the calls of a streamed answer for requests, index and all.

    Its guide calls one function by name alone: https://docs.together.ai/docs/function-calling
    """
    for message in body["messages"]:
        for place, call in enumerate(message.get("tool_calls", ())):
            call["index"] = place
    if isinstance(choice := body.get("tool_choice"), dict):
        choice["function"]["arguments"] = ""
        choice |= {"id": "", "index": 0}
    return body


_TEXT_AND_IMAGES = frozenset(
    {"file", "ContentPart.audio", "CreateChatCompletionRequest.audio", "modalities", "web_search_options", "grammar"}
    | {"custom", "Media.file_id", "start_offset", "end_offset"}
)
HOSTS = {
    host.kind: host
    for host in (
        Host(
            "openai",
            ("gpt-4.1", "gpt-5.6", "o3"),
            "CreateChatCompletionRequest",
            types=OpenAIParams,
            refused=frozenset({"video", "regex", "grammar", "Media.url", "modalities"}),
        ),
        Host(
            "openrouter",
            ("openai/gpt-4o",),
            "ChatRequest",
            # https://openrouter.ai/docs/api-reference/parameters, and web-search and multimodal/audio in /docs/features
            elsewhere=frozenset({"verbosity", "web_search_options", "audio"}),
            refused=frozenset({"Media.file_id", "start_offset", "end_offset", "custom", "regex", "modalities"})
            # Its schema has no n, of which it gives one.
            | {"CreateChatCompletionRequest.n"},
        ),
        Host(
            "together",
            ("meta-llama/Llama-3.3-70B-Instruct-Turbo",),
            "ChatCompletionRequest",
            # https://docs.together.ai/docs/json-mode has it, the schema has not.
            refused=_TEXT_AND_IMAGES | {"regex"},
            spell=_numbered,
        ),
        Host(
            "groq",
            ("openai/gpt-oss-120b",),
            types=GroqParams,
            refused=_TEXT_AND_IMAGES | {"video", "regex", "logprobs", "CreateChatCompletionRequest.n"},
        ),
    )
}


def _document(kind: str) -> Any:
    return SPECS / f"{kind}-openapi.yaml"


@cache
def _validator(kind: str) -> Callable[[Any], list[str]] | None:
    return request_validator(_document(kind), HOSTS[kind].schema) if HOSTS[kind].schema else None


@cache
def _known(kind: str) -> frozenset[str]:
    """Top-level keys of the schema, which forbids no others."""
    document = yaml.load(_document(kind).read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    schemas = document["components"]["schemas"]

    def keys(node: Any) -> frozenset[str]:
        if "$ref" in node:
            node = schemas[node["$ref"].rsplit("/", 1)[1]]
        return frozenset(node.get("properties", ())).union(*map(keys, node.get("allOf", ())))

    return keys(schemas[HOSTS[kind].schema])


@cache
def _client(kind: str) -> TypeAdapter[Any]:
    return TypeAdapter(HOSTS[kind].types)


def _sent(request: CreateChatCompletionRequest, kind: str, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(encoded(request, kind, model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


def _same(sent: Any, read: Any) -> None:
    """The client's types drop what they do not know in silence, and read lists only where they are walked."""
    if isinstance(sent, dict):
        assert isinstance(read, dict)
        assert sent.keys() == read.keys()
        for name, value in sent.items():
            _same(value, read[name])
    elif isinstance(sent, list):
        for one, other in zip(sent, read, strict=True):
            _same(one, other)


@pytest.mark.parametrize("kind", HOSTS)
@given(stream=st.booleans(), data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(kind: str, stream: bool, data: st.DataObject) -> None:
    host = HOSTS[kind]
    if host.schema and not _document(kind).is_file():
        pytest.skip("no published schema beside this project (../shared/specs)")
    model = data.draw(st.sampled_from(host.models))
    body = _sent(data.draw(requests(kind, without=host.refused | WORDS)), kind, model, stream=stream)
    if body is None:
        return
    body = host.spell(body)
    if (validate := _validator(kind)) is not None:
        assert validate(body) == []
        assert body.keys() <= _known(kind) | host.elsewhere
    if host.types is not None:
        _same(body, _client(kind).validate_python(body))


@pytest.mark.parametrize("kind", HOSTS)
def test_most_requests_are_sent(kind: str) -> None:
    host = HOSTS[kind]
    made = [make_request(Random(seed), kind, host.refused | WORDS) for seed in range(200)]
    sent = [_sent(request, kind, host.models[0], stream=False) for request in made]
    assert sum(body is not None for body in sent) > 100


@pytest.mark.parametrize("kind", [kind for kind, host in HOSTS.items() if host.schema])
def test_the_schema_would_have_noticed(kind: str) -> None:
    if not _document(kind).is_file():
        pytest.skip("no published schema beside this project (../shared/specs)")
    validate = _validator(kind)
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert validate is not None
    assert validate(good) == []
    for broken in (
        {**good, "messages": [{"role": "nobody", "content": "x"}]},
        {**good, "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]},
        {**good, "messages": [{"role": "tool", "content": "x"}]},
        {**good, "tools": ["f"]},
        {**good, "response_format": {"type": "yaml"}},
        {**good, "temperature": "warm"},
    ):
        assert validate(broken), broken
