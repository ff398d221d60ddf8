"""Tools, the choice among them, and the shape of the answer."""

import json
from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.support import answer, ask, body, codec, encoded

MODEL = "claude-opus-4-6"
OLDER = "claude-3-5-haiku-latest"
F = {"function": {"name": "f", "description": "d", "parametersJsonSchema": '{"type":"object","properties":{"b":{}}}'}}
G = {"function": {"name": "g"}}
CLOSED = '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}'
HALF_OPEN = '{"type":"object","properties":{"a":{"type":"array","items":{"type":"object","properties":{"b":{}}}}}}'
MAP = '{"type":"object","additionalProperties":{"type":"string"}}'


def sent(model: str = MODEL, **fields: Any) -> dict[str, Any]:
    return body(ask(**fields), "anthropic", model)


def refusal(model: str = MODEL, **fields: Any) -> str:
    with pytest.raises((UnsupportedByProvider, InvalidArgument)) as caught:
        encoded(ask(**fields), "anthropic", model)
    return caught.value.fields[0].field


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (F, {"name": "f", "description": "d", "input_schema": {"type": "object", "properties": {"b": {}}}}),
        (G, {"name": "g", "input_schema": {"type": "object", "properties": {}}}),
        ({"function": {"name": "g", "parametersJsonSchema": "{}"}}, {"name": "g", "input_schema": {"type": "object"}}),
        (
            {"function": {"name": "g", "parametersJsonSchema": '{"properties":{"a":{}}}', "strict": True}},
            {"name": "g", "input_schema": {"type": "object", "properties": {"a": {}}}, "strict": True},
        ),
        (
            {**G, "cacheControl": {"ttl": "1h"}, "deferLoading": True},
            {
                "name": "g",
                "input_schema": {"type": "object", "properties": {}},
                "cache_control": {"type": "ephemeral", "ttl": "1h"},
                "defer_loading": True,
            },
        ),
        (
            {"provider": {"type": "web_search_20250305", "configJson": '{"max_uses": 3}'}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 3},
        ),
        (
            {"provider": {"type": "code_execution_20260521"}, "cacheControl": {}},
            {"type": "code_execution_20260521", "name": "code_execution", "cache_control": {"type": "ephemeral"}},
        ),
        (
            {"provider": {"type": "text_editor_20250728", "configJson": ""}},
            {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"},
        ),
        (
            {"provider": {"type": "computer_20251124", "configJson": '{"name": "computer", "display_width_px": 1}'}},
            {"type": "computer_20251124", "name": "computer", "display_width_px": 1},
        ),
        (
            {"provider": {"type": "mcp_toolset", "configJson": '{"mcp_server_name": "m"}'}},
            {"type": "mcp_toolset", "mcp_server_name": "m"},
        ),
        ({"provider": {"type": "computer_toolset_20260801"}}, {"type": "computer_toolset_20260801"}),
    ],
)
def test_tools(tool: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent(tools=[tool])["tools"] == [expected]


def test_a_schema_goes_out_in_the_callers_own_words() -> None:
    schema = '{"type": "object", "properties": {"z": {"maximum": 12345678901234567890123}, "a": {}}}'
    tool = {"function": {"name": "f", "parametersJsonSchema": schema}}
    assert schema.encode() in encoded(ask(tools=[tool]), "anthropic", MODEL).body


@pytest.mark.parametrize(
    ("kind", "beta"),
    [
        ("computer_20251124", "computer-use-2025-11-24"),
        ("mcp_toolset", "mcp-client-2025-11-20"),
        ("bash_20250124", None),
    ],
)
def test_some_tools_need_a_beta(kind: str, beta: str | None) -> None:
    request = encoded(ask(tools=[{"provider": {"type": kind}}]), "anthropic", MODEL)
    assert request.headers.get("anthropic-beta") == beta


@pytest.mark.parametrize(
    ("tool", "field"),
    [
        ({"custom": {"name": "c"}}, "tools[0].custom"),
        ({"function": {"name": "f", "parametersJsonSchema": "[1]"}}, "tools[0].function.parameters_json_schema"),
        ({"provider": {"type": "x", "configJson": '{"type": "y"}'}}, "tools[0].provider.config_json"),
        ({"provider": {"type": "x", "configJson": "nope"}}, "tools[0].provider.config_json"),
        (
            {"provider": {"type": "x", "configJson": '{"cache_control": {}}'}, "cacheControl": {}},
            "tools[0].provider.config_json",
        ),
    ],
)
def test_tools_that_cannot_be_sent_are_refused(tool: dict[str, Any], field: str) -> None:
    assert refusal(tools=[tool]) == field


def test_strict_arguments_are_a_matter_of_the_model() -> None:
    strict = {"function": {"name": "f", "strict": True}}
    assert "strict" not in sent(OLDER, tools=[strict])["tools"][0]
    assert encoded(ask(tools=[strict]), "anthropic", OLDER).adjusted_fields == ("tools[0].function.strict",)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tool_choice": {"mode": "TOOL_CHOICE_MODE_AUTO"}}, {"type": "auto"}),
        ({"tool_choice": {"mode": "TOOL_CHOICE_MODE_NONE"}}, {"type": "none"}),
        ({"tool_choice": {"mode": "TOOL_CHOICE_MODE_REQUIRED"}}, {"type": "any"}),
        ({"tool_choice": {"functionName": "f"}}, {"type": "tool", "name": "f"}),
        ({"parallel_tool_calls": True}, None),
        ({"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        (
            {"parallel_tool_calls": False, "tool_choice": {"functionName": "f"}},
            {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        ),
        ({"parallel_tool_calls": False, "tool_choice": {"mode": "TOOL_CHOICE_MODE_NONE"}}, {"type": "none"}),
    ],
)
def test_choices(fields: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert sent(tools=[F], **fields).get("tool_choice") == expected
    assert "tool_choice" not in sent(**{name: value for name, value in fields.items() if name != "tool_choice"})


def test_only_the_allowed_tools_are_sent() -> None:
    allowed = {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["g"]}
    told = sent(tools=[F, G], tool_choice={"allowedTools": allowed})
    assert [tool["name"] for tool in told["tools"]] == ["g"]
    assert told["tool_choice"] == {"type": "any"}
    unknown = {"allowedTools": {"names": ["h"]}}
    assert refusal(tools=[F], tool_choice=unknown) == "tool_choice.allowed_tools.names[0]"
    assert refusal(tools=[F], tool_choice={"customName": "c"}) == "tool_choice.custom_name"


@pytest.mark.parametrize("model", ["claude-opus-5-5", "claude-sonnet-5-5", "claude-fable-5-1", "claude-mythos-5-2"])
def test_models_that_cannot_be_forced_are_not(model: str) -> None:
    assert refusal(model, tools=[F], tool_choice={"functionName": "f"}) == "tool_choice"
    assert sent(model, tools=[F], tool_choice={"mode": "TOOL_CHOICE_MODE_AUTO"})["tool_choice"] == {"type": "auto"}


def test_a_budget_and_a_forced_call_do_not_go_together() -> None:
    forced = {"mode": "TOOL_CHOICE_MODE_REQUIRED"}
    assert (
        refusal("claude-sonnet-4-5", tools=[F], tool_choice=forced, reasoning={"budgetTokens": 2000}) == "tool_choice"
    )


def test_web_search_is_a_tool() -> None:
    told = sent(web_search_options={"country": "FR", "city": "Lyon", "searchContextSize": "low"}, tools=[F])
    assert told["tools"][1] == {
        "type": "web_search_20250305",
        "name": "web_search",
        "user_location": {"type": "approximate", "country": "FR", "city": "Lyon"},
    }
    request = encoded(ask(web_search_options={"searchContextSize": "low"}), "anthropic", MODEL)
    assert request.adjusted_fields == ("web_search_options.search_context_size",)


def schema(text: str, **more: Any) -> dict[str, Any]:
    return {"jsonSchema": {"schemaJson": text, **more}}


def test_a_schema_is_held_to_by_models_that_can() -> None:
    told = sent(response_format=schema(CLOSED, name="n"))
    assert told["output_config"] == {"format": {"type": "json_schema", "schema": json.loads(CLOSED)}}
    assert "tools" not in told
    assert CLOSED.encode() in encoded(ask(response_format=schema(CLOSED)), "anthropic", MODEL).body
    both = sent(response_format=schema(CLOSED), reasoning={"effort": "REASONING_EFFORT_LOW"})["output_config"]
    assert both.keys() == {"effort", "format"}


def test_objects_that_do_not_say_whether_they_are_open_are_closed() -> None:
    told = sent(response_format=schema(HALF_OPEN, description="about"))["output_config"]["format"]["schema"]
    assert told["additionalProperties"] is False
    assert told["properties"]["a"]["items"]["additionalProperties"] is False
    assert told["description"] == "about"
    # A caller that says strict is taken at its word.
    strict = sent(response_format=schema(HALF_OPEN, strict=True))["output_config"]["format"]["schema"]
    assert strict == json.loads(HALF_OPEN)


def test_a_map_is_asked_for_by_a_tool() -> None:
    told = sent(response_format=schema(MAP, name="words"))
    assert told["tool_choice"] == {"type": "tool", "name": "words", "disable_parallel_tool_use": True}
    assert told["tools"][0]["input_schema"] == json.loads(MAP)


@pytest.mark.parametrize("shape", [{"jsonObject": {}}, schema(CLOSED)])
def test_older_models_answer_by_a_tool(shape: dict[str, Any]) -> None:
    told = sent(OLDER, response_format=shape)
    assert told["tool_choice"] == {"type": "tool", "name": "json_answer", "disable_parallel_tool_use": True}
    assert [tool["name"] for tool in told["tools"]] == ["json_answer"]
    among = sent(OLDER, response_format=shape, tools=[F])
    assert among["tool_choice"] == {"type": "any"}
    assert [tool["name"] for tool in among["tools"]] == ["f", "json_answer"]
    none = sent(OLDER, response_format=shape, tools=[F], tool_choice={"mode": "TOOL_CHOICE_MODE_NONE"})
    assert none["tool_choice"]["name"] == "json_answer"
    forced = sent(OLDER, response_format=shape, tools=[F], tool_choice={"functionName": "f"})
    assert [tool["name"] for tool in forced["tools"]] == ["f"]
    taken = sent(OLDER, response_format=shape, tools=[{"function": {"name": "json_answer"}}])
    assert taken["tools"][1]["name"] == "json_answer_"


def test_strict_is_refused_where_nothing_holds_the_answer() -> None:
    assert refusal(OLDER, response_format=schema(CLOSED, strict=True)) == "response_format.json_schema.strict"
    assert refusal(OLDER, response_format=schema("nope")) == "response_format.json_schema.schema_json"
    assert refusal(response_format=schema("[]")) == "response_format.json_schema.schema_json"


@pytest.mark.parametrize(
    ("model", "reasoning"),
    [("claude-opus-5-5", {}), ("claude-sonnet-5", {}), ("claude-sonnet-4-5", {"budgetTokens": 2000})],
)
def test_a_model_that_reasons_is_asked_for_json_in_words(model: str, reasoning: dict[str, Any]) -> None:
    told = sent(model, response_format={"jsonObject": {}}, reasoning=reasoning)
    assert "tools" not in told
    assert "JSON" in told["system"][-1]["text"]
    quiet = sent("claude-sonnet-5", response_format={"jsonObject": {}}, reasoning={"mode": "REASONING_MODE_OFF"})
    assert quiet["tool_choice"]["type"] == "tool"


ANSWERED: dict[str, Any] = {
    "id": "msg_1",
    "model": "m",
    "content": [{"type": "tool_use", "id": "toolu_1", "name": "json_answer", "input": {"a": 1}}],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def test_the_input_of_that_tool_is_the_text() -> None:
    request = ask(response_format={"jsonObject": {}})
    [choice] = answer(ANSWERED, "anthropic", request).choices
    assert choice.message.content[0].text == '{"a": 1}'
    assert not choice.message.tool_calls
    assert (choice.finish_reason, choice.native_finish_reason) == (1, "tool_use")
    # Unasked it is a call like any other.
    [choice] = answer(ANSWERED, "anthropic").choices
    assert choice.message.tool_calls[0].function.name == "json_answer"


def test_the_input_of_that_tool_is_the_text_of_a_stream() -> None:
    block = {**ANSWERED["content"][0], "input": {}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "usage": {"input_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        *(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": piece}}
            for piece in ("", '{"a"', ": 1}")
        ),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    decoder = codec("anthropic").decoder(ask(response_format={"jsonObject": {}}))
    message = decoder.feed(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events))
    assert message is not None
    [delta] = message.choices
    assert (delta.content, delta.finish_reason) == ('{"a": 1}', 1)
    assert not delta.tool_calls
