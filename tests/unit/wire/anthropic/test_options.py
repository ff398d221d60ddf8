"""Every other field of a request, by model."""

from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.models import model_facts
from tests.unit.wire.support import ask, body, encoded

OLD = "claude-3-5-sonnet-20241022"
BUDGETS = "claude-sonnet-4-5"
BOTH = "claude-opus-4-6"
ADAPTIVE = "claude-opus-4-8"
ALWAYS = "claude-opus-5-5"


def sent(model: str = BOTH, *, stream: bool = False, **fields: Any) -> dict[str, Any]:
    """The body, without what every one has."""
    told = body(ask(**fields), "anthropic", model, stream=stream)
    return {name: value for name, value in told.items() if name not in ("model", "messages", "max_tokens")}


def adjusted(model: str = BOTH, *, stream: bool = False, **fields: Any) -> tuple[str, ...]:
    return encoded(ask(**fields), "anthropic", model, stream=stream).adjusted_fields


def refusal(model: str = BOTH, **fields: Any) -> str:
    with pytest.raises((UnsupportedByProvider, InvalidArgument)) as caught:
        encoded(ask(**fields), "anthropic", model)
    return caught.value.fields[0].field


@pytest.mark.parametrize(
    ("model", "most"),
    [
        ("claude-3-opus-20240229", 4096), ("claude-2.1", 4096), ("claude-3-5-haiku-latest", 8192),
        ("claude-3-7-sonnet-20250219", 64000), ("claude-opus-4-20250514", 32000), ("claude-opus-4-1", 32000),
        ("claude-sonnet-4-0", 64000), ("claude-haiku-4-5-20251001", 64000), ("claude-sonnet-4-6", 128000),
        ("claude-opus-5-5", 128000), ("us.anthropic.claude-opus-4-5-20251101-v1:0", 64000),
        ("claude-opus-4-5@20251101", 64000), ("anthropic/claude-sonnet-4.5", 64000), ("my-deployment", 64000),
    ],
)  # fmt: skip
def test_the_limit_that_the_api_wants_is_the_models_own(model: str, most: int) -> None:
    assert body(ask(), "anthropic", model)["max_tokens"] == most
    assert body(ask(max_completion_tokens=7), "anthropic", model)["max_tokens"] == 7


@pytest.mark.parametrize(
    ("model", "fields", "left", "dropped"),
    [
        (BOTH, {"temperature": 0.5}, {"temperature": 0.5}, ()),
        (BOTH, {"top_p": 0.5, "top_k": 3}, {"top_p": 0.5, "top_k": 3}, ()),
        # The two together are answered with 400 by models from 4.1 to 4.6.
        (BOTH, {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5}, ("top_p",)),
        (OLD, {"temperature": 0.5, "top_p": 0.5}, {"temperature": 0.5, "top_p": 0.5}, ()),
        # Later models take the defaults and nothing else.
        (ADAPTIVE, {"temperature": 0.5, "top_p": 0.5, "top_k": 3}, {}, ("temperature", "top_p", "top_k")),
        (ADAPTIVE, {"temperature": 1, "top_p": 0.99}, {"temperature": 1, "top_p": 0.99}, ()),
        ("claude-mythos-preview", {"temperature": 0.5}, {}, ("temperature",)),
        ("claude-haiku-5-5", {"temperature": 1.5}, {}, ("temperature",)),
        (BOTH, {"top_k": -1}, {}, ()),
    ],
)
def test_sampling_by_model(model: str, fields: dict[str, Any], left: dict[str, Any], dropped: tuple[str, ...]) -> None:
    assert sent(model, **fields) == left
    assert adjusted(model, **fields) == dropped


def test_sampling_gives_way_to_a_budget() -> None:
    fields: dict[str, Any] = {"temperature": 0.5, "top_k": 3, "top_p": 0.96, "reasoning": {"budgetTokens": 2000}}
    assert sent("claude-sonnet-4-0", **fields).keys() == {"top_p", "thinking"}
    assert adjusted("claude-sonnet-4-0", **fields) == ("temperature", "top_k")


def test_more_heat_than_the_api_knows_is_refused() -> None:
    assert refusal(temperature=1.1) == "temperature"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stop": ["END", "\n\nHuman:"]}, {"stop_sequences": ["END", "\n\nHuman:"]}),
        ({"n": 1}, {}),
        ({"logprobs": False}, {}),
        ({"modalities": ["MODALITY_TEXT"]}, {}),
        ({"service_tier": "auto"}, {"service_tier": "auto"}),
        ({"service_tier": "default"}, {"service_tier": "standard_only"}),
        ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
        ({"service_tier": "fast"}, {"speed": "fast"}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"safety_identifier": "s"}, {"metadata": {"user_id": "s"}}),
        ({"safety_identifier": "s", "user": "s"}, {"metadata": {"user_id": "s"}}),
        ({"prompt_cache_ttl": "1h"}, {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ({"store": False}, {}),
        ({"response_format": {"text": {}}}, {}),
        ({"gateway": {"extraBodyJson": '{"container": "c", "thinking": {"type": "adaptive"}}'}},
         {"container": "c", "thinking": {"type": "adaptive"}}),
    ],
)  # fmt: skip
def test_what_is_sent(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(**fields) == expected
    assert adjusted(**fields) == ()


@pytest.mark.parametrize(
    ("fields", "dropped"),
    [
        *[({name: 0.5}, name) for name in ("frequency_penalty", "presence_penalty", "min_p", "repetition_penalty")],
        ({"seed": 1}, "seed"),
        ({"logit_bias": {"1": 1}}, "logit_bias"),
        ({"prediction": {"content": "x"}}, "prediction"),
        ({"verbosity": "VERBOSITY_LOW"}, "verbosity"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"prompt_cache_key": "k"}, "prompt_cache_key"),
        ({"prompt_cache_ttl": "24h"}, "prompt_cache_ttl"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"store": True}, "store"),
    ],
)
def test_tuning_without_a_place_is_left_out_and_told(fields: dict[str, Any], dropped: str) -> None:
    assert sent(**fields) == {}
    assert adjusted(**fields) == (dropped,)
    assert refusal(gateway={"strictParameters": True}, **fields) == dropped


def test_two_ids_of_a_user_are_one_too_many() -> None:
    assert adjusted(safety_identifier="s", user="u") == ("user",)


def test_padding_is_only_asked_for_in_a_stream() -> None:
    fields: dict[str, Any] = {"stream_options": {"includeObfuscation": True, "continuousUsage": True}}
    assert adjusted(stream=True, **fields) == ("stream_options.include_obfuscation",)
    assert adjusted(**fields) == ()
    assert sent(stream=True) == {"stream": True}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"stop": ["END", " \n"]}, "stop[1]"),
        ({"modalities": ["MODALITY_TEXT", "MODALITY_AUDIO"]}, "modalities[1]"),
        ({"audio": {"voice": "v"}}, "audio"),
        ({"moderation_json": "{}"}, "moderation_json"),
        ({"response_format": {"regex": "a+"}}, "response_format.regex"),
        ({"response_format": {"grammar": "g"}}, "response_format.grammar"),
        ({"gateway": {"extraBodyJson": '{"max_tokens": 3}'}}, "gateway.extra_body_json"),
        ({"gateway": {"extraBodyJson": '{"system": "x"}'}}, "gateway.extra_body_json"),
    ],
)
def test_what_changes_the_meaning_is_refused(fields: dict[str, Any], field: str) -> None:
    assert refusal(**fields) == field


@pytest.mark.parametrize(
    ("fields", "betas"),
    [
        ({"service_tier": "fast"}, "fast-mode-2026-02-01"),
        ({"gateway": {"extraBodyJson": '{"mcp_servers": []}'}}, "mcp-client-2025-11-20"),
        ({"gateway": {"extraBodyJson": '{"context_management": {}}'}}, "context-management-2025-06-27"),
        ({"reasoning": {"mode": "REASONING_MODE_ON", "summary": "updates"}}, "thinking-display-updates-2026-08-18"),
        ({}, None),
    ],
)
def test_betas_are_asked_for_by_what_needs_them(fields: dict[str, Any], betas: str | None) -> None:
    assert encoded(ask(**fields), "anthropic", BOTH).headers.get("anthropic-beta") == betas


def effort(level: str) -> dict[str, str]:
    return {"effort": f"REASONING_EFFORT_{level}"}


def mode(word: str) -> dict[str, str]:
    return {"mode": f"REASONING_MODE_{word}"}


@pytest.mark.parametrize(
    ("model", "reasoning", "expected", "dropped"),
    [
        # By its own judgement, with effort.
        (BOTH, effort("HIGH"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, ()),
        (BOTH, effort("XHIGH"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}}, ("effort",)),
        (ADAPTIVE, effort("XHIGH"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}, ()),
        (ADAPTIVE, effort("MINIMAL"), {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}},
         ("effort",)),
        (ADAPTIVE, mode("ON"), {"thinking": {"type": "adaptive"}}, ()),
        (ADAPTIVE, mode("ADAPTIVE"), {"thinking": {"type": "adaptive"}}, ()),
        (ADAPTIVE, {"budgetTokens": 4000}, {"thinking": {"type": "adaptive"}}, ("budget_tokens",)),
        (ADAPTIVE, {"budgetTokens": -1}, {"thinking": {"type": "adaptive"}}, ()),
        # By a budget.
        (BOTH, {"budgetTokens": 4000, **effort("LOW")},
         {"thinking": {"type": "enabled", "budget_tokens": 4000}, "output_config": {"effort": "low"}}, ()),
        (BUDGETS, {"budgetTokens": 4000}, {"thinking": {"type": "enabled", "budget_tokens": 4000}}, ()),
        (BUDGETS, {"budgetTokens": 5}, {"thinking": {"type": "enabled", "budget_tokens": 1024}}, ("budget_tokens",)),
        (BUDGETS, {"budgetTokens": 4000, **effort("LOW")},
         {"thinking": {"type": "enabled", "budget_tokens": 4000}}, ("effort",)),
        (BUDGETS, effort("LOW"), {"thinking": {"type": "enabled", "budget_tokens": 12800}}, ()),
        (BUDGETS, effort("MEDIUM"), {"thinking": {"type": "enabled", "budget_tokens": 32000}}, ()),
        (BUDGETS, mode("ON"), {"thinking": {"type": "enabled", "budget_tokens": 32000}}, ()),
        (BUDGETS, mode("ADAPTIVE"), {"thinking": {"type": "enabled", "budget_tokens": 32000}}, ("mode",)),
        (BUDGETS, {"budgetTokens": -1}, {"thinking": {"type": "enabled", "budget_tokens": 32000}}, ("budget_tokens",)),
        ("claude-opus-4-5", effort("MAX"),
         {"thinking": {"type": "enabled", "budget_tokens": 32000}, "output_config": {"effort": "high"}}, ("effort",)),
        # Off, or as near as the model comes to it.
        *[(model, off, {"thinking": {"type": "disabled"}}, ())
          for model in (BUDGETS, BOTH, ADAPTIVE, "claude-sonnet-5", "claude-haiku-5-5")
          for off in (mode("OFF"), effort("NONE"), {"budgetTokens": 0})],
        ("claude-sonnet-5-5", mode("OFF"), {"thinking": {"type": "between_tools"}}, ()),
        (ALWAYS, mode("OFF"), {"output_config": {"effort": "low"}}, ("mode",)),
        (ALWAYS, effort("NONE"), {"output_config": {"effort": "low"}}, ("effort",)),
        ("claude-fable-5", {"budgetTokens": 0}, {"output_config": {"effort": "low"}}, ("budget_tokens",)),
        # Not at all.
        (OLD, effort("HIGH"), {}, ("",)),
        (OLD, mode("OFF"), {}, ()),
        # What is shown of it.
        (BOTH, {**mode("ON"), "includeText": True}, {"thinking": {"type": "adaptive", "display": "summarized"}}, ()),
        (BUDGETS, {"budgetTokens": 2000, "includeText": False},
         {"thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"}}, ()),
        (ALWAYS, {"includeText": True}, {"thinking": {"type": "adaptive", "display": "summarized"}}, ()),
        (ADAPTIVE, {"includeText": True}, {}, ()),
        (ADAPTIVE, {**mode("ON"), "summary": "omitted"}, {"thinking": {"type": "adaptive", "display": "omitted"}}, ()),
        (ADAPTIVE, {**mode("ON"), "summary": "concise"}, {"thinking": {"type": "adaptive"}}, ("summary",)),
        ("claude-3-7-sonnet-latest", {"budgetTokens": 2000, "includeText": True},
         {"thinking": {"type": "enabled", "budget_tokens": 2000}}, ()),
        ("claude-3-7-sonnet-latest", {"budgetTokens": 2000, "includeText": False},
         {"thinking": {"type": "enabled", "budget_tokens": 2000}}, ("include_text",)),
        (BOTH, {**mode("ON"), "includeSignature": True}, {"thinking": {"type": "adaptive"}}, ()),
        (BOTH, {**mode("ON"), "includeSignature": False}, {"thinking": {"type": "adaptive"}}, ("include_signature",)),
    ],
)  # fmt: skip
def test_reasoning_by_model(
    model: str, reasoning: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...]
) -> None:
    assert sent(model, reasoning=reasoning) == expected
    assert adjusted(model, reasoning=reasoning) == tuple(f"reasoning.{name}".rstrip(".") for name in dropped)


def test_a_budget_stays_below_the_limit_it_is_part_of() -> None:
    assert refusal(BOTH, reasoning={"budgetTokens": 2000}, max_completion_tokens=2000) == "reasoning.budget_tokens"
    made = sent(BUDGETS, reasoning=effort("HIGH"), max_completion_tokens=1100)
    assert made["thinking"]["budget_tokens"] == 1024
    assert adjusted(BUDGETS, reasoning=effort("HIGH"), max_completion_tokens=1024) == ("reasoning",)


def test_a_name_that_tells_nothing_is_trusted() -> None:
    facts = model_facts("my-deployment")
    assert facts.structured
    assert facts.sampling
    assert facts.forced_tools
