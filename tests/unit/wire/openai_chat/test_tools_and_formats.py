import json
from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.openai_chat import Dialect, OpenAIChatCodec
from tests.unit.wire.support import ask, body, encoded

F = {"function": {"name": "f"}}
G = {"custom": {"name": "g"}}


def tools(*entries: dict[str, Any], host: str = "openai", **fields: Any) -> Any:
    return body(ask(tools=list(entries), **fields), host)["tools"]


def test_a_function_whole() -> None:
    schema = '{"type":"object","properties":{"b":{"maximum":12345678901234567890123},"a":{}}}'
    entry = {"function": {"name": "f", "description": "d", "parametersJsonSchema": schema, "strict": True}}
    raw = encoded(ask(tools=[entry])).body
    assert schema.encode() in raw
    assert json.loads(raw)["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": json.loads(schema), "strict": True},
        }
    ]


def test_a_function_without_parameters() -> None:
    empty = {"type": "object", "properties": {}}
    assert tools(F) == [{"type": "function", "function": {"name": "f"}}]
    assert tools(F, host="deepseek")[0]["function"]["parameters"] == empty
    hollow = {"function": {"name": "f", "parametersJsonSchema": "{}"}}
    assert tools(hollow, host="deepseek")[0]["function"]["parameters"] == empty
    assert tools(hollow)[0]["function"]["parameters"] == {}


def test_a_tool_that_no_name_can_force_is_the_only_one_and_required() -> None:
    codec = OpenAIChatCodec(Dialect(name="host", named_tool=False))
    other = {"function": {"name": "g"}}
    sent = json.loads(codec.encode(ask(tools=[F, other], toolChoice={"functionName": "g"}), "m", stream=False).body)
    assert (sent["tool_choice"], [tool["function"]["name"] for tool in sent["tools"]]) == ("required", ["g"])


@pytest.mark.parametrize("schema", ["{", "[]", "1", '{"a":1,}', '{"a":NaN}', "[" * 2000])
def test_a_schema_that_is_none_is_refused_by_path(schema: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tools(F, F, {"function": {"name": "h", "parametersJsonSchema": schema}})
    assert caught.value.fields[0].field == "tools[2].function.parameters_json_schema"


def test_custom_tools() -> None:
    entries = [
        {"custom": {"name": "g", "description": "d", "larkGrammar": "start: x"}},
        {"custom": {"name": "h", "regexGrammar": "a+"}},
        {"custom": {"name": "i"}},
    ]
    assert tools(*entries) == [
        {
            "type": "custom",
            "custom": {
                "name": "g",
                "description": "d",
                "format": {"type": "grammar", "grammar": {"definition": "start: x", "syntax": "lark"}},
            },
        },
        {
            "type": "custom",
            "custom": {"name": "h", "format": {"type": "grammar", "grammar": {"definition": "a+", "syntax": "regex"}}},
        },
        {"type": "custom", "custom": {"name": "i"}},
    ]
    with pytest.raises(UnsupportedByProvider):
        tools(*entries, host="groq")


def test_tools_of_the_provider() -> None:
    config = '{"parameters": {"z": 1, "a": 2}}'
    entry = {"provider": {"type": "openrouter:web_search", "configJson": config}}
    assert tools(entry, host="openrouter") == [{"type": "openrouter:web_search", "parameters": {"z": 1, "a": 2}}]
    assert tools({"provider": {"type": "browser_search"}}, host="groq") == [{"type": "browser_search"}]
    assert tools({"provider": {"type": "x", "configJson": " { } "}}, host="groq") == [{"type": "x"}]
    with pytest.raises(UnsupportedByProvider):
        tools(entry)


@pytest.mark.parametrize("config", ["{", "[]", '{"type": "y"}'])
def test_a_broken_configuration_is_refused_by_path(config: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        tools({"provider": {"type": "x", "configJson": config}}, host="groq")
    assert caught.value.fields[0].field == "tools[0].provider.config_json"


def test_marks_on_tools() -> None:
    entry = {**F, "cacheControl": {"ttl": "5m"}, "deferLoading": True}
    assert tools(entry, host="openrouter")[0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert encoded(ask(tools=[entry])).adjusted_fields == ("tools[0].cache_control", "tools[0].defer_loading")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"mode": "TOOL_CHOICE_MODE_AUTO"}, "auto"),
        ({"mode": "TOOL_CHOICE_MODE_NONE"}, "none"),
        ({"mode": "TOOL_CHOICE_MODE_REQUIRED"}, "required"),
        ({"functionName": "f"}, {"type": "function", "function": {"name": "f"}}),
        ({"customName": "g"}, {"type": "custom", "custom": {"name": "g"}}),
        (
            {"allowedTools": {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["g", "f"]}},
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "custom", "custom": {"name": "g"}},
                        {"type": "function", "function": {"name": "f"}},
                    ],
                },
            },
        ),
    ],
)
def test_choices(choice: dict[str, Any], expected: Any) -> None:
    assert body(ask(tools=[F, G], toolChoice=choice))["tool_choice"] == expected


def test_a_host_without_allowed_tools_gets_those_alone() -> None:
    other = {"function": {"name": "other"}}
    choice = {"allowedTools": {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["f"]}}
    sent = body(ask(tools=[other, F], toolChoice=choice), "groq")
    assert sent["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in sent["tools"]] == ["f"]


def test_a_choice_among_tools_that_are_not_there_is_refused() -> None:
    with pytest.raises(InvalidArgument) as caught:
        body(ask(tools=[F], toolChoice={"allowedTools": {"names": ["f", "nobody"]}}))
    assert caught.value.fields[0].field == "tool_choice.allowed_tools.names[1]"


def test_a_choice_without_tools_is_left_out() -> None:
    assert "tool_choice" not in body(ask(toolChoice={"mode": "TOOL_CHOICE_MODE_AUTO"}))


SCHEMA = '{"type":"object","properties":{"z":{},"a":{}}}'


def shaped(shape: dict[str, Any], host: str = "openai") -> dict[str, Any]:
    return body(ask(responseFormat=shape), host)


def test_json_formats() -> None:
    assert shaped({"jsonObject": {}})["response_format"] == {"type": "json_object"}
    whole = {"name": "n", "description": "d", "schemaJson": SCHEMA, "strict": False}
    assert shaped({"jsonSchema": whole})["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "n", "description": "d", "schema": json.loads(SCHEMA), "strict": False},
    }
    assert SCHEMA.encode() in encoded(ask(responseFormat={"jsonSchema": whole})).body


def test_a_name_is_made_up_where_one_is_demanded() -> None:
    shape = {"jsonSchema": {"schemaJson": SCHEMA}}
    assert shaped(shape)["response_format"]["json_schema"]["name"] == "response"
    assert "name" not in shaped(shape, "perplexity")["response_format"]["json_schema"]


def test_deepseek_gets_the_schema_as_an_instruction() -> None:
    messages = [
        {"role": "ROLE_SYSTEM", "content": [{"text": "be brief"}]},
        {"role": "ROLE_USER", "content": [{"text": "hi"}]},
    ]
    shape = {"jsonSchema": {"schemaJson": SCHEMA, "description": "a thing"}}
    sent = body(ask(messages=messages, responseFormat=shape), "deepseek")
    assert sent["response_format"] == {"type": "json_object"}
    assert [entry["role"] for entry in sent["messages"]] == ["system", "system", "user"]
    assert SCHEMA in sent["messages"][1]["content"]
    assert "a thing" in sent["messages"][1]["content"]
    with pytest.raises(UnsupportedByProvider):
        shaped({"jsonSchema": {"schemaJson": SCHEMA, "strict": True}}, "deepseek")


def test_lm_studio_gets_a_schema_of_any_object() -> None:
    assert shaped({"jsonObject": {}}, "lmstudio")["response_format"]["json_schema"]["schema"] == {"type": "object"}


def test_no_json_mode_at_all_is_refused() -> None:
    with pytest.raises(UnsupportedByProvider):
        shaped({"jsonObject": {}}, "poe")


def test_patterns() -> None:
    assert shaped({"regex": "a+"}, "vllm")["structured_outputs"] == {"regex": "a+"}
    assert shaped({"grammar": "root ::= x"}, "vllm")["structured_outputs"] == {"grammar": "root ::= x"}
    assert shaped({"grammar": "g"}, "fireworks")["response_format"] == {"type": "grammar", "grammar": "g"}
    assert shaped({"regex": "a+"}, "together")["response_format"] == {"type": "regex", "pattern": "a+"}


@pytest.mark.parametrize("schema", ["{]", "[1]"])
def test_a_broken_schema_is_refused_by_path(schema: str) -> None:
    for host in ("openai", "deepseek"):
        with pytest.raises(InvalidArgument) as caught:
            shaped({"jsonSchema": {"schemaJson": schema}}, host)
        assert caught.value.fields[0].field == "response_format.json_schema.schema_json"
