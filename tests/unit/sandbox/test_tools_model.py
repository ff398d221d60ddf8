"""tools over real HTTP: which tools are called, with what, and what follows."""

import json
from typing import Any

import jsonschema_rs
import pytest

from tests.unit.sandbox.client import Client

WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "minLength": 2},
        "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        "days": {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 7}, "minItems": 2},
    },
    "required": ["city", "unit", "days"],
    "additionalProperties": False,
}


def _function(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name} | more}


TOOLS = [_function("get_weather", parameters=WEATHER, strict=True), _function("get_time"), _function("get_news")]


def _names(message: dict[str, Any]) -> list[str]:
    return [call[call["type"]]["name"] for call in message.get("tool_calls", [])]


async def test_all_tools_are_called_with_arguments_that_fit(client: Client) -> None:
    reply = await client.both("tools", tools=TOOLS)
    message = reply.choice["message"]
    assert _names(message) == ["get_weather", "get_time", "get_news"]
    assert message["content"] is None
    assert reply.choice["finish_reason"] == "tool_calls"
    jsonschema_rs.validate(WEATHER, json.loads(message["tool_calls"][0]["function"]["arguments"]))
    assert json.loads(message["tool_calls"][1]["function"]["arguments"]) == {}
    assert len({call["id"] for call in message["tool_calls"]}) == 3


async def test_arguments_are_streamed_in_pieces_by_index(client: Client) -> None:
    deltas = (await client.stream("tools", tools=TOOLS)).deltas()
    pieces = [piece for delta in deltas for piece in delta.get("tool_calls", [])]
    for index in range(3):
        mine = [piece for piece in pieces if piece["index"] == index]
        assert set(mine[0]) == {"index", "id", "type", "function"}
        assert mine[0]["function"]["arguments"] == ""
        assert len(mine) >= 3
        assert all(
            set(piece) == {"index", "function"} and set(piece["function"]) == {"arguments"} for piece in mine[1:]
        )


async def test_ids_differ_between_choices(client: Client) -> None:
    reply = await client.both("tools", tools=TOOLS, n=2)
    ids = [call["id"] for choice in reply.body["choices"] for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == 6


@pytest.mark.parametrize(
    ("more", "called"),
    [
        ({"parallel_tool_calls": False}, ["get_weather"]),
        ({"parallel_tool_calls": True}, ["get_weather", "get_time", "get_news"]),
        ({"tool_choice": "auto"}, ["get_weather", "get_time", "get_news"]),
        ({"tool_choice": "required", "parallel_tool_calls": False}, ["get_weather"]),
        ({"tool_choice": "none"}, []),
        ({"tool_choice": _function("get_time")}, ["get_time"]),
        (
            {
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "auto", "tools": [_function("get_news"), _function("get_time")]},
                }
            },
            ["get_time", "get_news"],
        ),
    ],
)
async def test_tool_choice_is_honoured(client: Client, more: dict[str, Any], called: list[str]) -> None:
    reply = await client.both("tools", tools=TOOLS, **more)
    assert _names(reply.choice["message"]) == called
    assert reply.choice["finish_reason"] == ("tool_calls" if called else "stop")
    assert bool(reply.choice["message"]["content"]) is not bool(called)


async def test_without_tools_it_says_so(client: Client) -> None:
    assert "none" in (await client.both("tools")).text


def _conversation(*after: dict[str, Any]) -> list[dict[str, Any]]:
    calls = [
        {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}},
        {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "ls"}},
    ]
    return [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": calls},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "a.txt"}]},
        *after,
    ]


async def test_results_are_quoted(client: Client) -> None:
    reply = await client.both("tools", messages=_conversation(), tools=TOOLS)
    assert reply.text == 'get_weather said: "sunny"\nrun said: "a.txt"'
    assert reply.choice["finish_reason"] == "stop"


async def test_a_new_question_is_a_new_round_of_calls(client: Client) -> None:
    messages = _conversation({"role": "assistant", "content": "Sunny."}, {"role": "user", "content": "And now?"})
    assert len(_names((await client.both("tools", messages=messages, tools=TOOLS)).choice["message"])) == 3


async def test_a_tool_that_must_be_called_is_called_again(client: Client) -> None:
    reply = await client.both("tools", messages=_conversation(), tools=TOOLS, tool_choice="required")
    assert len(_names(reply.choice["message"])) == 3


async def test_custom_tools_get_text(client: Client) -> None:
    grammar = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "^[A-Z]{3}-\\d{4}$"}}
    tools = [
        {"type": "custom", "custom": {"name": "run"}},
        {"type": "custom", "custom": {"name": "ticket", "format": grammar}},
        *TOOLS[:1],
    ]
    calls = (await client.both("tools", "do it", tools=tools)).choice["message"]["tool_calls"]
    assert [call["type"] for call in calls] == ["custom", "custom", "function"]
    assert calls[0]["custom"] == {"name": "run", "input": "do it"}
    assert calls[1]["custom"]["input"] == "AAA-0000"
    named = await client.both("tools", tools=tools, tool_choice={"type": "custom", "custom": {"name": "ticket"}})
    assert _names(named.choice["message"]) == ["ticket"]


async def test_the_token_limit_cuts_calls(client: Client) -> None:
    whole = (await client.chat("tools", tools=TOOLS)).body["usage"]["completion_tokens"]
    for limit in (1, 2, whole - 1):
        reply = await client.both("tools", tools=TOOLS, max_tokens=limit)
        assert reply.choice["finish_reason"] == "length"
        assert reply.body["usage"]["completion_tokens"] <= limit
    assert (await client.both("tools", tools=TOOLS, max_tokens=whole)).choice["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        ({"tools": [{"type": "magic"}]}, "tools[0].type"),
        ({"tools": [*TOOLS, _function("")]}, "tools[3].function.name"),
        ({"tools": [_function("f", parameters=[])]}, "tools[0].function.parameters"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": TOOLS, "tool_choice": _function("other")}, "tool_choice"),
        ({"tools": "all"}, "tools"),
    ],
)
async def test_bad_tools_are_refused(client: Client, more: dict[str, Any], param: str) -> None:
    reply = await client.chat("tools", **more)
    assert reply.status == 400
    assert reply.body["error"]["param"] == param
