"""Requests to Anthropic are valid by its own client's types, and hold nothing that those do not know."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.beta.message_create_params import MessageCreateParams
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from server.errors import InvalidArgument, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import WIRE
from tests.unit.wire.support import encoded

REFUSED = frozenset(
    {"audio", "modalities", "moderation_json", "logprobs", "top_logprobs", "video"}
    | {"custom", "regex", "grammar", "n"}
)
"""What Anthropic has no way to do: tests of their own say how it is refused."""
MODELS = ("claude-opus-5-5", "claude-sonnet-5", "claude-opus-4-6", "claude-haiku-4-5", "claude-3-5-haiku-latest")
# Gone from the client with version 2026-10-21 of the API; the version that the hub asks for has them.
SAMPLING = frozenset({"temperature", "top_p", "top_k"})


@cache
def _adapter(params: Any) -> TypeAdapter[Any]:
    return TypeAdapter(params)


def _walked(value: Any) -> Any:
    """The same with everything that is validated as it is read, read."""
    if isinstance(value, Mapping):
        return {name: _walked(one) for name, one in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return [_walked(one) for one in value]
    return value


def complaints(body: Mapping[str, Any], params: Any = MessageCreateParams) -> list[str]:
    """What the types say against a body."""
    told = {name: value for name, value in body.items() if name not in SAMPLING}
    try:
        known = _walked(_adapter(params).validate_python(told))
    except ValidationError as error:
        return [str(error)]
    # Unknown keys are not complained of but left out.
    return list(_missing(told, known, "body"))


def _missing(told: Any, known: Any, path: str) -> Iterable[str]:
    if isinstance(told, dict) and isinstance(known, dict):
        for name, value in told.items():
            if name not in known:
                yield f"{path}.{name} is unknown"
            elif name != "input_schema":
                # A schema may say what it likes.
                yield from _missing(value, known[name], f"{path}.{name}")
    elif isinstance(told, list) and isinstance(known, list):
        for place, (one, other) in enumerate(zip(told, known, strict=True)):
            yield from _missing(one, other, f"{path}[{place}]")


def _sent(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(encoded(request, "anthropic", model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


@given(requests("anthropic", without=REFUSED), st.sampled_from(MODELS), st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(request: CreateChatCompletionRequest, model: str, stream: bool) -> None:
    body = _sent(request, model, stream=stream)
    if body is not None:
        assert complaints(body) == []
        assert body["max_tokens"] > body.get("thinking", {}).get("budget_tokens", 0)
        _check_turns(body["messages"])


def _check_turns(messages: list[Any]) -> None:
    """What the API asks of a conversation beyond its types."""
    for message in messages:
        assert message["content"]
        kinds = [block["type"] for block in message["content"] if isinstance(block, dict)]
        results = kinds.count("tool_result")
        assert kinds[:results] == ["tool_result"] * results


@given(requests("anthropic", without=REFUSED), st.sampled_from(MODELS))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_what_is_counted_is_valid(request: CreateChatCompletionRequest, model: str) -> None:
    counter = PROVIDERS["anthropic"].count
    assert counter
    try:
        sent = counter({}).encode(request, model)
    except (UnsupportedByProvider, InvalidArgument):
        return
    assert sent.path == "/v1/messages/count_tokens"
    assert complaints(json.loads(sent.body), MessageCountTokensParams) == []


def test_most_requests_are_sent() -> None:
    sent = [_sent(make_request(Random(seed), "anthropic", REFUSED), MODELS[2], stream=False) for seed in range(200)]
    assert sum(body is not None for body in sent) > 100


def test_the_types_would_have_noticed() -> None:
    good: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "x"}]}
    assert complaints(good) == []
    for broken in (
        {**good, "seed": 1}, {**good, "max_tokens": None}, {**good, "messages": [{"role": "tool", "content": "x"}]},
        {**good, "thinking": {"type": "enabled"}}, {**good, "tools": [{"name": "f", "input_schemas": {}}]},
        {**good, "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "name": "a"}]}]},
    ):  # fmt: skip
        assert complaints(broken), broken


@pytest.mark.skipif(not WIRE.is_dir(), reason="no recordings beside this project (../shared/wire)")
def test_the_types_accept_what_anthropic_accepted() -> None:
    bodies = []
    for path in WIRE.glob("anthropic/*messages*.json"):
        told = json.loads(path.read_text())
        if told["status"] == 200 and told["request_body_encoding"] == "json":
            # The SDK's own field for what became output_config.
            bodies.append({name: value for name, value in told["request_body"].items() if name != "output_format"})
    accepted = sum(complaints(body) == [] for body in bodies)
    assert accepted >= 0.95 * len(bodies) > 50
