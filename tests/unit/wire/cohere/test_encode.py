"""What is asked of Cohere's chat."""

from typing import Any

import pytest

from server.errors import InvalidArgument, UnsupportedByProvider
from tests.unit.wire.support import HELLO, ask, body, encoded

THINKER = "command-a-plus-05-2026"
OLDER = "command-a-03-2025"
SCHEMA = '{"type":"object","properties":{"a":{"type":"integer"}}}'


def sent(model: str = THINKER, **fields: Any) -> dict[str, Any]:
    return body(ask(**fields), "cohere", model)


def adjusted(model: str = THINKER, **fields: Any) -> tuple[str, ...]:
    return encoded(ask(**fields), "cohere", model).adjusted_fields


def refused(**fields: Any) -> str:
    with pytest.raises(UnsupportedByProvider) as error:
        encoded(ask(**fields), "cohere", THINKER)
    return error.value.fields[0].field


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts)}


def assistant(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"role": "ROLE_ASSISTANT", "content": list(parts), **fields}


def tool(name: str, **fields: Any) -> dict[str, Any]:
    return {"function": {"name": name, **fields}}


CALL = {"id": "f_1", "function": {"name": "f", "argumentsJson": ""}}
# "c29tZSB0ZXh0" is "some text" in base64.
NOTE = {"file": {"media": {"data": "c29tZSB0ZXh0", "mimeType": "text/plain; charset=utf-8", "filename": "a.txt"}}}


def test_unset_is_never_sent() -> None:
    assert sent() == {"model": THINKER, "messages": [{"role": "user", "content": "Hello"}]}
    asked = encoded(ask(), "cohere", THINKER, stream=True)
    assert (asked.path, asked.headers["Accept"]) == ("/v2/chat", "text/event-stream")


def test_messages() -> None:
    messages = [
        {"role": "ROLE_DEVELOPER", "content": [{"text": "a"}, {"text": "b"}]},
        user({"text": "look"}, {"image": {"media": {"url": "https://x.test/a.png"}, "detail": "IMAGE_DETAIL_LOW"}}),
        assistant({"text": "hm"}, toolCalls=[CALL]),
        {"role": "ROLE_TOOL", "toolCallId": "f_1", "content": [{"text": "4"}, {"text": "5"}]},
    ]
    text_a, text_b = {"type": "text", "text": "a"}, {"type": "text", "text": "b"}
    image = {"type": "image_url", "image_url": {"url": "https://x.test/a.png", "detail": "low"}}
    call = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    results = [{"type": "text", "text": "4"}, {"type": "text", "text": "5"}]
    assert sent(messages=messages)["messages"] == [
        {"role": "system", "content": [text_a, text_b]},
        {"role": "user", "content": [{"type": "text", "text": "look"}, image]},
        {"role": "assistant", "content": "hm", "tool_calls": [call]},
        {"role": "tool", "content": results, "tool_call_id": "f_1"},
    ]


def test_reasoning_goes_back_as_what_it_was() -> None:
    plan = {"reasoning": {"text": "I will", "provider": "cohere", "format": "tool_plan"}}
    thought = {"reasoning": {"text": "hm", "provider": "cohere"}}
    foreign = {"reasoning": {"text": "no", "provider": "elsewhere", "signature": "AAAA"}}
    messages = [HELLO, assistant(thought, plan, foreign, {"text": "x"}, toolCalls=[CALL])]
    entry = sent(messages=messages)["messages"][1]
    assert entry["tool_plan"] == "I will"
    assert entry["content"] == [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "x"}]
    assert adjusted(messages=messages) == ("messages[1].content[2].reasoning",)


def test_files_of_text_become_documents_by_their_place() -> None:
    titled = {"file": {**NOTE["file"], "title": "A", "context": "a memo"}}
    result = {"role": "ROLE_TOOL", "toolCallId": "f_1", "content": [NOTE]}
    messages = [user({"text": "sum"}, NOTE), assistant(toolCalls=[CALL]), result, user(titled, {"text": "go on"})]
    told = sent(messages=messages)
    assert told["documents"] == [
        {"id": "doc:0", "data": {"title": "a.txt", "text": "some text"}},
        {"id": "doc:2", "data": {"title": "A", "text": "some text", "context": "a memo"}},
    ]
    inside = {"id": "doc:1", "data": {"title": "a.txt", "text": "some text"}}
    assert told["messages"][2]["content"] == [{"type": "document", "document": inside}]
    assert told["messages"][0]["content"] == "sum"


@pytest.mark.parametrize(
    ("wanted", "options", "dropped"),
    [
        ((None, None), None, ()),
        ((True, None), {"mode": "ENABLED"}, ()),
        ((False, False), {"mode": "OFF"}, ()),
        ((True, False), {"mode": "ENABLED"}, ("messages[0].content[2].file.citations",)),
    ],
)
def test_citations_are_of_all_documents_or_none(
    wanted: tuple[bool | None, ...], options: Any, dropped: tuple[str, ...]
) -> None:
    files = [{"file": {**NOTE["file"], **({} if one is None else {"citations": one})}} for one in wanted]
    message = user({"text": "sum"}, *files)
    assert sent(messages=[message]).get("citation_options") == options
    assert adjusted(messages=[message]) == dropped


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({"media": {"data": "AAAA", "mimeType": "application/pdf"}}, "media.mime_type"),
        ({"media": {"fileId": "f"}}, "media.file_id"),
    ],
)
def test_documents_are_text(file: dict[str, Any], field: str) -> None:
    assert refused(messages=[user({"text": "x"}, {"file": file})]) == f"messages[0].content[1].file.{field}"


def test_what_is_no_text_is_the_callers_fault() -> None:
    for parts in (({"text": "x"}, {"file": {"media": {"data": "/w==", "mimeType": "text/plain"}}}), (NOTE,)):
        with pytest.raises(InvalidArgument):
            encoded(ask(messages=[user(*parts)]), "cohere")


def test_tools_and_the_choice_among_them() -> None:
    tools = [tool("f", description="d", parametersJsonSchema=SCHEMA), tool("g")]
    empty = {"type": "object", "properties": {}}
    assert [one["function"].get("parameters") for one in sent(tools=tools)["tools"]] == [
        {"type": "object", "properties": {"a": {"type": "integer"}}}, empty
    ]  # fmt: skip
    for choice, word, names in (
        ({"mode": "TOOL_CHOICE_MODE_AUTO"}, None, ["f", "g"]),
        ({"mode": "TOOL_CHOICE_MODE_NONE"}, "NONE", ["f", "g"]),
        ({"mode": "TOOL_CHOICE_MODE_REQUIRED"}, "REQUIRED", ["f", "g"]),
        ({"functionName": "g"}, "REQUIRED", ["g"]),
        ({"allowedTools": {"mode": "TOOL_CHOICE_MODE_AUTO", "names": ["f"]}}, None, ["f"]),
        ({"allowedTools": {"mode": "TOOL_CHOICE_MODE_REQUIRED", "names": ["f", "g"]}}, "REQUIRED", ["f", "g"]),
    ):
        told = sent(tools=tools, toolChoice=choice)
        assert told.get("tool_choice") == word
        assert [one["function"]["name"] for one in told["tools"]] == names
    with pytest.raises(InvalidArgument):
        sent(tools=tools, toolChoice={"functionName": "h"})


def test_strict_is_for_all_tools_or_none() -> None:
    strict, loose = tool("f", strict=True), tool("g")
    assert sent(tools=[strict, tool("g", strict=True)])["strict_tools"] is True
    assert "strict_tools" not in sent(tools=[strict, loose])
    assert adjusted(tools=[strict, loose]) == ("tools[0].function.strict",)


def test_shapes() -> None:
    named = {"jsonSchema": {"name": "n", "description": "d", "schemaJson": SCHEMA, "strict": True}}
    assert sent(responseFormat=named)["response_format"] == {
        "type": "json_object",
        "json_schema": {"title": "n", "description": "d", "type": "object", "properties": {"a": {"type": "integer"}}},
    }
    bare = {"jsonSchema": {"schemaJson": "{}"}}
    assert sent(responseFormat=bare)["response_format"] == {"type": "json_object", "json_schema": {}}
    assert sent(responseFormat={"jsonObject": {}})["response_format"] == {"type": "json_object"}
    assert sent(responseFormat={"text": {}}, tools=[tool("f")])["response_format"] == {"type": "text"}
    assert refused(responseFormat={"jsonObject": {}}, tools=[tool("f")]) == "response_format"
    assert refused(responseFormat=bare, messages=[user({"text": "x"}, NOTE)]) == "response_format"
    assert refused(responseFormat={"regex": "a"}) == "response_format.regex"


@pytest.mark.parametrize(
    ("fields", "expected", "dropped"),
    [
        (
            {"temperature": 0.2, "maxCompletionTokens": 5, "seed": "7"},
            {"temperature": 0.2, "max_tokens": 5, "seed": 7},
            (),
        ),
        ({"seed": "-7"}, {}, ("seed",)),
        ({"topP": 0.5, "topK": 4}, {"p": 0.5, "k": 4}, ()),
        ({"topP": 1}, {"p": 0.99}, ("top_p",)),
        ({"topP": 0}, {"p": 0.01}, ("top_p",)),
        ({"topK": -1}, {"k": 0}, ()),
        ({"topK": 501}, {"k": 500}, ("top_k",)),
        (
            {"frequencyPenalty": 0.5, "presencePenalty": 2},
            {"frequency_penalty": 0.5, "presence_penalty": 1},
            ("presence_penalty",),
        ),
        ({"frequencyPenalty": -1}, {"frequency_penalty": 0}, ("frequency_penalty",)),
        ({"stop": ["a", "b"]}, {"stop_sequences": ["a", "b"]}, ()),
        ({"logprobs": True}, {"logprobs": True}, ()),
        ({"n": 1, "parallelToolCalls": True, "modalities": ["MODALITY_TEXT"]}, {}, ()),
        ({"parallelToolCalls": False}, {}, ("parallel_tool_calls",)),
        (
            {"minP": 0.1, "user": "u", "serviceTier": "flex", "logitBias": {"1": 1}},
            {},
            ("logit_bias", "min_p", "service_tier", "user"),
        ),
    ],
)
def test_knobs(fields: dict[str, Any], expected: dict[str, Any], dropped: tuple[str, ...]) -> None:
    told = sent(**fields)
    assert {name: value for name, value in told.items() if name not in ("model", "messages")} == expected
    assert set(adjusted(**fields)) == set(dropped)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True, "topLogprobs": 2}, "top_logprobs"),
        ({"modalities": ["MODALITY_AUDIO"]}, "modalities[0]"),
        ({"audio": {"voice": "v"}}, "audio"),
        ({"webSearchOptions": {}}, "web_search_options"),
        ({"tools": [{"custom": {"name": "g"}}]}, "tools[0].custom"),
        ({"tools": [{"provider": {"type": "web_search"}}]}, "tools[0].provider"),
        ({"messages": [user({"video": {"media": {"url": "https://x.test/a.mp4"}}})]}, "messages[0].content[0].video"),
        (
            {"messages": [{"role": "ROLE_SYSTEM", "content": [{"image": {"media": {"url": "https://x.test/a"}}}]}]},
            "messages[0].content[0].image",
        ),
    ],
)
def test_refusals(fields: dict[str, Any], field: str) -> None:
    assert refused(**fields) == field


def test_six_stop_sequences_are_too_many() -> None:
    with pytest.raises(InvalidArgument, match="5"):
        sent(stop=list("abcdef"))


@pytest.mark.parametrize(
    ("options", "expected", "dropped"),
    [
        ({"effort": "REASONING_EFFORT_NONE"}, {"type": "disabled"}, ()),
        ({"effort": "REASONING_EFFORT_HIGH", "includeText": True}, {"type": "enabled"}, ()),
        ({"effort": "REASONING_EFFORT_LOW"}, {"type": "enabled"}, ("reasoning.effort",)),
        ({"budgetTokens": 500}, {"type": "enabled", "token_budget": 500}, ()),
        ({"effort": "REASONING_EFFORT_LOW", "budgetTokens": 500}, {"type": "enabled", "token_budget": 500}, ()),
        ({"budgetTokens": 0}, {"type": "disabled"}, ()),
        ({"budgetTokens": -1}, {"type": "enabled"}, ()),
        ({"mode": "REASONING_MODE_ON"}, {"type": "enabled"}, ()),
        ({"mode": "REASONING_MODE_OFF"}, {"type": "disabled"}, ()),
        ({"mode": "REASONING_MODE_ADAPTIVE"}, None, ("reasoning.mode",)),
        ({"mode": "REASONING_MODE_ON", "includeText": False}, {"type": "enabled"}, ("reasoning.include_text",)),
        ({"summary": "auto"}, None, ("reasoning.summary",)),
    ],
)
def test_thinking(options: dict[str, Any], expected: Any, dropped: tuple[str, ...]) -> None:
    assert sent(reasoning=options).get("thinking") == expected
    assert adjusted(reasoning=options) == dropped


def test_models_that_do_not_think_are_not_told_to() -> None:
    high, none = {"effort": "REASONING_EFFORT_HIGH"}, {"effort": "REASONING_EFFORT_NONE"}
    assert "thinking" not in sent(OLDER, reasoning=high)
    assert adjusted(OLDER, reasoning=high) == ("reasoning",)
    assert (sent(OLDER, reasoning=none).get("thinking"), adjusted(OLDER, reasoning=none)) == (None, ())


def test_its_own_parameters_come_through_the_extra_body() -> None:
    extra = {"extraBodyJson": '{"safety_mode":"STRICT","priority":3}'}
    told = sent(gateway=extra)
    assert (told["safety_mode"], told["priority"]) == ("STRICT", 3)
    with pytest.raises(InvalidArgument, match="max_tokens"):
        sent(gateway={"extraBodyJson": '{"max_tokens":3}'})
