"""The independent reading says what a recording says, quirks of real providers included."""

import pytest

from tests.wire.failures import failure_of
from tests.wire.made import CALL, chunk, recording, stream, whole
from tests.wire.neutral import Failure, ToolCall, Usage
from tests.wire.reading import read
from tests.wire.recording import Json
from tests.wire.sse import Event, events


def test_a_whole_answer_with_calls() -> None:
    answer = read(recording(whole({"content": "Let me see.", "reasoning_content": "Hm.", "tool_calls": [CALL]})))
    choice = answer.choices[0]
    assert (choice.text, choice.reasoning) == ("Let me see.", "Hm.")
    assert choice.tool_calls == [ToolCall("call_1", "weather", '{"city": "Oslo"}')]
    assert (choice.finish, choice.native_finish) == ("TOOL_CALLS", "stop")
    assert answer.usage == Usage(input=30, output=12, total=42, cached=20, reasoning=4)
    assert (answer.id, answer.model, answer.created) == ("chatcmpl-1", "gpt-made-1", 1700000000)


def test_a_stream_is_put_together_by_index() -> None:
    def piece(index: int, **function: str) -> Json:
        head = {"id": f"call_{index}", "type": "function"} if "name" in function else {}
        return {"tool_calls": [{"index": index, **head, "function": function}]}

    body = stream(
        chunk({"role": "assistant", "content": None, "reasoning": "Two "}),
        chunk({"reasoning": "calls."}),
        chunk(piece(0, name="a", arguments="")),
        chunk(piece(0, arguments="{}")),
        chunk(piece(1, name="b", arguments='{"x"')),
        chunk(piece(1, arguments=": 1}")),
        chunk({}, "tool_calls"),
    )
    answer = read(recording(body))
    assert answer.choices[0].reasoning == "Two calls."
    assert answer.choices[0].tool_calls == [ToolCall("call_0", "a", "{}"), ToolCall("call_1", "b", '{"x": 1}')]
    assert answer.failure is None


def test_calls_that_share_an_index_are_told_apart_by_their_ids() -> None:
    def call(id_: str) -> Json:
        return {"tool_calls": [{"index": 0, "id": id_, "function": {"name": id_, "arguments": "{}"}}]}

    answer = read(recording(stream(chunk(call("one")), chunk(call("two")), chunk({}, "stop"))))
    assert [call.id for call in answer.choices[0].tool_calls] == ["one", "two"]


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        # xAI and Gemini leave reasoning out of completion_tokens.
        (
            {
                "prompt_tokens": 12,
                "completion_tokens": 1,
                "total_tokens": 241,
                "completion_tokens_details": {"reasoning_tokens": 228},
            },
            Usage(input=12, output=229, total=241, reasoning=228),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "prompt_cache_hit_tokens": 8},
            Usage(9, 1, 10, 8),
        ),
        # Grok on Azure leaves a cached prefix out of prompt_tokens.
        (
            {
                "prompt_tokens": 208,
                "completion_tokens": 27,
                "total_tokens": 235,
                "prompt_tokens_details": {"cached_tokens": 314},
            },
            Usage(522, 27, 549, 314),
        ),
    ],
)
def test_usage_by_the_contract(usage: object, expected: Usage) -> None:
    assert read(recording(whole({"content": "x"}, usage=usage))).usage == expected


def test_a_stream_without_its_end_is_a_failure() -> None:
    cut = read(recording(stream(chunk({"content": "half"}), usage=None, end="")))
    assert cut.failure == Failure("UNAVAILABLE")
    assert cut.choices[0].text == "half"
    # A finish reason is an end, though [DONE] did not follow.
    assert read(recording(stream(chunk({"content": "all"}, "stop"), usage=None, end=""))).failure is None


def test_an_error_in_a_stream_keeps_what_came_before() -> None:
    error = 'event: error\ndata: {"error": {"message": "Token limit reached", "code": 400}}\n\n'
    answer = read(recording(stream(chunk({"content": "so far"}), usage=None, end=error)))
    assert answer.failure == Failure("INVALID_ARGUMENT", "", "Token limit reached")
    assert answer.choices[0].text == "so far"


@pytest.mark.parametrize(
    ("status", "body", "code", "reason"),
    [
        (401, b'{"error":{"message":"no"}}', "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
        (
            400,
            b'{"code":"x","error":"Incorrect API key provided: abc"}',
            "UNAVAILABLE",
            "PROVIDER_CREDENTIAL_INVALID",
        ),
        (404, b'{"error":{"code":"model_not_found","message":"gone"}}', "NOT_FOUND", "MODEL_NOT_FOUND"),
        (400, b'{"error":{"message":"maximum context length is 8"}}', "INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED"),
        (429, b"slow down", "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
        (
            429,
            b'{"error":{"code":"insufficient_quota","message":"pay"}}',
            "RESOURCE_EXHAUSTED",
            "PROVIDER_QUOTA_EXCEEDED",
        ),
        (422, b'{"detail":"bad"}', "INVALID_ARGUMENT", ""),
        (503, b"", "UNAVAILABLE", ""),
    ],
)
def test_failures_go_by_meaning(status: int, body: bytes, code: str, reason: str) -> None:
    found = failure_of(status, body)
    assert (found.code, found.reason) == (code, reason)


def test_events_by_the_letter() -> None:
    body = b"\xef\xbb\xbf: comment\r\n\r\nevent: a\r\ndata: 1\r\ndata: 2\r\n\r\ndata:3\rid: 7\r\rdata: last"
    assert list(events(body)) == [Event("a", "1\n2"), Event("", "3"), Event("", "last")]
