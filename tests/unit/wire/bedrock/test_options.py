"""Tools, formats, reasoning and tuning, by what each maker's models take."""

import json
from typing import Any

import pytest

from server.wire.bedrock.families import family_of, foundation_model
from tests.unit.wire.bedrock.test_messages import (
    CLAUDE,
    LLAMA,
    MISTRAL,
    NOVA,
    adjusted,
    called,
    refused,
    result,
    said,
    sent,
    user,
)
from tests.unit.wire.support import ask, at, encoded

CLAUDE_5 = "global.anthropic.claude-sonnet-5"
CLAUDE_37 = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
NOVA_2 = "us.amazon.nova-2-lite-v1:0"
GPT_OSS = "openai.gpt-oss-120b-1:0"
QWEN = "qwen.qwen3-32b-v1:0"
KIMI = "moonshot.kimi-k2-thinking"
COHERE = "cohere.command-r-plus-v1:0"
HI = user("hi")
F = {"function": {"name": "f"}}
G = {"function": {"name": "g", "description": "d", "parameters_json_schema": '{"type":"object","a":1}', "strict": True}}
ALLOWED_ANY = {"allowed_tools": {"names": ["f"], "mode": "TOOL_CHOICE_MODE_REQUIRED"}}
AUTO, ANY, NONE = ({"mode": f"TOOL_CHOICE_MODE_{word}"} for word in ("AUTO", "REQUIRED", "NONE"))
HISTORY = [user("q"), said(tool_calls=[called()]), result("1")]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (CLAUDE, "anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("us-gov.anthropic.claude-sonnet-5", "anthropic.claude-sonnet-5"),
        ("zai.glm-4.7-flash", "zai.glm-4.7-flash"),
        ("meta.llama3-3-70b-instruct-v1:0", "meta.llama3-3-70b-instruct-v1:0"),
        ("arn:aws:bedrock:eu-west-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("arn:aws:bedrock:eu-west-1:1:inference-profile/eu.meta.llama3-v1:0", "meta.llama3-v1:0"),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc.def", ""),
        ("custom", ""),
    ],
)
def test_the_model_behind_an_id(model: str, name: str) -> None:
    assert foundation_model(model) == name
    assert family_of(model) == family_of(name or "unknown")


def test_tools() -> None:
    told = sent(HI, tools=[F, G, {"provider": {"type": "nova_grounding"}}])
    assert told["toolConfig"] == {
        "tools": [
            {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
            {
                "toolSpec": {
                    "name": "g",
                    "description": "d",
                    "inputSchema": {"json": {"type": "object", "a": 1}},
                    "strict": True,
                }
            },
            {"systemTool": {"name": "nova_grounding"}},
        ]
    }
    assert adjusted(HI, tools=[G], model=LLAMA) == ("tools[0].function.strict",)
    assert adjusted(HI, tools=[{**F, "defer_loading": True}]) == ("tools[0].defer_loading",)
    untyped = {"function": {"name": "f", "parameters_json_schema": '{"properties":{}}'}}
    assert at(sent(HI, tools=[untyped]), "toolConfig.tools.0.toolSpec.inputSchema.json") == {
        "type": "object",
        "properties": {},
    }


@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ({"custom": {"name": "f"}}, "tools[0].custom"),
        ({"function": {"name": "a.b"}}, "tools[0].function.name"),
        ({"function": {"name": "x" * 65}}, "tools[0].function.name"),
        ({"function": {"name": "f", "parameters_json_schema": "[]"}}, "tools[0].function.parameters_json_schema"),
        ({"provider": {"type": "nova_grounding", "config_json": '{"a":1}'}}, "tools[0].provider.config_json"),
        ({"provider": {"type": "a/b"}}, "tools[0].provider.type"),
    ],
)
def test_tools_that_bedrock_does_not_take(tool: Any, field: str) -> None:
    assert refused(HI, tools=[tool]).fields[0].field == field


@pytest.mark.parametrize(
    ("choice", "model", "told"),
    [
        (AUTO, CLAUDE, {"auto": {}}),
        (ANY, CLAUDE, {"any": {}}),
        ({"function_name": "f"}, CLAUDE, {"tool": {"name": "f"}}),
        ({"function_name": "f"}, NOVA, {"tool": {"name": "f"}}),
        (ANY, MISTRAL, {"any": {}}),
        (AUTO, LLAMA, None),
        (ALLOWED_ANY, KIMI, {"any": {}}),
        ({"allowed_tools": {"names": ["f"]}}, KIMI, {"auto": {}}),
    ],
)
def test_choices(choice: Any, model: str, told: Any) -> None:
    config = sent(HI, tools=[F, G], tool_choice=choice, model=model)["toolConfig"]
    assert config.get("toolChoice") == told
    assert len(config["tools"]) == (1 if "allowed_tools" in choice else 2)


@pytest.mark.parametrize(
    ("choice", "model", "field"),
    [
        (ANY, LLAMA, "tool_choice.mode"),
        ({"function_name": "f"}, MISTRAL, "tool_choice.function_name"),
        (ALLOWED_ANY, COHERE, "tool_choice.allowed_tools.mode"),
        ({"allowed_tools": {"names": ["h"]}}, CLAUDE, "tool_choice.allowed_tools.names[0]"),
        ({"custom_name": "f"}, CLAUDE, "tool_choice.custom_name"),
        (ANY, "anthropic.claude-opus-5-5", "tool_choice.mode"),
    ],
)  # fmt: skip
def test_choices_that_a_model_does_not_know(choice: Any, model: str, field: str) -> None:
    assert refused(HI, tools=[F], tool_choice=choice, model=model).fields[0].field == field


def test_a_budget_of_thought_bars_a_forced_call() -> None:
    error = refused(HI, tools=[F], tool_choice=ANY, reasoning={"budget_tokens": 2000}, model=CLAUDE_37)
    assert error.fields[0].field == "tool_choice.mode"


def test_no_tool_is_to_be_called() -> None:
    assert "toolConfig" not in sent(HI, tools=[F], tool_choice=NONE)
    told = sent(*HISTORY, tools=[F], tool_choice=NONE)
    assert "toolChoice" not in told["toolConfig"]
    assert told["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    declared = sent(*HISTORY)
    assert at(declared, "toolConfig.tools.0.toolSpec.name") == "f"
    assert declared["additionalModelRequestFields"] == {"tool_choice": {"type": "none"}}
    assert refused(*HISTORY, model=NOVA).fields[0].field == "tools"
    assert refused(*HISTORY, tools=[F], tool_choice=NONE, model=NOVA).fields[0].field == "tool_choice.mode"


def test_one_call_at_most() -> None:
    told = sent(HI, tools=[F], parallel_tool_calls=False, tool_choice={"function_name": "f"})
    assert told["additionalModelRequestFields"] == {
        "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True}
    }
    assert "toolChoice" not in told["toolConfig"]
    assert not adjusted(HI, tools=[F], parallel_tool_calls=True, model=NOVA)
    assert adjusted(HI, tools=[F], parallel_tool_calls=False, model=NOVA) == ("parallel_tool_calls",)


def test_web_search_is_novas_grounding() -> None:
    told = sent(HI, web_search_options={}, model=NOVA_2)
    assert told["toolConfig"] == {"tools": [{"systemTool": {"name": "nova_grounding"}}]}
    assert adjusted(HI, web_search_options={"country": "FR"}, model=NOVA_2) == ("web_search_options.country",)
    assert refused(HI, web_search_options={}).fields[0].field == "web_search_options"


OPEN = '{"type": "object", "properties": {"a": {"type": "string"}}}'
CLOSED = '{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}'
MAP = '{"type": "object", "additionalProperties": {"type": "string"}}'


def schema(text: str = CLOSED, **more: Any) -> dict[str, Any]:
    return {"json_schema": {"schema_json": text, **more}}


def native(told: dict[str, Any]) -> Any:
    return at(told, "outputConfig.textFormat.structure.jsonSchema")


def test_a_schema_where_the_model_holds_to_one() -> None:
    assert native(sent(HI, response_format=schema(name="n", description="d"))) == {
        "name": "n",
        "schema": CLOSED,
        "description": "d",
    }
    assert json.loads(native(sent(HI, response_format=schema(OPEN)))["schema"]) == json.loads(CLOSED)
    assert native(sent(HI, response_format=schema(OPEN, strict=True)))["schema"] == OPEN
    assert native(sent(HI, response_format=schema(OPEN), model=KIMI)) == {"name": "response", "schema": OPEN}
    assert native(sent(HI, response_format={"json_object": {}}, model=KIMI))["schema"] == '{"type":"object"}'


@pytest.mark.parametrize(
    ("shape", "model"),
    [(schema(MAP), CLAUDE), ({"json_object": {}}, CLAUDE), (schema(), CLAUDE_37), (schema(), NOVA)],
)
def test_a_schema_by_a_tool(shape: Any, model: str) -> None:
    told = sent(HI, response_format=shape, model=model)
    assert told["toolConfig"]["toolChoice"] == {"tool": {"name": "json_answer"}}
    [tool] = told["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"]["type"] == "object"
    assert "outputConfig" not in told


def test_a_schema_by_a_tool_among_the_callers_own() -> None:
    own = {"function": {"name": "json_answer"}}
    told = sent(HI, response_format=schema(), tools=[own], parallel_tool_calls=False, model=CLAUDE_37)
    assert [tool["toolSpec"]["name"] for tool in told["toolConfig"]["tools"]] == ["json_answer", "json_answer_"]
    assert told["additionalModelRequestFields"] == {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}}
    demanded = sent(HI, response_format=schema(), tools=[own], tool_choice=ANY, model=NOVA)
    assert len(demanded["toolConfig"]["tools"]) == 1
    forbidden = sent(*HISTORY, response_format=schema(), tools=[F], tool_choice=NONE, model=CLAUDE_37)
    assert forbidden["toolConfig"]["toolChoice"] == {"tool": {"name": "json_answer"}}
    assert "additionalModelRequestFields" not in forbidden


def test_a_schema_in_words_while_claude_reasons() -> None:
    told = sent(HI, response_format=schema(), reasoning={"budget_tokens": 2000}, model=CLAUDE_37)
    assert "JSON Schema" in told["system"][0]["text"]
    assert "toolConfig" not in told


@pytest.mark.parametrize(
    ("shape", "model", "field"),
    [
        (schema(), LLAMA, "response_format.json_schema"),
        ({"json_object": {}}, LLAMA, "response_format.json_object"),
        (schema(strict=True), NOVA, "response_format.json_schema.strict"),
        (schema("[]"), CLAUDE, "response_format.json_schema.schema_json"),
        ({"regex": "a+"}, CLAUDE, "response_format.regex"),
        ({"grammar": "a"}, KIMI, "response_format.grammar"),
    ],
)
def test_formats_that_a_model_does_not_know(shape: Any, model: str, field: str) -> None:
    assert refused(HI, response_format=shape, model=model).fields[0].field == field


def extra(model: str, **more: Any) -> Any:
    return sent(HI, model=model, **more).get("additionalModelRequestFields")


ON = {"mode": "REASONING_MODE_ON"}
LOW, HIGH, OFF, MAX = ({"effort": f"REASONING_EFFORT_{word}"} for word in ("LOW", "HIGH", "NONE", "MAX"))


def test_claude_reasons_by_budget_or_by_effort() -> None:
    assert extra(CLAUDE_37, reasoning={"budget_tokens": 2000}) == {
        "thinking": {"type": "enabled", "budget_tokens": 2000}
    }
    told = sent(HI, model=CLAUDE_5, reasoning={**HIGH, "include_text": True})
    assert told["additionalModelRequestFields"] == {"thinking": {"type": "adaptive", "display": "summarized"}}
    assert told["outputConfig"] == {"effort": "high"}
    assert extra(CLAUDE_37, reasoning=HIGH)["thinking"]["type"] == "enabled"
    assert adjusted(HI, model="anthropic.claude-3-haiku-20240307-v1:0", reasoning=HIGH) == ("reasoning",)


def test_effort_and_schema_share_a_field() -> None:
    told = sent(HI, model=CLAUDE_5, reasoning=LOW, response_format=schema())
    assert told["outputConfig"].keys() == {"effort", "textFormat"}


@pytest.mark.parametrize(
    ("model", "options", "fields", "dropped"),
    [
        (NOVA_2, LOW, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "low"}}, ()),
        (NOVA_2, OFF, {"reasoningConfig": {"type": "disabled"}}, ()),
        (NOVA_2, ON, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "medium"}}, ()),
        (NOVA_2, MAX, {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}}, ("reasoning.effort",)),
        (NOVA_2, {"mode": "REASONING_MODE_ADAPTIVE"}, None, ("reasoning.mode",)),
        (GPT_OSS, HIGH, {"reasoning_effort": "high"}, ()),
        (GPT_OSS, OFF, {"reasoning_effort": "low"}, ("reasoning.effort",)),
        (QWEN, HIGH, {"reasoning_config": "high"}, ()),
        (GPT_OSS, {**LOW, "budget_tokens": 5}, {"reasoning_effort": "low"}, ("reasoning.budget_tokens",)),
        (GPT_OSS, {**LOW, "include_text": False}, {"reasoning_effort": "low"}, ("reasoning.include_text",)),
        (LLAMA, HIGH, None, ("reasoning",)),
        (LLAMA, OFF, None, ()),
    ],
)  # fmt: skip
def test_other_makers_reason_in_their_own_words(model: str, options: Any, fields: Any, dropped: Any) -> None:
    assert extra(model, reasoning=options) == fields
    assert adjusted(HI, model=model, reasoning=options) == dropped


def test_novas_highest_level_goes_with_no_limit() -> None:
    told = sent(HI, model=NOVA_2, reasoning=HIGH, max_completion_tokens=9)
    assert told["additionalModelRequestFields"]["reasoningConfig"]["maxReasoningEffort"] == "medium"
    assert told["inferenceConfig"] == {"maxTokens": 9}


def test_tuning() -> None:
    told = sent(HI, max_completion_tokens=5, temperature=0, top_k=3, stop=["END"])
    assert told["inferenceConfig"] == {"maxTokens": 5, "temperature": 0.0, "stopSequences": ["END"]}
    assert told["additionalModelRequestFields"] == {"top_k": 3}
    assert told["additionalModelResponseFieldPaths"] == ["/stop_sequence"]
    assert extra(NOVA, top_k=3) == {"inferenceConfig": {"topK": 3}}
    assert extra(COHERE, top_k=3, seed=7, frequency_penalty=0.5) == {"k": 3, "seed": 7, "frequency_penalty": 0.5}
    assert extra(NOVA, top_k=-1) is None
    assert sent(HI, top_p=0.5, temperature=0.5, model=NOVA)["inferenceConfig"] == {"topP": 0.5, "temperature": 0.5}


@pytest.mark.parametrize(
    ("model", "fields", "dropped"),
    [
        (CLAUDE, {"temperature": 0.5, "top_p": 0.5}, ("top_p",)),
        (CLAUDE_5, {"temperature": 0.5}, ("temperature",)),
        (CLAUDE_37, {"temperature": 0.5, "top_k": 3, "reasoning": {"budget_tokens": 2000}}, ("temperature", "top_k")),
        (LLAMA, {"top_k": 3, "seed": 1}, ("seed", "top_k")),
        (NOVA, {"user": "u", "verbosity": "VERBOSITY_LOW"}, ("verbosity", "user")),
        (NOVA, {"store": True, "logit_bias": {"5": 1.0}}, ("logit_bias", "store")),
        (NOVA, {"service_tier": "scale"}, ("service_tier",)),
        (NOVA, {"store": False, "logprobs": False, "n": 1, "service_tier": "auto"}, ()),
    ],
)  # fmt: skip
def test_what_is_dropped_is_told(model: str, fields: Any, dropped: Any) -> None:
    assert adjusted(HI, model=model, **fields) == dropped
    if dropped:
        assert refused(HI, model=model, **fields, gateway={"strict_parameters": True}).fields[0].field == dropped[0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"modalities": ["MODALITY_TEXT", "MODALITY_AUDIO"]}, "modalities[1]"),
        ({"audio": {"voice": "a"}}, "audio"),
        ({"moderation_json": "{}"}, "moderation_json"),
        ({"temperature": 1.5}, "temperature"),
        ({"stop": ["a", "b", "c", "d", "e"], "model": NOVA}, "stop"),
        ({"stop": ["a"], "model": LLAMA}, "stop"),
        ({"stop": ["\n"]}, "stop[0]"),
        ({"metadata": {"a": "b|c"}}, "metadata[a]"),
    ],
)
def test_what_cannot_be_done_is_refused(fields: Any, field: str) -> None:
    assert refused(HI, **{"model": CLAUDE, **fields}).fields[0].field == field


def test_tiers_and_labels() -> None:
    assert sent(HI, service_tier="flex")["serviceTier"] == {"type": "flex"}
    assert sent(HI, service_tier="fast")["performanceConfig"] == {"latency": "optimized"}
    assert sent(HI, metadata={"team": "a/b c"})["requestMetadata"] == {"team": "a/b c"}


def test_fields_newer_than_the_contract() -> None:
    more = {
        "guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"},
        "additionalModelRequestFields": {"anthropic_beta": ["context-1m-2025-08-07"]},
        "additionalModelResponseFieldPaths": ["/x"],
    }
    told = sent(HI, top_k=3, stop=["END"], gateway={"extra_body_json": json.dumps(more)})
    assert told["guardrailConfig"] == more["guardrailConfig"]
    assert told["additionalModelRequestFields"] == {"top_k": 3, "anthropic_beta": ["context-1m-2025-08-07"]}
    assert told["additionalModelResponseFieldPaths"] == ["/x"]
    for owned in ("messages", "inferenceConfig", "toolConfig", "modelId"):
        error = refused(HI, gateway={"extra_body_json": json.dumps({owned: {}})})
        assert error.fields[0].field == "gateway.extra_body_json"


def test_padding_is_there_whether_asked_for_or_not() -> None:
    off = ask(stream_options={"include_obfuscation": False})
    assert encoded(off, "bedrock", CLAUDE, stream=True).adjusted_fields == ("stream_options.include_obfuscation",)
    assert encoded(off, "bedrock", CLAUDE).adjusted_fields == ()
    assert (
        encoded(ask(stream_options={"include_obfuscation": True}), "bedrock", CLAUDE, stream=True).adjusted_fields == ()
    )
