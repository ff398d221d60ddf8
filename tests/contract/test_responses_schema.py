"""Requests by responses are valid by OpenAI's published schema and OpenRouter's, and by OpenAI's own client's types."""

import json
from functools import cache
from random import Random
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses.response_create_params import ResponseCreateParams
from pydantic import TypeAdapter

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.contract.generated_requests import make_request, requests
from tests.contract.shared import SPECS
from tests.unit.wire.openai_responses.support import body
from tests.wire.responses import as_the_schema_has_it
from tests.wire.spec import request_validator

OPENAI, OPENROUTER = SPECS / "openai-openapi.yaml", SPECS / "openrouter-openapi.yaml"
pytestmark = pytest.mark.skipif(
    not OPENAI.is_file(), reason="no published schema beside this project (../shared/specs)"
)
REFUSED = frozenset(
    {"CreateChatCompletionRequest.audio", "modalities", "stop", "CreateChatCompletionRequest.n", "video"}
    | {"ContentPart.audio", "regex", "grammar"}
)
"""What this API has no way to do: tests of their own say how it is refused."""
WORDS = frozenset({"service_tier", "ReasoningOptions.summary", "moderation_json"})
"""What goes in the provider's words, which no generator knows."""
HOSTS = (("openai", "gpt-5.6"), ("openai", "gpt-4.1"), ("openrouter", "openai/gpt-5.2"))


@cache
def _validator(host: str) -> Any:
    if host == "openai":
        return request_validator(OPENAI, "CreateResponse")
    return request_validator(OPENROUTER, "ResponsesRequest")


@cache
def _client() -> TypeAdapter[Any]:
    return TypeAdapter(ResponseCreateParams)


def _sent(request: CreateChatCompletionRequest, host: str, model: str, *, stream: bool) -> Any:
    """The body; None where the request is refused, with words and a field."""
    try:
        return body(request, host, model, stream=stream)
    except (UnsupportedByProvider, InvalidArgument):
        return None


@given(st.sampled_from(HOSTS), st.booleans(), st.data())
@settings(max_examples=120, deadline=None, derandomize=True)
def test_what_is_sent_is_valid(place: tuple[str, str], stream: bool, data: st.DataObject) -> None:
    host, model = place
    sent = _sent(data.draw(requests(host, without=REFUSED | WORDS)), host, model, stream=stream)
    if sent is not None:
        assert _validator(host)(as_the_schema_has_it(sent)) == []
        if host == "openai":
            _same(as_the_schema_has_it(sent), _client().validate_python(as_the_schema_has_it(sent)))


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


@pytest.mark.parametrize(("host", "model"), HOSTS)
def test_most_requests_are_sent(host: str, model: str) -> None:
    sent = [_sent(make_request(Random(seed), host, REFUSED | WORDS), host, model, stream=False) for seed in range(200)]
    assert sum(one is not None for one in sent) > 100


def test_the_schema_would_have_noticed() -> None:
    good = {"model": "m", "input": [{"role": "user", "content": "x"}], "store": False}
    assert _validator("openai")(good) == []
    for broken in (
        {**good, "temperature": 3}, {**good, "input": [{"role": "nobody", "content": "x"}]},
        {**good, "reasoning": {"effort": "most"}}, {**good, "tools": [{"type": "function"}]},
        {**good, "input": [{"type": "function_call", "name": "f"}]}, {**good, "include": ["everything"]},
    ):  # fmt: skip
        assert _validator("openai")(broken)
    assert json.dumps(good)
