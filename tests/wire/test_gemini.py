"""The harness's own reading and builder of generateContent, on answers and requests made by hand."""

from collections import Counter
from dataclasses import replace

import orjson
import pytest
from aignehub.v1 import chat_pb2

from tests.gemini_types import complaints
from tests.wire.gemini_canonical import canonical, counted
from tests.wire.gemini_reading import read
from tests.wire.gemini_request import build
from tests.wire.neutral import ToolCall, Usage
from tests.wire.recording import Json, Recording

CHUNKS = [
    {"candidates": [{"content": {"parts": [{"text": "a"}, {"text": "b", "thought": True}]}}], "responseId": "r"},
    {
        "candidates": [{"content": {"parts": [{"functionCall": {"name": "f"}}]}, "finishReason": 1}],
        "usageMetadata": {"promptTokenCount": 3, "toolUsePromptTokenCount": 2, "thoughtsTokenCount": 4},
    },
]


def recorded(body: bytes) -> Recording:
    path = "/v1beta/models/m:generateContent"
    return Recording("made", "gemini", "generateContent", "chat.text", False, "m", path, None, 200, {}, body)


@pytest.mark.parametrize(
    "body",
    [orjson.dumps(CHUNKS), b"".join(b"data: " + orjson.dumps(chunk) + b"\r\n\r\n" for chunk in CHUNKS)],
    ids=["array", "events"],
)
def test_both_framings_are_read_alike(body: bytes) -> None:
    answer = read(recorded(body))
    [choice] = answer.choices.values()
    assert (choice.text, choice.reasoning, choice.finish, choice.native_finish) == ("a", "b", "TOOL_CALLS", "STOP")
    assert choice.tool_calls == [ToolCall("", "f", "{}")]
    assert (answer.id, answer.usage) == ("r", Usage(5, 4, 9, reasoning=4))


def test_failures_are_read_by_what_they_mean() -> None:
    blocked = read(recorded(b'{"promptFeedback": {"blockReason": "SAFETY"}}')).failure
    assert blocked is not None
    assert blocked.reason == "CONTENT_FILTERED"
    told = orjson.dumps({"error": {"code": 400, "message": "The input token count (9) exceeds the maximum"}})
    long = read(replace(recorded(told), status=400)).failure
    assert long is not None
    assert long.reason == "CONTEXT_LENGTH_EXCEEDED"


def test_a_request_in_one_spelling_and_language() -> None:
    used: Counter[str] = Counter()
    body = canonical(
        {
            "tools": [{"function_declarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
            "contents": [{"parts": [{"functionCall": {"args": {"a_b": 1}}}]}],
            "generationConfig": {"response_schema": {"type": 6, "properties": {"in_it": {"type": "STRING"}}}},
        },
        used,
    )
    assert body == {
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
        "contents": [{"parts": [{"functionCall": {"args": {"a_b": 1}}}]}],
        "generationConfig": {"responseJsonSchema": {"type": "object", "properties": {"in_it": {"type": "string"}}}},
    }
    assert set(used.values()) == {2}
    assert counted({"contents": []}, "m", used, whole=True) == {
        "generateContentRequest": {"model": "models/m", "contents": []}
    }


def test_turns_become_messages_and_unknown_fields_are_named() -> None:
    body: dict[str, Json] = {
        "contents": [
            {"role": "model", "parts": [{"text": "x"}, {"functionCall": {"name": "f"}, "thoughtSignature": "s"}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"a": 1}}}]},
        ],
        "generationConfig": {"topJ": 1},
        "safetySettings": [],
    }
    built = build(body, "x/m", "gemini")
    answer, result = built.request.messages
    [call] = answer.tool_calls
    assert (call.part_index, call.signature, call.id) == (1, b"s", "made-1")
    assert (result.role, result.tool_call_id, result.content[0].text) == (chat_pb2.ROLE_TOOL, "made-1", '{"a": 1}')
    assert built.unmapped == ["generationConfig.topJ"]
    assert built.request.gateway.extra_body_json == '{"safetySettings": []}'


def test_the_clients_types_find_what_is_wrong() -> None:
    assert complaints({"contents": [{"role": "user", "parts": [{"text": "a"}]}], "store": True}) == []
    assert complaints({"contents": [{"role": "user", "parts": [{"txt": "a"}]}]})
    assert complaints({"generationConfig": {"topK": "many"}})
    assert complaints({"generationConfig": {"imageConfig": {"size": 1}}})
    assert complaints({"content": []})
    assert complaints({"generateContentRequest": {"model": "m", "contents": []}}, count=True)
