"""What Cohere's chat answers, whole and streamed, by one reading."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import (
    ContentFiltered,
    ContextLengthExceeded,
    HubError,
    ProviderBadResponse,
    ProviderCredentialInvalid,
    ProviderTimeout,
    ProviderUnavailable,
)
from server.wire.http import HttpResponse
from tests.unit.wire.support import HELLO, answer, ask, codec, read, sse

THINKING = {"type": "thinking", "thinking": "hm"}
TEXT = {"type": "text", "text": "It is 4:20 PM."}
CALL = {"id": "f_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
USAGE = {
    "billed_units": {"input_tokens": 3, "output_tokens": 7},
    "tokens": {"input_tokens": 40, "output_tokens": 9, "reasoning_tokens": 4},
    "cached_tokens": 16,
}


def whole(message: dict[str, Any], finish: str = "COMPLETE", **fields: Any) -> dict[str, Any]:
    told = {"id": "1", "message": {"role": "assistant", **message}, "finish_reason": finish, "usage": USAGE}
    return {**told, **fields}


def got(message: dict[str, Any], finish: str = "COMPLETE", **fields: Any) -> CreateChatCompletionResponse:
    return answer(whole(message, finish, **fields), "cohere")


def events(message: dict[str, Any], finish: str = "COMPLETE", **end: Any) -> Iterator[dict[str, Any]]:
    """The same as a stream."""
    yield {"type": "message-start", "id": "1", "delta": {"message": {"role": "assistant", "content": []}}}
    if plan := message.get("tool_plan"):
        for piece in plan:
            yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
    for index, block in enumerate(message.get("content", ())):
        kind = block["type"]
        yield {"type": "content-start", "index": index, "delta": {"message": {"content": {"type": kind, kind: ""}}}}
        for piece in block[kind]:
            yield {"type": "content-delta", "index": index, "delta": {"message": {"content": {kind: piece}}}}
        for place, citation in enumerate(message.get("citations", ()) if kind == "text" else ()):
            yield {"type": "citation-start", "index": place, "delta": {"message": {"citations": citation}}}
            yield {"type": "citation-end", "index": place}
        yield {"type": "content-end", "index": index}
    for index, call in enumerate(message.get("tool_calls", ())):
        begun = {**call, "function": {"name": call["function"]["name"], "arguments": ""}}
        yield {"type": "tool-call-start", "index": index, "delta": {"message": {"tool_calls": begun}}}
        for piece in call["function"]["arguments"]:
            told = {"tool_calls": {"function": {"arguments": piece}}}
            yield {"type": "tool-call-delta", "index": index, "delta": {"message": told}}
        yield {"type": "tool-call-end", "index": index}
    yield {"type": "message-end", "delta": {"finish_reason": finish, "usage": USAGE, **end}}


@pytest.mark.parametrize("done", [True, False])
def test_whole_and_streamed_say_the_same(done: bool) -> None:
    message = {"tool_plan": "I will.", "content": [THINKING, TEXT], "tool_calls": [CALL, {**CALL, "id": "f_2"}]}
    one = got(message, "TOOL_CALL").choices[0]
    [streamed] = read(sse(*events(message, "TOOL_CALL"), done=done), "cohere")
    thoughts = [
        (part.reasoning.text, part.reasoning.format) for part in one.message.content if part.HasField("reasoning")
    ]
    assert thoughts == [("I will.", "tool_plan"), ("hm", "")]
    deltas = streamed.choices
    assert [
        (delta.reasoning.text, delta.reasoning.format) for delta in deltas if delta.HasField("reasoning")
    ] == thoughts
    assert {delta.reasoning.provider for delta in deltas if delta.HasField("reasoning")} == {"cohere"}
    assert [delta.part_index for delta in deltas if delta.content or delta.HasField("reasoning")] == [0, 1, 2]
    assert "".join(delta.content for delta in deltas) == one.message.content[2].text == TEXT["text"]
    calls = [(call.id, call.function.name, call.function.arguments_json) for call in one.message.tool_calls]
    assert calls == [("f_1", "f", '{"a": 1}'), ("f_2", "f", '{"a": 1}')]
    assert [(piece.id, piece.name, piece.arguments_delta) for delta in deltas for piece in delta.tool_calls] == calls
    assert deltas[-1].finish_reason == one.finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS
    assert deltas[-1].native_finish_reason == one.native_finish_reason == "TOOL_CALL"
    assert streamed.id == "1"
    assert json.loads(streamed.provider_fields_json) == {"usage": {"billed_units": USAGE["billed_units"]}}


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("COMPLETE", chat_pb2.FINISH_REASON_STOP),
        ("STOP_SEQUENCE", chat_pb2.FINISH_REASON_STOP),
        ("MAX_TOKENS", chat_pb2.FINISH_REASON_LENGTH),
        ("ERROR_TOXIC", chat_pb2.FINISH_REASON_CONTENT_FILTER),
        ("USER_CANCEL", chat_pb2.FINISH_REASON_OTHER),
    ],
)
def test_finish_reasons(word: str, reason: int) -> None:
    assert got({"content": [TEXT]}, word).choices[0].finish_reason == reason
    assert read(sse(*events({"content": [TEXT]}, word)), "cohere")[-1].choices[-1].finish_reason == reason


@pytest.mark.parametrize(("word", "error"), [("ERROR", ProviderUnavailable), ("TIMEOUT", ProviderTimeout)])
def test_an_answer_that_failed_is_no_answer(word: str, error: type[HubError]) -> None:
    with pytest.raises(error):
        got({"content": [TEXT]}, word)
    decoder = codec("cohere").decoder(ask())
    message = decoder.feed(sse(*events({"content": [TEXT]}, word, error="the model fell over")))
    assert message is not None
    assert "".join(delta.content for delta in message.choices) == TEXT["text"]
    with pytest.raises(error) as failed:
        decoder.finish()
    assert ("the model fell over" in failed.value.message) is (word == "ERROR")
    assert decoder.broken().usage.output_tokens == 9


DOCUMENTS = [
    {"role": "ROLE_USER", "content": [
        {"text": "when?"},
        {"file": {"media": {"data": "AAAA", "mimeType": "text/plain"}}},
        {"file": {"media": {"data": "AAAA", "mimeType": "text/plain"}}},
    ]},
    {"role": "ROLE_ASSISTANT", "toolCalls": [{"id": "time_1", "function": {"name": "time"}}]},
    {"role": "ROLE_TOOL", "toolCallId": "time_1", "content": [{"text": "4:20 PM"}]},
]  # fmt: skip
CITATIONS = [
    {
        "start": 6, "end": 13, "text": "4:20 PM", "type": "TEXT_CONTENT", "content_index": 1,
        "sources": [
            {"type": "tool", "id": "time_1:0", "tool_output": {"content": "4:20 PM"}},
            {"type": "document", "id": "doc:1",
             "document": {"id": "doc:1", "title": "T", "url": "https://x.test/", "text": "x"}},
        ],
    },
    {"start": 0, "end": 2, "sources": [{"type": "document", "id": "mine", "document": {"id": "mine"}}]},
    {"start": 0, "end": 2, "sources": [{"type": "document", "id": "doc:7"}]},
    {"start": 1, "end": 2},
]  # fmt: skip


def _requested() -> CreateChatCompletionRequest:
    return ask(messages=DOCUMENTS)


def test_citations_name_documents_and_calls_of_the_request() -> None:
    message = {"content": [THINKING, TEXT], "citations": CITATIONS}
    told = answer(whole(message), "cohere", _requested()).choices[0].citations
    assert [(one.start_index, one.end_index, one.part_index) for one in told] == [
        (6, 13, 1), (6, 13, 1), (0, 2, 1), (0, 2, 1), (1, 2, 1)
    ]  # fmt: skip
    assert [(one.tool_call_id, one.file_id) for one in told] == [
        ("time_1", ""), ("", ""), ("", "mine"), ("", "doc:7"), ("", "")
    ]  # fmt: skip
    assert [one.document_index if one.HasField("document_index") else None for one in told] == [
        None,
        1,
        None,
        None,
        None,
    ]
    assert (told[1].title, told[1].url) == ("T", "https://x.test/")
    [streamed] = read(sse(*events(message)), "cohere", _requested())
    assert [one for delta in streamed.choices for one in delta.citations] == list(told)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (USAGE, (40, 9, 49, 16, 4, False)),
        ({"billed_units": {"input_tokens": 3.0, "output_tokens": 7.0}}, (3, 7, 10, 0, 0, False)),
        ({"tokens": {}, "billed_units": {"input_tokens": 3}}, (3, 0, 3, 0, 0, False)),
        ({"tokens": {"input_tokens": 34, "output_tokens": 56, "image_tokens": 259}}, (293, 56, 349, 0, 0, False)),
        (
            {"tokens": {"input_tokens": 4, "output_tokens": 5, "reasoning_tokens": 9}, "cached_tokens": 9},
            (4, 5, 9, 4, 5, False),
        ),
        ({}, None),
        (None, None),
    ],
)
def test_usage(usage: Any, expected: tuple[int, ...] | None) -> None:
    told = got({"content": [TEXT]}, usage=usage).usage
    if expected is None:
        assert told.estimated
        assert told.input_tokens
        return
    assert (
        told.input_tokens, told.output_tokens, told.total_tokens, told.cached_input_tokens,
        told.reasoning_output_tokens, told.estimated,
    ) == expected  # fmt: skip


def test_an_images_tokens_are_told_apart() -> None:
    told = got(
        {"content": [TEXT]}, usage={"tokens": {"input_tokens": 34, "output_tokens": 5, "image_tokens": 259}}
    ).usage
    assert [one.tokens for one in told.input_by_modality] == [34, 259]


def test_logprobs() -> None:
    told = [
        {"text": "Hi", "token_ids": [5], "logprobs": [-0.5]},
        {"text": " é", "token_ids": [6, 7], "logprobs": [-1, -2]},
    ]
    content = got({"content": [TEXT]}, logprobs=told).choices[0].logprobs.content
    assert [(one.token, one.token_id, one.logprob) for one in content] == [("Hi", 5, -0.5), (" é", 6, -1), ("", 7, -2)]
    delta = {
        "type": "content-delta",
        "index": 0,
        "delta": {"message": {"content": {"text": "Hi"}}},
        "logprobs": told[0],
    }
    end = {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}}
    [message] = read(sse(delta, end), "cohere")
    assert message.choices[0].logprobs.content[0].token_id == 5


def test_ids_are_made_where_there_are_none_and_stay_the_same() -> None:
    nameless = {"type": "function", "function": {"name": "f", "arguments": ""}}
    message = {"tool_calls": [nameless, nameless]}
    ids = [call.id for call in got(message, "TOOL_CALL").choices[0].message.tool_calls]
    assert len(set(ids)) == 2
    [streamed] = read(sse(*events(message, "TOOL_CALL")), "cohere")
    assert [piece.id for delta in streamed.choices for piece in delta.tool_calls] == ids


def test_what_is_not_known_is_kept() -> None:
    told = answer(whole({"content": [{"type": "audio", "x": 1}, TEXT], "mood": "good"}, prompt="p"), "cohere")
    assert json.loads(told.provider_fields_json)["prompt"] == "p"
    assert json.loads(told.choices[0].provider_fields_json) == {"message": {"mood": "good"}}
    assert told.choices[0].message.content[0].provider.type == "audio"


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_cut_stream_never_looks_like_an_answer(cut: int) -> None:
    body = sse(*events({"content": [TEXT], "tool_calls": [CALL]}), done=False)
    with pytest.raises(ProviderUnavailable):
        read(body[: len(body) * cut // 12], "cohere")


def test_a_plain_answer_although_a_stream_was_asked_for() -> None:
    [message] = read(json.dumps(whole({"content": [TEXT]})).encode(), "cohere")
    assert message.choices[0].content == TEXT["text"]
    with pytest.raises(ProviderUnavailable):
        read(b'{"message":"internal server error"}', "cohere")


@pytest.mark.parametrize(
    ("status", "payload", "error"),
    [
        (
            400,
            {"error_type": "TOO_MANY_TOKENS", "message": "too many tokens: size limit exceeded by 5 tokens."},
            ContextLengthExceeded,
        ),
        (401, {"message": "invalid api token"}, ProviderCredentialInvalid),
        (498, {"message": "blocked input: please rephrase"}, ContentFiltered),
        (500, {"message": "internal server error"}, ProviderUnavailable),
    ],
)
def test_refusals(status: int, payload: Any, error: type[HubError]) -> None:
    told = codec("cohere").decode_error(HttpResponse(status, {}, json.dumps(payload).encode()))
    assert type(told) is error


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{}", b'{"message":null}', b'{"message":[]}', b"<html>"])
def test_no_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        answer(body, "cohere")


def test_a_failure_in_a_stream() -> None:
    start = next(events({}))
    with pytest.raises(ProviderUnavailable):
        read(sse(start, {"message": "internal server error"}), "cohere", ask(messages=[HELLO]))
