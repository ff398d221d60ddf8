import json
from typing import Any

import pytest

from server.errors import InvalidArgument
from tests.unit.wire.support import ask, body, encoded

_OWN = {"model", "messages"}


def told(host: str, model: str = "a-reasoner", **options: Any) -> dict[str, Any]:
    sent = body(ask(reasoning=options), host, model)
    return {key: value for key, value in sent.items() if key not in _OWN}


@pytest.mark.parametrize(
    ("host", "options", "expected"),
    [
        ("openai", {"effort": "REASONING_EFFORT_MINIMAL"}, {"reasoning_effort": "minimal"}),
        ("openai", {"effort": "REASONING_EFFORT_XHIGH"}, {"reasoning_effort": "xhigh"}),
        ("openai", {"effort": "REASONING_EFFORT_MAX"}, {"reasoning_effort": "max"}),
        ("openai", {"mode": "REASONING_MODE_OFF"}, {"reasoning_effort": "none"}),
        ("openai", {"mode": "REASONING_MODE_ON"}, {"reasoning_effort": "medium"}),
        ("openai", {"mode": "REASONING_MODE_ADAPTIVE"}, {}),
        ("openrouter", {"effort": "REASONING_EFFORT_HIGH"}, {"reasoning": {"effort": "high"}}),
        ("openrouter", {"mode": "REASONING_MODE_ON"}, {"reasoning": {"enabled": True}}),
        (
            "openrouter",
            {"effort": "REASONING_EFFORT_HIGH", "mode": "REASONING_MODE_ON"},
            {"reasoning": {"effort": "high", "enabled": True}},
        ),
        ("openrouter", {"budgetTokens": 2000}, {"reasoning": {"max_tokens": 2000}}),
        ("openrouter", {"budgetTokens": 0}, {"reasoning": {"enabled": False}}),
        ("openrouter", {"includeText": False}, {"reasoning": {"exclude": True}}),
        ("openrouter", {"summary": "concise"}, {"reasoning": {"summary": "concise"}}),
        ("deepseek", {"mode": "REASONING_MODE_ON"}, {"thinking": {"type": "enabled"}}),
        ("deepseek", {"effort": "REASONING_EFFORT_NONE"}, {"thinking": {"type": "disabled"}}),
        (
            "deepseek",
            {"mode": "REASONING_MODE_ON", "effort": "REASONING_EFFORT_HIGH"},
            {"thinking": {"type": "enabled"}, "reasoning_effort": "high"},
        ),
        ("deepseek", {"effort": "REASONING_EFFORT_MEDIUM"}, {"reasoning_effort": "medium"}),
        ("zai", {"mode": "REASONING_MODE_OFF"}, {"thinking": {"type": "disabled"}}),
        ("doubao", {"mode": "REASONING_MODE_ADAPTIVE"}, {"thinking": {"type": "auto"}}),
        (
            "groq",
            {"effort": "REASONING_EFFORT_LOW", "includeText": True},
            {"reasoning_effort": "low", "reasoning_format": "parsed"},
        ),
        ("groq", {"includeText": False}, {"reasoning_format": "hidden"}),
        ("groq", {"mode": "REASONING_MODE_OFF"}, {"reasoning_effort": "none"}),
        ("together", {"mode": "REASONING_MODE_OFF"}, {"reasoning": {"enabled": False}}),
        ("together", {"effort": "REASONING_EFFORT_HIGH"}, {"reasoning_effort": "high"}),
        (
            "vllm",
            {"mode": "REASONING_MODE_OFF", "includeText": False, "budgetTokens": 5},
            {
                "chat_template_kwargs": {"enable_thinking": False},
                "include_reasoning": False,
                "thinking_token_budget": 5,
            },
        ),
    ],
)
def test_each_host_hears_it_its_own_way(host: str, options: dict[str, Any], expected: dict[str, Any]) -> None:
    assert told(host, **options) == expected
    assert encoded(ask(reasoning=options), host, "a-reasoner").adjusted_fields == ()


@pytest.mark.parametrize(
    ("host", "options", "expected", "dropped"),
    [
        ("groq", {"effort": "REASONING_EFFORT_MAX"}, {"reasoning_effort": "high"}, "reasoning.effort"),
        ("groq", {"effort": "REASONING_EFFORT_MINIMAL"}, {"reasoning_effort": "none"}, "reasoning.effort"),
        ("xai", {"effort": "REASONING_EFFORT_NONE"}, {"reasoning_effort": "low"}, "reasoning.effort"),
        ("openai", {"budgetTokens": 100}, {}, "reasoning.budget_tokens"),
        ("openai", {"includeText": True}, {}, "reasoning.include_text"),
        ("openai", {"includeSignature": True}, {}, "reasoning.include_signature"),
        ("openai", {"summary": "auto"}, {}, "reasoning.summary"),
        ("deepseek", {"includeText": False}, {}, "reasoning.include_text"),
        ("deepseek", {"mode": "REASONING_MODE_ADAPTIVE"}, {}, "reasoning.mode"),
        ("openrouter", {"budgetTokens": -1}, {}, "reasoning.budget_tokens"),
    ],
)
def test_what_cannot_be_said_is_told(host: str, options: dict[str, Any], expected: Any, dropped: str) -> None:
    assert told(host, **options) == expected
    assert encoded(ask(reasoning=options), host, "a-reasoner").adjusted_fields == (dropped,)
    with pytest.raises(InvalidArgument) as caught:
        encoded(ask(reasoning=options, gateway={"strictParameters": True}), host, "a-reasoner")
    assert caught.value.fields[0].field == dropped


def extra(text: str, host: str = "openai", **fields: Any) -> bytes:
    return encoded(ask(gateway={"extraBodyJson": text}, **fields), host, "a-reasoner").body


def test_newer_fields_go_in_as_they_came() -> None:
    text = '{"z":{"b":12345678901234567890123,"a":1.50},"list":[1, 2]}'
    raw = extra(text)
    assert b'{"b":12345678901234567890123,"a":1.50}' in raw
    assert json.loads(raw)["list"] == [1, 2]


def test_they_merge_deeply_beside_what_is_set() -> None:
    raw = extra('{"thinking": {"brand_new": 1}}', "deepseek", reasoning={"mode": "REASONING_MODE_ON"})
    assert json.loads(raw)["thinking"] == {"type": "enabled", "brand_new": 1}


def test_reasoning_that_goes_back_to_z_ai_is_to_be_read() -> None:
    sent = json.loads(encoded(ask(reasoning={"mode": "REASONING_MODE_ON"}), "zai", "a-reasoner").body)
    assert sent["thinking"] == {"type": "enabled", "clear_thinking": False}
    off = json.loads(encoded(ask(reasoning={"mode": "REASONING_MODE_OFF"}), "zai", "a-reasoner").body)
    assert off["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('{"model": "x"}', "model"),
        ('{"messages": []}', "messages"),
        ('{"stream": false}', "stream"),
        ('{"temperature": 1}', "temperature"),
        ('{"max_tokens": 1}', "max_tokens"),
        ('{"max_completion_tokens": 1}', "max_completion_tokens"),
        ('{"reasoning_effort": "low"}', "reasoning_effort"),
        ('{"tools": []}', "tools"),
        ('{"stream_options": {"include_usage": false}}', "stream_options"),
        ('{"thinking": {"type": "disabled"}}', "thinking.type"),
        ('{"thinking": 1}', "thinking"),
    ],
)
def test_what_the_hub_sets_is_not_for_it(text: str, named: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        extra(text, "zai", reasoning={"mode": "REASONING_MODE_ON"})
    assert caught.value.fields[0].field == "gateway.extra_body_json"
    assert caught.value.fields[0].description.startswith(named)


@pytest.mark.parametrize("text", ["{", "[]", "null", "1"])
def test_it_must_be_an_object(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        extra(text)
    assert caught.value.fields[0].field == "gateway.extra_body_json"
