"""What an answer says, whole and streamed: the same reading of both."""

import json
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionResponse

from server.errors import (
    ContentFiltered,
    HubError,
    ProviderBadResponse,
    ProviderRateLimited,
    ProviderRejected,
    ProviderTimeout,
    ProviderUnavailable,
)
from server.wire.chat.whole import as_choice
from tests.unit.wire.openai_responses.support import answer, codec, events, message, read, response
from tests.unit.wire.support import ask

REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "First."}, {"type": "summary_text", "text": "Then."}],
    "encrypted_content": "gAAA",
}
CALL = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'}
NOTE = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://a.test", "title": "A"}
FILE = {"type": "container_file_citation", "container_id": "c", "file_id": "file-1", "filename": "a.csv"}


def incomplete(why: str) -> dict[str, Any]:
    return {"status": "incomplete", "incomplete_details": {"reason": why}}


def streamed(*told: dict[str, Any], cuts: tuple[int, ...] = (), **fields: Any) -> CreateChatCompletionResponse:
    """The same answer put together from a stream's messages."""
    messages = read(events(*told), request=ask(**fields), cuts=cuts)
    whole = CreateChatCompletionResponse(
        id=messages[0].id,
        model=messages[0].model,
        usage=messages[-1].usage,
        service_tier=messages[-1].service_tier,
        provider_fields_json=messages[-1].provider_fields_json,
    )
    whole.choices.append(as_choice(0, [delta for one in messages for delta in one.choices]))
    return whole


def told_whole(*output: dict[str, Any], **fields: Any) -> list[dict[str, Any]]:
    """The least of a stream: each item when it is done, and the end."""
    done = [
        {"type": "response.output_item.done", "output_index": index, "item": item} for index, item in enumerate(output)
    ]
    end = {"type": "response.completed", "response": response(*output, **fields)}
    return [{"type": "response.created", "response": response(status="in_progress")}, *done, end]


@pytest.mark.parametrize(
    "output",
    [
        (message("Hi."),),
        (REASONING, message("One.", "Two.", phase="final_answer")),
        (message("A"), message("B")),
        (message({"type": "output_text", "text": "Hi", "annotations": [NOTE, FILE]}),),
        (message({"type": "refusal", "refusal": "No."}),),
        (REASONING, CALL, {"type": "web_search_call", "id": "ws_1"}, message("x")),
        ({"id": "ig", "type": "image_generation_call", "result": "iVBORw0KGgo=", "revised_prompt": "a cat"},),
        ({"type": "custom_tool_call", "id": "ctc_1", "call_id": "call_2", "name": "sh", "input": "ls"},),
        ({"type": "never_heard_of", "a": [1, {"b": None}]},),
        (),
    ],
)
def test_whole_items_read_alike(output: tuple[dict[str, Any], ...]) -> None:
    whole = answer(response(*output))
    again = streamed(*told_whole(*output))
    whole.choices[0].message.phase = ""  # a stream has no field for it
    whole.ClearField("create_time")
    assert again.choices[0] == whole.choices[0]
    assert again == whole
    only_the_end = [{"type": "response.completed", "response": response(*output)}]
    assert streamed(*only_the_end).choices[0] == whole.choices[0]


def test_the_head_and_the_tail() -> None:
    read_whole = answer(
        response(
            message("Hi."),
            service_tier="flex",
            content_filters=[{"blocked": False}],
            temperature=1.0,
            tools=[],
            instructions="x",
            moderation={"flagged": False},
            usage={
                "input_tokens": 9,
                "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3, "audio_tokens": 2},
                "output_tokens": 7,
                "output_tokens_details": {"reasoning_tokens": 5, "odd_tokens": 1},
                "total_tokens": 16,
                "cost_in_usd_ticks": 30,
                "server_side_tool_usage_details": {"web_search_calls": 2, "mcp_calls": 0},
            },
        )
    )
    assert (read_whole.id, read_whole.model, read_whole.service_tier) == ("resp_1", "m-1", "flex")
    assert read_whole.create_time.seconds == 1_750_000_000
    assert json.loads(read_whole.provider_fields_json) == {
        "content_filters": [{"blocked": False}],
        "usage": {"output_tokens_details": {"odd_tokens": 1}},
    }
    assert json.loads(read_whole.moderation_json) == {"flagged": False}
    usage = read_whole.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == (9, 7, 16)
    assert (usage.cached_input_tokens, usage.cache_write_input_tokens, usage.reasoning_output_tokens) == (4, 3, 5)
    assert (usage.provider_cost_nano_usd, dict(usage.server_tool_calls)) == (3, {"web_search": 2})
    assert [(one.modality, one.tokens) for one in usage.input_by_modality] == [(3, 2)]
    assert not usage.estimated


def test_tools_that_openai_counts() -> None:
    told = response(message("x"), tool_usage={"web_search": {"num_requests": 3}, "image_gen": {"input_tokens": 0}})
    assert dict(answer(told).usage.server_tool_calls) == {"web_search": 3}


def test_usage_that_was_not_told_is_estimated() -> None:
    for usage in (None, {}, {"input_tokens": 0, "output_tokens": 0}):
        counted = answer(response(message("Hello there"), usage=usage)).usage
        assert counted.estimated
        assert counted.output_tokens == 3


def test_citations_name_their_part() -> None:
    told = message("Look:", {"type": "output_text", "text": "ab", "annotations": [NOTE, FILE]})
    [choice] = answer(response(REASONING, told)).choices
    [note, file] = choice.citations
    assert (note.url, note.title, note.start_index, note.end_index, note.part_index) == ("https://a.test", "A", 0, 2, 3)
    assert (file.file_id, file.title, file.HasField("start_index")) == ("file-1", "a.csv", False)
    assert json.loads(choice.provider_fields_json)["annotations"] == [FILE]


@pytest.mark.parametrize(
    ("fields", "output", "reason", "word"),
    [
        ({}, (message("x"),), "STOP", "completed"),
        ({}, (CALL,), "TOOL_CALLS", "completed"),
        (incomplete("max_output_tokens"), (message("x"),), "LENGTH", "max_output_tokens"),
        (incomplete("content_filter"), (), "CONTENT_FILTER", "content_filter"),
        (incomplete("boredom"), (message("x"),), "OTHER", "boredom"),
        ({}, ({"type": "computer_call", "id": "cu", "call_id": "c"},), "TOOL_CALLS", "completed"),
        ({}, ({"type": "mcp_approval_request", "id": "m"},), "TOOL_CALLS", "completed"),
        ({}, ({"type": "tool_search_call", "call_id": "t", "execution": "server"}, message("x")), "STOP", "completed"),
        (
            {},
            ({"type": "shell_call", "call_id": "s"}, {"type": "shell_call_output", "call_id": "s"}, message("x")),
            "STOP",
            "completed",
        ),
    ],
)  # fmt: skip
def test_why_it_ended(fields: dict[str, Any], output: tuple[Any, ...], reason: str, word: str) -> None:
    [choice] = answer(response(*output, **fields)).choices
    assert chat_pb2.FinishReason.Name(choice.finish_reason) == f"FINISH_REASON_{reason}"
    assert choice.native_finish_reason == word
    kind = "response.incomplete" if fields else "response.completed"
    [again] = streamed({"type": kind, "response": response(*output, **fields)}).choices
    assert (again.finish_reason, again.native_finish_reason) == (choice.finish_reason, choice.native_finish_reason)


def test_calls_without_ids_get_one() -> None:
    bare = {"type": "function_call", "name": "f", "arguments": {"a": 1}}
    [call, own] = answer(response(bare, {**bare, "id": "fc_9"})).choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments_json)) == ("f", {"a": 1})
    assert call.id.startswith("call_")
    assert (own.id, own.signature) == ("fc_9", b"")


def test_log_probabilities() -> None:
    token = {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -1}]}
    part = {"type": "output_text", "text": "Hi", "logprobs": [token]}
    [choice] = answer(response(message(part))).choices
    assert [(one.token, one.top_logprobs[0].token) for one in choice.logprobs.content] == [("Hi", "Ho")]
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"}
    again = streamed({**delta, "logprobs": [token]}, *told_whole(message(part)))
    assert again.choices[0].logprobs == choice.logprobs


def test_pieces_are_told_once_whatever_numbers_they_have() -> None:
    # Amazon numbers the texts of all items together, and its reasoning has an id like a message's.
    told = [
        {"type": "response.output_item.added", "output_index": 0, "item": {"id": "a", "type": "reasoning"}},
        {"type": "response.reasoning_text.delta", "output_index": 0, "content_index": 0, "item_id": "a", "delta": "Hm"},
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {"id": "a", "type": "reasoning", "content": [{"type": "reasoning_text", "text": "Hm"}]},
        },
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 1, "item_id": "b", "delta": "He"},
        {"type": "response.output_text.delta", "output_index": 1, "content_index": 1, "item_id": "b", "delta": "ll"},
        {"type": "response.output_item.done", "output_index": 1, "item": message("Hello", id="b")},
    ]
    end = {"type": "response.completed", "response": response({"id": "a", "type": "reasoning"}, message("Hello"))}
    content = streamed(*told, end).choices[0].message.content
    assert [part.WhichOneof("part") for part in content] == ["reasoning", "text"]
    assert (content[0].reasoning.text, content[0].reasoning.format, content[1].text) == (
        "Hm",
        "reasoning_text",
        "Hello",
    )
    unnumbered = [{name: value for name, value in one.items() if name != "output_index"} for one in told]
    assert streamed(*unnumbered, end).choices[0].message.content == content


def test_a_summary_in_two_parts_and_its_proof() -> None:
    delta = {"type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs_1"}
    told = [
        {**delta, "summary_index": 0, "delta": "Fir"},
        {**delta, "summary_index": 0, "delta": "st."},
        {**delta, "summary_index": 1, "delta": "Then."},
        *told_whole(REASONING)[1:],
    ]
    [first, then] = [part.reasoning for part in streamed(*told).choices[0].message.content]
    assert (first.text, first.signature, then.text, then.signature) == ("First.", b"", "Then.", b"gAAA")
    assert {first.id, then.id} == {"rs_1"}
    assert not then.redacted
    [bare] = answer(response({**REASONING, "summary": []})).choices[0].message.content
    assert (bare.reasoning.text, bare.reasoning.signature, bare.reasoning.redacted) == ("", b"gAAA", True)


def test_calls_in_pieces() -> None:
    told = [
        {"type": "response.output_item.added", "output_index": 0, "item": {**CALL, "arguments": ""}},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": '{"a":'},
        {"type": "response.function_call_arguments.delta", "output_index": 0, "delta": " 1}"},
        {"type": "response.function_call_arguments.done", "output_index": 0, "arguments": '{"a": 1}'},
        *told_whole(CALL)[1:],
    ]
    messages = read(events(*told))
    pieces = [piece for one in messages for delta in one.choices for piece in delta.tool_calls]
    assert "".join(piece.arguments_delta for piece in pieces) == '{"a": 1}'
    assert [piece.id for piece in pieces if piece.id] == ["call_1"]
    assert [piece.signature for piece in pieces if piece.signature] == [b"fc_1"]


def test_sound_and_padding() -> None:
    told: list[dict[str, Any]] = [
        {"type": "response.audio.delta", "delta": "AAEC"},
        {"type": "response.audio.transcript.delta", "delta": "Hi"},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi", "obfuscation": "xyz"},
        *told_whole(message("Hi"))[1:],
    ]
    [choice] = streamed(*told).choices
    assert (choice.audio.data, choice.audio.transcript) == (b"\0\1\2", "Hi")
    assert read(events(*told))[0].obfuscation == ""
    assert read(events(*told), request=ask(streamOptions={"includeObfuscation": True}))[0].obfuscation == "xyz"


def test_events_of_server_tools_and_unknown_ones_say_nothing_of_their_own() -> None:
    names = ("web_search_call.searching", "code_interpreter_call_code.delta", "image_generation_call.partial_image")
    noise = [
        {"type": f"response.{name}", "output_index": 0, "delta": "no", "partial_image_b64": "no"} for name in names
    ]
    told = told_whole({"type": "web_search_call", "id": "ws"}, message("Hi"))
    assert streamed(*noise, {"type": "keepalive"}, *told) == streamed(*told)


def test_a_host_without_names_of_events_and_with_a_last_word() -> None:
    told = told_whole(message("Hi"))
    plain = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in told)
    messages = read(b": PROCESSING\n\n" + plain + b"data: [DONE]\n\n", "openrouter")
    assert "".join(delta.content for one in messages for delta in one.choices) == "Hi"
    assert messages[-1].HasField("usage")


FAILURES: tuple[tuple[dict[str, Any], type[HubError]], ...] = (
    ({"code": "server_error", "message": "oops"}, ProviderUnavailable),
    ({"code": "rate_limit_exceeded", "message": "Rate limit reached; try again in 3s"}, ProviderRateLimited),
    ({"code": "invalid_prompt", "message": "flagged as potentially violating"}, ContentFiltered),
    ({"code": "image_content_policy_violation", "message": "no"}, ContentFiltered),
    ({"code": "invalid_image_format", "message": "no"}, ProviderRejected),
    ({"code": "vector_store_timeout", "message": "no"}, ProviderTimeout),
)


@pytest.mark.parametrize(("error", "kind"), FAILURES)
def test_failures(error: dict[str, Any], kind: type[HubError]) -> None:
    failed = response(status="failed")
    failed["error"] = error
    with pytest.raises(kind):
        answer(failed)
    for event in (
        {"type": "response.failed", "response": failed},
        {"type": "error", **error},
        {"type": "error", "error": error},
    ):
        with pytest.raises(kind):
            read(events(event))


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        (response(status="failed"), ProviderUnavailable),
        (response(status="cancelled"), ProviderUnavailable),
        (response(status="queued"), ProviderBadResponse),
        ({"id": "x"}, ProviderBadResponse),
        ({**response(), "output": None}, ProviderBadResponse),
        ([], ProviderBadResponse),
        (response({"type": "function_call", "name": "\ud800"}), ProviderBadResponse),
    ],
)
def test_what_is_no_answer(told: Any, kind: type[HubError]) -> None:
    with pytest.raises(kind):
        answer(json.dumps(told).encode())


def test_a_failure_in_the_middle_tells_what_came_before() -> None:
    delta = {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Half"}
    failed = {"type": "response.failed", "response": {**response(status="failed"), "error": {"code": "server_error"}}}
    decoder = codec().decoder(ask())
    told = decoder.feed(events(delta, failed))
    assert told is not None
    assert told.choices[0].content == "Half"
    with pytest.raises(ProviderUnavailable):
        decoder.feed(b"x")
    assert decoder.broken().usage.input_tokens == 3


@pytest.mark.parametrize("end", range(0, 900, 37))
def test_a_cut_stream_never_looks_whole(end: int) -> None:
    body = events(
        {"type": "response.created", "response": response(status="in_progress")},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hi"},
        *told_whole(message("Hi"))[1:],
    )
    with pytest.raises(ProviderUnavailable):
        read(body[: min(end, len(body) - 20)])


def test_wherever_it_is_cut_it_says_the_same() -> None:
    body = events(*told_whole(REASONING, message("Grüße 🌍"), CALL))
    expected = streamed(*told_whole(REASONING, message("Grüße 🌍"), CALL))
    for cut in range(1, len(body), 13):
        again = streamed(*told_whole(REASONING, message("Grüße 🌍"), CALL), cuts=(cut,))
        assert again == expected


def test_a_plain_answer_although_a_stream_was_asked_for() -> None:
    messages = read(json.dumps(response(REASONING, message("Hi"))).encode())
    assert "".join(delta.content for one in messages for delta in one.choices) == "Hi"
    with pytest.raises(ProviderBadResponse):
        read(b"<html>no</html>")
