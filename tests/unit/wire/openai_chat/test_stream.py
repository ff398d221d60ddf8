"""Streams: what merges, what waits, what ends them."""

import json
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import StreamChatCompletionResponse

from server.errors import HubError, ProviderBadResponse, ProviderRateLimited, ProviderRejected, ProviderUnavailable
from tests.unit.wire.support import END, answer, ask, chunk, codec, read, sse, whole

STOP = chunk({}, finish_reason="stop")


def one(*events: Any, host: str = "openai", **fields: Any) -> StreamChatCompletionResponse:
    """The message of a stream that one read delivered."""
    messages = read(sse(*events), host, ask(**fields))
    assert len(messages) == 1
    return messages[0]


def parts(message: StreamChatCompletionResponse) -> list[tuple[str, str]]:
    """Kind and text of each delta, in order."""
    found = []
    for delta in message.choices:
        if delta.content:
            found.append(("text", delta.content))
        if delta.HasField("reasoning"):
            found.append(("reasoning", delta.reasoning.text))
        found.extend(("call", call.arguments_delta) for call in delta.tool_calls)
        if delta.refusal:
            found.append(("refusal", delta.refusal))
        found.extend(("part", str(part.WhichOneof("part"))) for part in delta.parts)
    return found


def test_one_read_is_one_message_with_everything_in_its_place() -> None:
    message = one(
        chunk({"role": "assistant", "content": ""}), chunk({"content": "Hel"}), chunk({"content": "lo"}), STOP, END
    )
    assert len(message.choices) == 1
    delta = message.choices[0]
    assert (delta.content, delta.role, delta.finish_reason, delta.native_finish_reason) == (
        "Hello",
        chat_pb2.ROLE_ASSISTANT,
        chat_pb2.FINISH_REASON_STOP,
        "stop",
    )
    assert (message.id, message.model, message.create_time.seconds) == ("chatcmpl-1", "m-1", 1_750_000_000)
    assert (message.usage.total_tokens, message.usage.estimated) == (5, False)


def test_the_header_comes_once_and_the_end_last() -> None:
    events = [chunk({"content": "a"}), chunk({"content": "b"}), chunk({"content": "c"}), STOP, END]
    events[0]["service_tier"] = "default"
    bodies = [sse(event, done=False) for event in events] + [b"data: [DONE]\n\n"]
    data, cuts = b"".join(bodies), [sum(map(len, bodies[: n + 1])) for n in range(len(bodies) - 1)]
    first, *middle, last = read(data, cuts=cuts)
    assert (first.id, first.choices[0].role) == ("chatcmpl-1", chat_pb2.ROLE_ASSISTANT)
    for message in middle:
        assert len(message.ListFields()) == 1
        assert [name.name for name, _ in message.choices[0].ListFields()] == ["content"]
    assert (last.id, last.service_tier, last.usage.total_tokens) == ("", "default", 5)
    assert last.choices[0].finish_reason == chat_pb2.FINISH_REASON_STOP
    assert last.choices[0].role == chat_pb2.ROLE_UNSPECIFIED


def test_usage_within_a_choice_counts_where_none_stands_beside() -> None:
    ended = chunk({}, finish_reason="stop")
    ended["choices"][0]["usage"] = {"prompt_tokens": 19, "completion_tokens": 13, "cached_tokens": 4}
    alone = one(chunk({"content": "a"}), ended)
    assert (alone.usage.input_tokens, alone.usage.output_tokens, alone.usage.cached_input_tokens) == (19, 13, 4)
    assert (alone.usage.estimated, alone.provider_fields_json) == (False, "")
    assert one(chunk({"content": "a"}), ended, END).usage.total_tokens == 5
    told = whole({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 2})
    del told["usage"]
    assert answer(told).usage.total_tokens == 3


def test_starting_up_is_not_news() -> None:
    decoder = codec().decoder(ask())
    assert decoder.feed(sse(chunk({"role": "assistant", "content": "", "refusal": None}), done=False)) is None
    assert decoder.feed(b": still here\n\n") is None
    message = decoder.feed(sse(chunk({"content": "x"}), done=False))
    assert message is not None
    assert (message.id, message.choices[0].role) == ("chatcmpl-1", chat_pb2.ROLE_ASSISTANT)


def test_a_change_of_kind_begins_a_delta_and_keeps_the_order() -> None:
    message = one(
        chunk({"reasoning_content": "hm", "content": None}),
        chunk({"reasoning_content": "m", "content": None}),
        chunk({"reasoning_content": None, "content": "x"}),
        chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]}),
        chunk({"content": "y"}),
        STOP,
        host="deepseek",
    )
    assert parts(message) == [("reasoning", "hmm"), ("text", "x"), ("call", "{}"), ("text", "y")]
    assert [delta.part_index for delta in message.choices] == [0, 1, 0, 1]
    assert message.choices[0].reasoning.provider == "deepseek"
    assert message.choices[-1].finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS


def test_choices_do_not_mix() -> None:
    events = [chunk({"content": text}, index=index) for index, text in [(0, "a"), (1, "x"), (0, "b"), (1, "y")]]
    message = one(*events, chunk({}, index=1, finish_reason="length"), chunk({}, index=0, finish_reason="stop"))
    assert [(delta.index, delta.content, delta.finish_reason) for delta in message.choices] == [
        (0, "ab", chat_pb2.FINISH_REASON_STOP),
        (1, "xy", chat_pb2.FINISH_REASON_LENGTH),
    ]


def calls_of(*entries: Any, host: str = "openai") -> list[tuple[int, str, str, str]]:
    found: dict[int, list[str]] = {}
    for message in read(sse(*(chunk({"tool_calls": [entry]}) for entry in entries), STOP), host):
        for delta in message.choices:
            for call in delta.tool_calls:
                kept = found.setdefault(call.index, ["", "", ""])
                kept[0] += call.id
                kept[1] += call.name
                kept[2] += call.arguments_delta
    return [(index, *kept) for index, kept in sorted(found.items())]  # type: ignore[misc]


def test_parallel_calls_by_index() -> None:
    assert calls_of(
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "function": {"arguments": "{"}},
        {"index": 1, "id": "b", "function": {"name": "g", "arguments": "["}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 1, "function": {"arguments": "]"}},
    ) == [(0, "a", "f", "{}"), (1, "b", "g", "[]")]


def test_whole_calls_all_numbered_zero() -> None:
    assert calls_of(
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"index": 0, "id": "b", "function": {"name": "f", "arguments": "[]"}},
    ) == [(0, "a", "f", "{}"), (1, "b", "f", "[]")]


def test_calls_without_an_index() -> None:
    assert calls_of(
        {"id": "a", "function": {"name": "f", "arguments": "{"}},
        {"function": {"arguments": "}"}},
        {"id": "b", "function": {"name": "g", "arguments": "["}},
        {"id": "b", "function": {"arguments": "]"}},
    ) == [(0, "a", "f", "{}"), (1, "b", "g", "[]")]


def test_id_and_name_repeated_on_every_piece() -> None:
    assert calls_of(
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}},
    ) == [(0, "a", "f", "{}")]


def test_calls_without_an_id_get_one_and_keep_it() -> None:
    entries = [
        {"index": 0, "function": {"name": "f", "arguments": "{"}},
        {"index": 0, "function": {"arguments": "}"}},
        {"index": 1, "function": {"name": "f", "arguments": "{}"}},
    ]
    (_, first, *_), (_, second, *_) = calls_of(*entries)
    assert len(first) == len("call_") + 24
    assert first != second
    assert calls_of(*entries)[0][1] == first


def test_a_name_that_comes_late_is_still_told() -> None:
    assert calls_of(
        {"index": 0, "id": "a", "function": {"arguments": ""}},
        {"index": 0, "function": {"name": "f", "arguments": "{}"}},
    ) == [(0, "a", "f", "{}")]


def test_arguments_that_come_parsed() -> None:
    assert calls_of({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"x": 1}}}) == [
        (0, "a", "f", '{"x":1}')
    ]


def test_custom_calls_and_signed_ones() -> None:
    message = one(
        chunk({"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "g", "input": "fr"}}]}),
        chunk({"tool_calls": [{"index": 0, "custom": {"input": "ee"}}]}),
        chunk(
            {
                "tool_calls": [
                    {
                        "index": 1,
                        "id": "b",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "sig"}},
                    }
                ]
            }
        ),
        STOP,
    )
    first, second = (call for delta in message.choices for call in delta.tool_calls)
    assert (first.name, first.arguments_delta, first.custom) == ("g", "free", True)
    assert (second.signature, second.custom) == (b"sig", False)


def test_the_older_function_call() -> None:
    message = one(
        chunk({"function_call": {"name": "f", "arguments": "{"}}),
        chunk({"function_call": {"arguments": "}"}}),
        chunk({}, finish_reason="function_call"),
    )
    call = message.choices[0].tool_calls[0]
    assert (call.name, call.arguments_delta, call.id[:5]) == ("f", "{}", "call_")
    assert message.choices[0].finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS


def test_openrouter_blocks_of_reasoning() -> None:
    def detail(**fields: Any) -> dict[str, Any]:
        return chunk({"content": "", "reasoning": fields.get("text"), "reasoning_details": [fields]})

    message = one(
        detail(type="reasoning.text", text="a", index=0, format="anthropic-claude-v1"),
        detail(type="reasoning.text", text="b", index=0),
        detail(type="reasoning.text", signature="sig", index=0),
        detail(type="reasoning.text", text="c", index=1),
        detail(type="reasoning.encrypted", data="enc", index=1, id="rs_1"),
        chunk({"content": "x", "reasoning": None, "reasoning_details": []}),
        STOP,
        host="openrouter",
    )
    told = [
        (delta.part_index, delta.reasoning.text, delta.reasoning.signature, delta.reasoning.redacted)
        for delta in message.choices
        if delta.HasField("reasoning")
    ]
    assert told == [(0, "ab", b"sig", False), (1, "c", b"", False), (2, "", b"enc", True)]
    assert message.choices[0].reasoning.format == "anthropic-claude-v1"
    assert (message.choices[-1].content, message.choices[-1].part_index) == ("x", 3)


def test_images_refusals_and_audio() -> None:
    message = one(
        chunk({"content": "see"}),
        chunk({"images": [{"image_url": {"url": "data:image/png;base64,AAEC"}}]}),
        chunk({"content": "that"}),
        chunk({"refusal": "n"}),
        chunk({"refusal": "o"}),
        chunk({"audio": {"id": "audio_1", "transcript": "h"}}),
        chunk({"audio": {"data": "AAE="}}),
        chunk({"audio": {"data": "Ag==", "expires_at": 1_750_000_100, "transcript": "i"}}),
        STOP,
        host="openrouter",
    )
    assert parts(message) == [("text", "see"), ("part", "image"), ("text", "that"), ("refusal", "no")]
    assert [delta.part_index for delta in message.choices[:3]] == [0, 1, 2]
    audio = message.choices[-1].audio
    assert (audio.id, audio.data, audio.transcript, audio.expire_time.seconds) == (
        "audio_1",
        b"\x00\x01\x02",
        "hi",
        1_750_000_100,
    )


def test_logprobs_and_citations_gather() -> None:
    def token(text: str) -> dict[str, Any]:
        return {"content": [{"token": text, "logprob": -1}], "refusal": None}

    cited = {"type": "url_citation", "url_citation": {"url": "https://a.test", "start_index": 0, "end_index": 1}}
    message = one(
        chunk({"content": "a"}, logprobs=token("a")),
        chunk({"content": "b"}, logprobs=token("b")),
        chunk({"annotations": [cited, {"type": "file"}]}),
        STOP,
    )
    delta = message.choices[0]
    assert [entry.token for entry in delta.logprobs.content] == ["a", "b"]
    assert (delta.citations[0].url, delta.citations[0].part_index) == ("https://a.test", 0)
    assert json.loads(delta.provider_fields_json) == {"message": {"annotations": [{"type": "file"}]}}


def test_mistral_like_arrays() -> None:
    message = one(
        chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
        chunk({"content": [{"type": "text", "text": "x"}]}),
        STOP,
    )
    assert parts(message) == [("reasoning", "hm"), ("text", "x")]


def test_azure_starts_with_nothing_and_sends_choices_without_delta() -> None:
    filtered = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": [{"a": 1}]}
    bare = {**chunk(), "choices": [{"index": 0, "finish_reason": None, "content_filter_results": {}}]}
    message = one(filtered, bare, chunk({"content": "x"}, content_filter_results={"hate": {"filtered": False}}), STOP)
    assert (message.id, message.choices[0].content) == ("chatcmpl-1", "x")
    assert json.loads(message.provider_fields_json) == {"prompt_filter_results": [{"a": 1}]}
    assert json.loads(message.choices[0].provider_fields_json) == {
        "content_filter_results": {"hate": {"filtered": False}}
    }


def test_perplexity_counts_up_and_repeats_itself() -> None:
    def grown(text: str, tokens: int, **fields: Any) -> dict[str, Any]:
        usage = {"prompt_tokens": 10, "completion_tokens": tokens, "total_tokens": 10 + tokens}
        whole_so_far = {"role": "assistant", "content": "so far " + text}
        return {
            **chunk({"content": text}, message=whole_so_far),
            "usage": usage,
            "citations": ["https://a.test"],
            **fields,
        }

    done = grown("", 2, object="chat.completion.done")
    done["choices"][0]["finish_reason"] = "stop"
    message = one(grown("a", 1), grown("b", 2), done, host="perplexity")
    assert message.choices[0].content == "ab"
    assert (message.usage.output_tokens, message.usage.total_tokens) == (2, 12)
    assert [citation.url for citation in message.choices[0].citations] == ["https://a.test"]


def test_groq_tells_usage_its_own_way() -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "queue_time": 0.5}
    message = one(
        {**chunk({"content": "x"}), "x_groq": {"id": "req_1"}}, {**STOP, "x_groq": {"usage": usage}}, host="groq"
    )
    assert message.usage.total_tokens == 3
    assert json.loads(message.provider_fields_json) == {"x_groq": {"id": "req_1"}, "usage": {"queue_time": 0.5}}


def test_a_host_that_sends_one_message_in_one_event() -> None:
    event = whole({"content": "x", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]})
    message = one(event)
    assert parts(message) == [("text", "x"), ("call", "{}")]


def test_padding_is_passed_on_only_to_who_asked() -> None:
    event = {**chunk({"content": "x"}), "obfuscation": "abc"}
    assert one(event, STOP).obfuscation == ""
    assert one(event, STOP, streamOptions={"includeObfuscation": True}).obfuscation == "abc"


def test_a_plain_answer_although_a_stream_was_asked() -> None:
    told = whole({"content": "x", "reasoning_content": "hm", "refusal": "no"}, logprobs={"content": [{"token": "x"}]})
    told["choices"][0]["message"]["tool_calls"] = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}]
    raw = json.dumps(told, indent=1).encode()
    (message,) = read(b"\n " + raw, "deepseek", cuts=[1, 2, 30])
    assert parts(message) == [("reasoning", "hm"), ("text", "x"), ("refusal", "no"), ("call", "{}")]
    assert (message.id, message.usage.total_tokens) == ("chatcmpl-1", 5)
    assert message.choices[-1].finish_reason == chat_pb2.FINISH_REASON_TOOL_CALLS
    assert message.choices[0].role == chat_pb2.ROLE_ASSISTANT


@pytest.mark.parametrize(
    "raw", [b'{"error": {"message": "no", "code": 400}}', b'[{"error": {"code": 400, "message": "no"}}]']
)
def test_a_plain_error_although_a_stream_was_asked(raw: bytes) -> None:
    with pytest.raises(ProviderRejected):
        read(raw)


def test_a_page_although_a_stream_was_asked() -> None:
    with pytest.raises(ProviderBadResponse):
        read(b"<!doctype html><p>hi</p>")


def test_groq_ends_in_an_event_named_error() -> None:
    failed = 'event: error\ndata: {"error": {"message": "no tool", "code": "tool_use_failed", "status_code": 400}}'
    decoder = codec("groq").decoder(ask())
    message = decoder.feed(sse(chunk({"content": "x"}), failed, done=False))
    assert message is not None
    assert message.choices[0].content == "x"
    with pytest.raises(ProviderRejected):
        decoder.feed(b"data: [DONE]\n\n")
    with pytest.raises(ProviderRejected):
        decoder.finish()
    assert not decoder.done


def test_an_event_named_error_without_an_error_field() -> None:
    with pytest.raises(ProviderRejected):
        read(sse('event: error\ndata: {"message": "no", "code": 400}', done=False))


def test_an_event_named_error_in_plain_words() -> None:
    decoder = codec().decoder(ask())
    with pytest.raises(ProviderUnavailable, match="upstream went away"):
        decoder.feed(sse("event: error\ndata: upstream went away", done=False))
    with pytest.raises(ProviderUnavailable, match="upstream went away"):
        decoder.finish()


def test_openrouter_puts_an_error_beside_choices() -> None:
    failed = {
        **chunk({"content": ""}),
        "error": {"code": 502, "message": "Provider disconnected"},
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
    }
    decoder = codec("openrouter").decoder(ask())
    assert decoder.feed(sse(chunk({"content": "x"}), failed)) is not None
    with pytest.raises(ProviderUnavailable):
        decoder.finish()
    assert (decoder.usage().total_tokens, decoder.usage().estimated) == (4, False)


@pytest.mark.parametrize(
    ("host", "word"),
    [("openrouter", "error"), ("deepseek", "insufficient_system_resource"), ("zai", "network_error")],
)
def test_a_choice_that_failed_is_no_answer(host: str, word: str) -> None:
    with pytest.raises(ProviderUnavailable, match="before its answer was whole"):
        answer(whole({"content": "It be"}, finish_reason=word), host)
    decoder = codec(host).decoder(ask())
    begun = decoder.feed(sse(chunk({"content": "It be"}), chunk(finish_reason=word), END))
    assert begun is not None
    assert begun.choices[0].content == "It be"
    with pytest.raises(ProviderUnavailable, match="before its answer was whole"):
        decoder.finish()


def test_openrouter_tells_within_a_choice_why_it_failed() -> None:
    failed: dict[str, Any] = {"finish_reason": "error", "error": {"code": 429, "message": "the model is overloaded"}}
    with pytest.raises(ProviderRateLimited, match="overloaded"):
        answer(whole({"content": ""}, **failed, native_finish_reason="OTHER"), "openrouter")
    decoder = codec("openrouter").decoder(ask())
    decoder.feed(sse(chunk({"content": "It be"}), chunk({}, **failed), END))
    with pytest.raises(ProviderRateLimited, match="overloaded"):
        decoder.finish()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b": ping\n\n",
        sse(chunk({"role": "assistant"}), done=False),
        sse(chunk({"content": "x"}), done=False),
        sse(chunk({"content": "x"}), STOP, chunk({"content": "y"}, index=1), done=False),
        sse(chunk({"content": "x"}), done=False) + b'data: {"choices": [{"delta": {"con',
    ],
)
def test_a_cut_stream_is_never_a_success(data: bytes) -> None:
    with pytest.raises(ProviderUnavailable, match="broke off"):
        read(data)


def test_a_reason_for_every_choice_is_an_end_too() -> None:
    messages = read(sse(chunk({"content": "x"}), STOP, END, done=False))
    assert messages[-1].choices[0].finish_reason == chat_pb2.FINISH_REASON_STOP
    assert messages[-1].usage.total_tokens == 5


def test_the_end_without_its_blank_line() -> None:
    messages = read(sse(chunk({"content": "x"}), STOP, END, done=False) + b"data: [DONE]")
    assert messages[-1].usage.total_tokens == 5


def test_nothing_is_read_after_the_end() -> None:
    decoder = codec().decoder(ask())
    assert decoder.feed(sse(chunk({"content": "x"}), STOP)) is not None
    assert decoder.done
    assert decoder.feed(sse(chunk({"content": "y"}))) is None


def test_usage_is_estimated_where_none_came() -> None:
    decoder = codec().decoder(ask())
    decoder.feed(sse(chunk({"content": "12345678"}), chunk({"reasoning": "1234"}), done=False))
    usage = decoder.usage()
    assert (usage.output_tokens, usage.estimated) == (3, True)
    assert usage.input_tokens > 0


@pytest.mark.parametrize(
    "event",
    [
        "data: {",
        "data: null",
        "data: 5",
        "data: [1]",
        'data: {"id": "\\ud800"}',
        'data: {"choices": [{"index": 99999999999999, "delta": {"content": "x"}}]}',
        'data: {"choices": [{"index": -1, "delta": {"content": "x"}}]}',
        'data: {"choices": [{"index": 0, "delta": {"audio": {"data": "é!"}}}]}',
        "data: " + "[" * 5000,
    ],
)
def test_what_cannot_be_read_is_one_error(event: str) -> None:
    with pytest.raises(ProviderBadResponse):
        read(sse(event))


def test_an_end_without_an_answer_is_no_answer() -> None:
    with pytest.raises(ProviderBadResponse):
        read(sse(END))


def test_endless_choices_and_calls_are_stopped() -> None:
    with pytest.raises(HubError):
        read(sse(*(chunk({"content": "x"}, index=index) for index in range(300))))
    with pytest.raises(HubError):
        read(
            sse(*(chunk({"tool_calls": [{"index": n, "id": str(n), "function": {"name": "f"}}]}) for n in range(1100)))
        )
