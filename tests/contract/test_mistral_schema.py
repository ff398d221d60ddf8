"""Requests to Mistral are valid by its published schema, which refuses unknown keys, and by its own client's types."""

import json
from functools import cache
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from mistralai.client.models import ChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import SPECS
from tests.unit.wire.support import encoded
from tests.wire.spec import request_validator

SPEC = SPECS / "mistral-openapi.yaml"
pytestmark = pytest.mark.skipif(not SPEC.is_file(), reason="no published schema beside this project (../shared/specs)")
REFUSED = frozenset(
    {"web_search_options", "CreateChatCompletionRequest.audio", "modalities", "moderation_json", "logprobs"}
    | {"top_logprobs", "video", "custom", "regex", "grammar"}
)
"""What Mistral has no way to do: tests of their own say how it is refused."""
MODELS = ("mistral-medium-latest", "mistral-small-latest", "codestral-2508")


@cache
def _validator() -> Any:
    return request_validator(SPEC, "ChatCompletionRequest")


def _sent(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return json.loads(encoded(request, "mistral", model, stream=stream).body)
    except (UnsupportedByProvider, InvalidArgument):
        return None


def _without_signatures(body: dict[str, Any]) -> dict[str, Any]:
    """Signatures of thoughts are newer than the schema: Mistral's client has them, and only those it made go back."""
    for message in body["messages"]:
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            if part["type"] == "thinking":
                part.pop("signature", None)
    return body


@given(requests("mistral", without=REFUSED), st.sampled_from(MODELS), st.booleans())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(request: CreateChatCompletionRequest, model: str, stream: bool) -> None:
    body = _sent(request, model, stream=stream)
    if body is not None:
        ChatCompletionRequest.model_validate(body)
        assert _validator()(_without_signatures(body)) == []


def test_most_requests_are_sent() -> None:
    sent = [_sent(make_request(Random(seed), "mistral", REFUSED), MODELS[0], stream=False) for seed in range(200)]
    assert sum(body is not None for body in sent) > 100


def test_the_schema_would_have_noticed() -> None:
    good = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    assert _validator()(good) == []
    for broken in (
        {**good, "max_completion_tokens": 3}, {**good, "temperature": 1.6}, {**good, "random_seed": -1},
        {**good, "reasoning_effort": "low"}, {**good, "messages": [{"role": "user", "content": "x", "name": "a"}]},
    ):  # fmt: skip
        assert _validator()(broken)
