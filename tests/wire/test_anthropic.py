"""The harness's own reading and builder of Anthropic's format, on answers and requests made by hand."""

import orjson
from aignehub.v1 import chat_pb2

from tests.wire.anthropic_reading import read
from tests.wire.anthropic_request import build
from tests.wire.neutral import ToolCall, Usage
from tests.wire.recording import Json, Recording

WHOLE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"claude-made","content":['
    b'{"type":"text","text":"a \\"content\\":[ trap"},'
    b'{"type":"tool_use","id":"toolu_1","name":"f","input":{"big": 12345678901234567890123 , "s":"\\u00e9"}}],'
    b'"stop_reason":"tool_use","usage":{"input_tokens":3,"cache_read_input_tokens":5,"output_tokens":7}}'
)


def recorded(body: bytes, *, streaming: bool = False) -> Recording:
    kind = "text/event-stream" if streaming else "application/json"
    return Recording(
        "made", "anthropic", "messages", "chat.text", streaming, "m", "/v1/messages", None, 200,
        {"content-type": kind}, body,
    )  # fmt: skip


def test_arguments_are_read_as_they_were_written() -> None:
    answer = read(recorded(WHOLE))
    [call] = answer.choices[0].tool_calls
    assert call == ToolCall("toolu_1", "f", '{"big": 12345678901234567890123 , "s":"\\u00e9"}')
    assert answer.usage == Usage(8, 7, 15, cached=5)
    assert answer.choices[0].finish == "TOOL_CALLS"


def test_a_stream_without_its_end_is_a_failure() -> None:
    start = {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {"input_tokens": 1}}}
    body = b"event: message_start\ndata: " + orjson.dumps(start) + b"\n\n"
    assert read(recorded(body, streaming=True)).failure is not None
    whole = body + b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    assert read(recorded(whole, streaming=True)).failure is None


def test_results_become_messages_of_their_own_and_unknown_fields_are_named() -> None:
    body: dict[str, Json] = {
        "model": "m",
        "max_tokens": 5,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": "12", "is_error": True},
                    {"type": "text", "text": "and?", "new": 1},
                ],
            }
        ],
        "speed": "fast",
    }
    built = build(body, "x/m")
    result, words = built.request.messages
    assert (result.role, result.tool_call_id, result.tool_error) == (chat_pb2.ROLE_TOOL, "t", True)
    assert (words.role, words.content[0].text) == (chat_pb2.ROLE_USER, "and?")
    assert built.unmapped == ["messages[0].content[0].new", "speed"]
