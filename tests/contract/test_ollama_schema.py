"""Requests to Ollama are valid by its published schema, and by its own client's types."""

import json
from functools import cache
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from ollama._types import ChatRequest, Message, Options

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import SPECS
from tests.unit.wire.support import ask, encoded
from tests.wire.spec import request_validator

SPEC = SPECS / "ollama-openapi.yaml"
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="no published schema beside this project (../shared/specs)")
REFUSED = frozenset(
    {"CreateChatCompletionRequest.audio", "web_search_options", "modalities", "moderation_json", "regex", "grammar"}
    | {"CreateChatCompletionRequest.n", "video", "file", "ContentPart.audio", "custom", "Media.url", "Media.file_id"}
    | {"tool_choice", "audio_id"}
)
"""What it has no way to do: tests of their own say how it is refused. Addresses are fetched before."""
MODELS = ("qwen3:8b", "gpt-oss:20b")


@cache
def _validator() -> Any:
    return request_validator(SPEC, "ChatRequest")


def _sent(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(encoded(request, "ollama", model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


@given(requests("ollama", without=REFUSED), st.sampled_from(MODELS), st.booleans())
@settings(max_examples=80, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(request: CreateChatCompletionRequest, model: str, stream: bool) -> None:
    body = _sent(request, model, stream=stream)
    if body is None:
        return
    assert _validator()(body) == []
    told = ChatRequest.model_validate(body)
    # Its types pass over what they do not know: every key that is sent must be one of theirs, ids of calls
    # and min_p aside, which the schema has and they do not.
    assert set(body) <= set(ChatRequest.model_fields)
    assert set(body.get("options", ())) - {"min_p"} <= set(Options.model_fields)
    for message in body["messages"]:
        assert set(message) - {"tool_call_id"} <= set(Message.model_fields)
    assert told.model == model


def test_most_requests_are_sent() -> None:
    sent = [_sent(make_request(Random(seed), "ollama", REFUSED), MODELS[0], stream=False) for seed in range(200)]
    assert sum(body is not None for body in sent) > 100


def test_the_schema_would_have_noticed() -> None:
    good = json.loads(encoded(ask(), "ollama").body)
    assert _validator()(good) == []
    for broken in (
        {**good, "think": "most"}, {**good, "format": "yaml"}, {**good, "options": {"seed": "x"}},
        {**good, "messages": [{"role": "user", "content": []}]},
        {**good, "messages": [{"role": "nobody", "content": ""}]},
        {**good, "tools": [{"type": "function", "function": {"name": "f"}}]}, {"model": "m"},
    ):  # fmt: skip
        assert _validator()(broken)
