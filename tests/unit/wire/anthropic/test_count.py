"""Counting tokens: https://platform.claude.com/docs/en/build-with-claude/token-counting."""

import json
from typing import Any

import pytest

from server.errors import ProviderBadResponse, ProviderRateLimited, UnsupportedByProvider
from server.providers.registry import PROVIDERS
from server.wire.codec import CountCodec
from server.wire.http import HttpResponse
from tests.unit.wire.support import ask

MODEL = "claude-opus-4-6"


def counter() -> CountCodec:
    count = PROVIDERS["anthropic"].count
    assert count
    return count({})


def counted(**fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(counter().encode(ask(**fields), MODEL).body)
    return told


def test_what_the_model_reads_is_sent() -> None:
    told = counted(
        tools=[{"function": {"name": "f"}}],
        reasoning={"budgetTokens": 2000, "effort": "REASONING_EFFORT_LOW"},
        max_completion_tokens=4000,
        prompt_cache_ttl="5m",
        gateway={"extraBodyJson": '{"context_management": {}}'},
    )
    assert told == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Hello"}],
        "tools": [{"name": "f", "input_schema": {"type": "object", "properties": {}}}],
        "thinking": {"type": "enabled", "budget_tokens": 2000},
        "output_config": {"effort": "low"},
        "cache_control": {"type": "ephemeral", "ttl": "5m"},
        "context_management": {},
    }


def test_what_only_shapes_the_answer_is_not_even_judged() -> None:
    told = counted(
        temperature=1.9, n=3, logprobs=True, stop=[" "], seed=1, gateway={"strictParameters": True}, user="u"
    )
    assert told.keys() == {"model", "messages"}


def test_what_cannot_be_counted_is_refused() -> None:
    with pytest.raises(UnsupportedByProvider):
        counted(tools=[{"custom": {"name": "c"}}])


def test_answers() -> None:
    response = counter().decode(HttpResponse(200, {}, b'{"input_tokens": 14}'), MODEL)
    assert (response.input_tokens, response.model, response.estimated) == (14, MODEL, False)
    for body in (b"{}", b"[]", b'{"input_tokens": "14"}', b'{"input_tokens": -1}'):
        with pytest.raises(ProviderBadResponse):
            counter().decode(HttpResponse(200, {}, body), MODEL)
    error = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
    with pytest.raises(ProviderRateLimited):
        counter().decode(HttpResponse(200, {}, error), MODEL)
    assert isinstance(counter().decode_error(HttpResponse(429, {}, error)), ProviderRateLimited)
