"""Answers, whole and streamed by the same reading."""

import json
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Citation

from tests.unit.wire.anthropic.support import (
    block,
    decoder,
    deltas,
    end,
    framed,
    parts_of,
    start,
    streamed,
    text,
    whole,
)
from tests.unit.wire.support import answer

SIZES = pytest.mark.parametrize("size", [0, 1, 33])


def test_blocks_keep_their_order_and_calls_their_place() -> None:
    [choice] = whole(
        {"type": "thinking", "thinking": "hm", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "dark"},
        {"type": "text", "text": "a"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}, "caller": {"type": "direct"}},
        {"type": "text", "text": "b"},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
        stop_reason="tool_use",
    ).choices
    reasoning, dark, first, second = choice.message.content
    assert (reasoning.reasoning.text, reasoning.reasoning.signature) == ("hm", b"sig==")
    assert (reasoning.reasoning.provider, reasoning.reasoning.format) == ("anthropic", "anthropic-claude-v1")
    assert (dark.reasoning.signature, dark.reasoning.redacted) == (b"dark", True)
    assert (first.text, second.text) == ("a", "b")
    assert [(call.id, call.part_index) for call in choice.message.tool_calls] == [("t1", 3), ("t2", 4)]
    assert [call.signature for call in choice.message.tool_calls] == [b"", b""]
    assert choice.finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS


@SIZES
def test_a_stream_is_read_like_the_whole(size: int) -> None:
    messages = streamed(
        start(),
        {"type": "ping"},
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "h"},
            {"type": "thinking_delta", "thinking": "m"},
            {"type": "signature_delta", "signature": "sig=="},
        ),
        *block(1, {"type": "redacted_thinking", "data": "dark"}),
        *text(2, "Grü", "ße"),
        *text(3, "b"),
        *block(
            4,
            {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"x": '},
            {"type": "input_json_delta", "partial_json": "1.0}"},
        ),
        *block(5, {"type": "tool_use", "id": "t2", "name": "g", "input": {}}),
        *end("tool_use"),
        size=size,
    )
    reasoning, dark, first, second = parts_of(messages)
    assert (reasoning.reasoning.text, reasoning.reasoning.signature) == ("hm", b"sig==")
    assert (dark.reasoning.signature, dark.reasoning.redacted) == (b"dark", True)
    assert (first.text, second.text) == ("Grüße", "b")
    calls: dict[int, str] = {}
    for delta in deltas(messages):
        for piece in delta.tool_calls:
            calls[piece.index] = calls.get(piece.index, "") + piece.id + piece.name + piece.arguments_delta
    assert calls == {0: 't1f{"x": 1.0}', 1: "t2g{}"}
    assert deltas(messages)[-1].finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS
    assert (messages[0].id, messages[0].model) == ("msg_1", "claude-1")
    assert messages[-1].usage.total_tokens == 15


def test_reasoning_that_is_not_shown_keeps_its_proof() -> None:
    messages = streamed(
        start(),
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "signature_delta", "signature": "sig"},
        ),
        *text(1, "x"),
        *end(),
    )
    assert [part.WhichOneof("part") for part in parts_of(messages)] == ["reasoning", "text"]
    assert parts_of(messages)[0].reasoning.signature == b"sig"


def test_arguments_are_the_models_own_text() -> None:
    body = (
        b'{"id":"m","model":"m","content":[{"type":"tool_use","id":"t","name":"f",'
        b'"input":{"n": 1.0, "big":12345678901234567890123, "s":"\\u00e9"}}],"stop_reason":"tool_use","usage":{}}'
    )
    [call] = answer(body, "anthropic").choices[0].message.tool_calls
    assert call.function.arguments_json == '{"n": 1.0, "big":12345678901234567890123, "s":"\\u00e9"}'


def test_who_called_from_code_travels_with_the_call() -> None:
    caller = {"type": "code_execution_20260120", "tool_id": "srvtoolu_1"}
    told = {"type": "tool_use", "id": "t", "name": "f", "input": {}, "caller": caller, "toolset_name": "browser"}
    [call] = whole(told).choices[0].message.tool_calls
    assert json.loads(call.signature) == {"caller": caller, "toolset_name": "browser"}
    [delta] = deltas(streamed(start(), *block(0, told), *end("tool_use")))
    assert json.loads(delta.tool_calls[0].signature) == {"caller": caller, "toolset_name": "browser"}


def test_a_call_without_an_id_gets_one_that_stays() -> None:
    told = {"type": "tool_use", "name": "f", "input": {}}
    [call] = whole(told).choices[0].message.tool_calls
    [again] = whole(told).choices[0].message.tool_calls
    [delta] = deltas(streamed(start(), *block(0, told), *end("tool_use")))
    assert call.id == again.id == delta.tool_calls[0].id != ""


def test_blocks_of_its_own_are_kept_as_they_came() -> None:
    text_ = '{"type":"web_search_tool_result", "tool_use_id":"s", "content":[{"n":1.0}]}'
    body = f'{{"id":"m","model":"m","content":[{text_}],"stop_reason":"end_turn","usage":{{}}}}'.encode()
    [part] = answer(body, "anthropic").choices[0].message.content
    assert (part.provider.provider, part.provider.type) == ("anthropic", "web_search_tool_result")
    assert part.provider.json == text_
    event = f'data: {{"type":"content_block_start","index":0,"content_block":{text_}}}\n\n'.encode()
    reader = decoder()
    reader.feed(framed([start()]) + event)
    message = reader.feed(framed([{"type": "content_block_stop", "index": 0}, *end()]))
    assert message is not None
    assert message.choices[0].parts[0].provider.json == text_


@SIZES
def test_the_input_of_a_tool_of_its_own_comes_in_pieces(size: int) -> None:
    messages = streamed(
        start(),
        *block(
            0,
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"query": "a'},
            {"type": "input_json_delta", "partial_json": '", "n": 1.0}'},
        ),
        *end(),
        size=size,
    )
    [part] = parts_of(messages)
    assert part.provider.id == "s1"
    assert part.provider.json.endswith('"input":{"query": "a", "n": 1.0}}')
    assert json.loads(part.provider.json)["name"] == "web_search"


def test_a_compaction_comes_in_pieces_and_is_a_pause() -> None:
    messages = streamed(
        start(),
        *block(
            0,
            {"type": "compaction", "content": None},
            {"type": "compaction_delta", "content": "Sum"},
            {"type": "compaction_delta", "content": "mary", "encrypted_content": "x=="},
        ),
        *end("compaction"),
    )
    [part] = parts_of(messages)
    assert json.loads(part.provider.json) == {
        "type": "compaction", "content": "Summary", "encrypted_content": "x=="
    }  # fmt: skip
    assert deltas(messages)[-1].finish_reason == chat_pb2.FINISH_REASON_PAUSE


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("end_turn", "STOP"), ("stop_sequence", "STOP"), ("max_tokens", "LENGTH"), ("tool_use", "STOP"),
        ("model_context_window_exceeded", "LENGTH"), ("pause_turn", "PAUSE"), ("refusal", "CONTENT_FILTER"),
        ("compaction", "PAUSE"), ("something_new", "OTHER"),
    ],
)  # fmt: skip
def test_why_it_ended(word: str, reason: str) -> None:
    expected = chat_pb2.FinishReason.Value(f"FINISH_REASON_{reason}")
    [choice] = whole({"type": "text", "text": "x"}, stop_reason=word, stop_sequence="END").choices
    assert (choice.finish_reason, choice.native_finish_reason, choice.stop_sequence) == (expected, word, "END")
    delta = deltas(streamed(start(), *text(0, "x"), *end(word, stop_sequence="END")))[-1]
    assert (delta.finish_reason, delta.native_finish_reason, delta.stop_sequence) == (expected, word, "END")


def test_a_refusal_says_why() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "I cannot."}
    [choice] = whole(stop_reason="refusal", stop_details=details).choices
    assert choice.message.refusal == "I cannot."
    assert json.loads(choice.provider_fields_json) == {"stop_details": details}
    told = deltas(streamed(start(), *text(0, "Wel"), *end("refusal", stop_details=details)))
    assert "".join(delta.content for delta in told) == "Wel"
    assert told[-1].refusal == "I cannot."
    assert json.loads(told[-1].provider_fields_json) == {"stop_details": details}


CITATIONS: list[tuple[dict[str, Any], Citation, dict[str, Any] | None]] = [
    (
        {"type": "char_location", "document_index": 1, "document_title": "T", "start_char_index": 3,
         "end_char_index": 9, "file_id": "file_1"},
        Citation(document_index=1, title="T", source_start_index=3, source_end_index=9, file_id="file_1"),
        None,
    ),
    (
        {"type": "page_location", "document_index": 0, "document_title": None, "start_page_number": 2,
         "end_page_number": 4},
        Citation(document_index=0, start_page=2, end_page=3),
        None,
    ),
    (
        {"type": "content_block_location", "document_index": 0, "start_block_index": 1, "end_block_index": 2},
        Citation(document_index=0),
        {"start_block_index": 1, "end_block_index": 2},
    ),
    (
        {"type": "web_search_result_location", "url": "https://x.test", "title": "T", "encrypted_index": "E=="},
        Citation(url="https://x.test", title="T", signature=b"E=="),
        None,
    ),
    (
        {"type": "search_result_location", "source": "https://y.test", "title": "T", "search_result_index": 0,
         "start_block_index": 0, "end_block_index": 1},
        Citation(url="https://y.test", title="T"),
        {"search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("told", "expected", "left"), CITATIONS, ids=lambda one: None)
def test_citations(told: dict[str, Any], expected: Citation, left: dict[str, Any] | None) -> None:
    told = {**told, "cited_text": "quoted"}
    expected.quoted_text = "quoted"
    expected.part_index, expected.start_index, expected.end_index = 1, 0, 5
    [choice] = whole({"type": "text", "text": "a"}, {"type": "text", "text": "Grüße", "citations": [told]}).choices
    assert list(choice.citations) == [expected]
    fields = json.loads(choice.provider_fields_json or "{}")
    assert fields.get("citations") == ([{"index": 0, "type": told["type"], **left}] if left else None)
    messages = streamed(
        start(),
        *text(0, "a"),
        *block(
            1,
            {"type": "text", "text": "", "citations": []},
            {"type": "text_delta", "text": "Grü"},
            {"type": "citations_delta", "citation": told},
            {"type": "text_delta", "text": "ße"},
        ),
        *end(),
        size=40,
    )
    assert [one for delta in deltas(messages) for one in delta.citations] == [expected]
    assert json.loads(deltas(messages)[-1].provider_fields_json or "{}") == fields


def test_usage_counts_caches_once() -> None:
    usage = {
        "input_tokens": 3,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 100,
        "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 4},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0},
        "service_tier": "priority",
        "inference_geo": "us",
    }
    response = whole({"type": "text", "text": "x"}, usage=usage)
    told = response.usage
    assert (told.input_tokens, told.output_tokens, told.total_tokens) == (123, 7, 130)
    assert (told.cached_input_tokens, told.cache_write_input_tokens, told.reasoning_output_tokens) == (100, 20, 4)
    assert dict(told.server_tool_calls) == {"web_search": 2}
    assert response.service_tier == "priority"
    assert json.loads(response.provider_fields_json) == {
        "usage": {"cache_creation": usage["cache_creation"], "inference_geo": "us"}
    }


def test_usage_of_a_stream_is_merged_and_never_summed() -> None:
    first = {"input_tokens": 3, "cache_read_input_tokens": 100, "output_tokens": 1, "service_tier": "standard"}
    later = {"input_tokens": 5, "cache_read_input_tokens": None, "output_tokens": 7}
    [message] = streamed(start(first), *text(0, "x"), *end(usage=later))
    assert (message.usage.input_tokens, message.usage.output_tokens) == (105, 7)
    assert message.service_tier == "standard"
    [message] = streamed(start(first), *text(0, "x"), *end(usage={"output_tokens": 7}))
    assert message.usage.input_tokens == 103


def test_usage_that_is_not_told_is_estimated_and_says_so() -> None:
    assert whole({"type": "text", "text": "x"}, usage=None).usage.estimated
    [message] = streamed(start({}), *text(0, "x"), *end(usage={}))
    assert message.usage.estimated
    assert message.usage.output_tokens == 1


def test_what_has_no_field_is_kept() -> None:
    container = {"id": "c", "expires_at": "2026-01-01T00:00:00Z"}
    whole_ = json.loads(whole(container=container, context_management={"applied_edits": [1]}).provider_fields_json)
    assert whole_ == {"container": container, "context_management": {"applied_edits": [1]}}
    stop = end(container=container)
    stop[0]["context_management"] = {"applied_edits": [1]}
    [message] = streamed(start(), *stop)
    assert json.loads(message.provider_fields_json) == whole_
