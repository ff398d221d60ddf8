"""Every field of a whole answer, in every spelling."""

import json
from typing import Any

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Message

from server.errors import HubError, ProviderBadResponse, ProviderRateLimited
from tests.unit.wire.support import answer, ask, body, whole


def message(told: dict[str, Any], host: str = "openai") -> Message:
    return answer(whole(told), host).choices[0].message


def test_an_ordinary_answer() -> None:
    found = answer({**whole({"content": "Hi", "refusal": None}), "service_tier": "default", "system_fingerprint": "fp"})
    assert (found.id, found.model, found.service_tier, found.system_fingerprint) == (
        "chatcmpl-1",
        "m-1",
        "default",
        "fp",
    )
    assert found.create_time.seconds == 1_750_000_000
    choice = found.choices[0]
    assert choice.message == Message(role=chat_pb2.ROLE_ASSISTANT, content=[chat_pb2.ContentPart(text="Hi")])
    assert (choice.finish_reason, choice.native_finish_reason) == (chat_pb2.FINISH_REASON_STOP, "stop")
    assert (found.usage.input_tokens, found.usage.output_tokens, found.usage.total_tokens) == (3, 2, 5)
    assert found.provider_fields_json == ""
    assert choice.provider_fields_json == ""


def test_several_choices_keep_their_numbers() -> None:
    told = whole({"content": "a"})
    told["choices"].append({"index": 1, "message": {"content": "b"}, "finish_reason": "length"})
    found = answer(told)
    assert [(choice.index, choice.message.content[0].text) for choice in found.choices] == [(0, "a"), (1, "b")]
    assert found.choices[1].finish_reason == chat_pb2.FINISH_REASON_LENGTH


@pytest.mark.parametrize(
    ("word", "calls", "expected"),
    [
        ("stop", False, chat_pb2.FINISH_REASON_STOP),
        ("eos", False, chat_pb2.FINISH_REASON_STOP),
        ("STOP", False, chat_pb2.FINISH_REASON_STOP),
        ("length", False, chat_pb2.FINISH_REASON_LENGTH),
        ("length", True, chat_pb2.FINISH_REASON_LENGTH),
        ("tool_calls", True, chat_pb2.FINISH_REASON_TOOL_CALLS),
        ("stop", True, chat_pb2.FINISH_REASON_TOOL_CALLS),
        ("content_filter", False, chat_pb2.FINISH_REASON_CONTENT_FILTER),
        ("sensitive", False, chat_pb2.FINISH_REASON_CONTENT_FILTER),
        ("insufficient_system_resource", False, chat_pb2.FINISH_REASON_OTHER),
        (None, False, chat_pb2.FINISH_REASON_UNSPECIFIED),
    ],
)
def test_why_it_ended(word: str | None, calls: bool, expected: int) -> None:
    told = {"content": "x", "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": "{}"}}] if calls else []}
    choice = answer(whole(told, finish_reason=word)).choices[0]
    assert choice.finish_reason == expected
    assert choice.native_finish_reason == (word or "")


def test_the_first_vision_models_ended_in_details() -> None:
    told = whole({"content": "x"}, finish_details={"type": "max_tokens"})
    del told["choices"][0]["finish_reason"]
    choice = answer(told).choices[0]
    assert (choice.finish_reason, choice.native_finish_reason) == (chat_pb2.FINISH_REASON_LENGTH, "max_tokens")


def test_openrouter_tells_the_model_own_word() -> None:
    choice = answer(whole({"content": "x"}, native_finish_reason="end_turn")).choices[0]
    assert (choice.finish_reason, choice.native_finish_reason) == (chat_pb2.FINISH_REASON_STOP, "end_turn")


def test_calls_of_both_kinds_in_every_state() -> None:
    told = {
        "content": None,
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1, '}},
            {"id": "b", "type": "custom", "custom": {"name": "g", "input": "free"}},
            {"function": {"name": "typeless", "arguments": {"x": 1}}},
            {"id": 7, "index": 3, "function": {"name": "numbered", "arguments": None}},
            {
                "id": "e",
                "type": "function",
                "function": {"name": "s"},
                "extra_content": {"google": {"thought_signature": "sig"}},
            },
            "nonsense",
            {},
        ],
    }
    calls = message(told).tool_calls
    assert [call.function.name or call.custom.name for call in calls] == ["f", "g", "typeless", "numbered", "s"]
    assert [call.function.arguments_json for call in calls] == ['{"x": 1, ', "", '{"x":1}', "", ""]
    assert [call.id for call in calls[:2]] == ["a", "b"]
    assert (calls[3].id, calls[4].signature) == ("7", b"sig")
    assert calls[1].custom.input == "free"


def test_a_made_id_is_stable_and_its_own() -> None:
    told = {
        "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}}]
    }
    first, second = message(told).tool_calls
    assert first.id == message(told).tool_calls[0].id
    assert first.id != second.id
    assert len(first.id) == len("call_") + 24


def test_the_older_function_call() -> None:
    call = message({"function_call": {"name": "f", "arguments": "{}"}}).tool_calls[0]
    assert (call.function.name, call.id[:5]) == ("f", "call_")


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_as_text(field: str) -> None:
    content = message({field: "hm", "content": "x"}, "deepseek").content
    assert [part.WhichOneof("part") for part in content] == ["reasoning", "text"]
    assert (content[0].reasoning.text, content[0].reasoning.provider) == ("hm", "deepseek")


def test_reasoning_told_twice_is_read_once() -> None:
    content = message({"reasoning": "hm", "reasoning_content": "hm", "content": "x"}, "openai-compatible").content
    assert [part.reasoning.text for part in content] == ["hm", ""]


def test_openrouter_details_carry_proofs() -> None:
    details = [
        {"type": "reasoning.text", "text": "t", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.summary", "summary": "s", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.text", "text": ""},
    ]
    found = message({"reasoning": "ts", "reasoning_details": details, "content": "x"}, "openrouter")
    parts = [part.reasoning for part in found.content if part.HasField("reasoning")]
    assert [(part.text, part.signature, part.redacted, part.id, part.format) for part in parts] == [
        ("t", b"sig", False, "", "anthropic-claude-v1"),
        ("s", b"", False, "rs_1", "openai-responses-v1"),
        ("", b"enc", True, "rs_1", "openai-responses-v1"),
    ]


def test_text_beside_sealed_details_is_kept() -> None:
    details = [{"type": "reasoning.encrypted", "data": "enc"}]
    parts = message({"reasoning": "hm", "reasoning_details": details}, "openrouter").content
    assert [(part.reasoning.text, part.reasoning.redacted) for part in parts] == [("hm", False), ("", True)]


def test_what_openrouter_said_goes_back_as_it_came() -> None:
    details = [
        {"type": "reasoning.text", "text": "t", "signature": "sig", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
    ]
    request = ask()
    request.messages.append(message({"reasoning": "t", "reasoning_details": details, "content": "x"}, "openrouter"))
    sent = body(request, "openrouter")["messages"][1]
    assert sent == {"role": "assistant", "content": "x", "reasoning_details": details}


def test_content_as_an_array() -> None:
    told = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "closed": True},
        {"type": "thinking", "thinking": "ah"},
        {"type": "text", "text": "x"},
        "y",
        {"type": "image_url", "image_url": "https://x.test/a.png"},
        {"type": "reference", "reference_ids": [1]},
        None,
    ]
    parts = message({"content": told}).content
    assert [part.WhichOneof("part") for part in parts] == [
        "reasoning",
        "reasoning",
        "text",
        "text",
        "image",
        "provider",
    ]
    assert parts[5].provider.type == "reference"
    assert json.loads(parts[5].provider.json) == {"type": "reference", "reference_ids": [1]}


def test_generated_images() -> None:
    images = [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAEC"}},
        {"type": "image_url", "image_url": {"url": "https://x.test/a.png"}},
        {"type": "image_url"},
    ]
    parts = message({"content": "x", "images": images}, "openrouter").content
    assert (parts[1].image.media.data, parts[1].image.media.mime_type) == (b"\x00\x01\x02", "image/png")
    assert parts[2].image.media.url == "https://x.test/a.png"
    assert len(parts) == 3


def test_a_spoken_answer_may_be_replayed() -> None:
    audio = {"id": "audio_1", "data": "AAEC", "transcript": "hi", "expires_at": 1_750_000_100}
    choice = answer(whole({"content": None, "audio": audio})).choices[0]
    assert (choice.audio.id, choice.audio.data, choice.audio.transcript) == ("audio_1", b"\x00\x01\x02", "hi")
    assert choice.audio.expire_time.seconds == 1_750_000_100
    assert choice.message.audio_id == "audio_1"


def test_media_that_is_not_base64_is_no_answer() -> None:
    with pytest.raises(ProviderBadResponse):
        message({"audio": {"id": "a", "data": "é!"}})


def test_a_refusal() -> None:
    assert message({"content": None, "refusal": "no"}).refusal == "no"


def test_citations() -> None:
    annotations = [
        {
            "type": "url_citation",
            "url_citation": {"url": "https://a.test", "title": "A", "start_index": 1, "end_index": 4, "content": "q"},
        },
        {"type": "url_citation", "url": "https://b.test"},
        {"type": "file", "file": {"hash": "h"}},
    ]
    choice = answer(whole({"content": "text", "annotations": annotations})).choices[0]
    first, second = choice.citations
    assert (first.url, first.title, first.start_index, first.end_index, first.quoted_text, first.part_index) == (
        "https://a.test",
        "A",
        1,
        4,
        "q",
        0,
    )
    assert second.url == "https://b.test"
    assert not second.HasField("start_index")
    assert json.loads(choice.provider_fields_json)["message"]["annotations"] == [annotations[2]]


def test_perplexity_numbers_its_sources() -> None:
    told = {
        **whole({"content": "x [2]"}),
        "citations": ["https://a.test", "https://b.test"],
        "search_results": [
            {"url": "https://b.test", "title": "B", "snippet": "s", "date": "2026-01-01"},
            {"url": "https://c.test", "title": "C"},
        ],
    }
    found = answer(told, "perplexity")
    assert [(one.url, one.title, one.quoted_text) for one in found.choices[0].citations] == [
        ("https://a.test", "", ""),
        ("https://b.test", "B", "s"),
        ("https://c.test", "C", ""),
    ]
    assert json.loads(found.provider_fields_json)["search_results"][0]["date"] == "2026-01-01"


def test_logprobs() -> None:
    token = {
        "token": "a",
        "logprob": -0.5,
        "bytes": [97],
        "top_logprobs": [{"token": "b", "logprob": -1.5, "bytes": [226, 130]}],
    }
    found = answer(whole({"content": "a"}, logprobs={"content": [token], "refusal": None})).choices[0].logprobs
    entry = found.content[0]
    assert (entry.token, entry.logprob, entry.token_bytes) == ("a", -0.5, b"")
    assert (entry.top_logprobs[0].token_bytes, entry.top_logprobs[0].logprob) == (b"\xe2\x82", -1.5)


def test_logprobs_in_the_older_form() -> None:
    told = {"tokens": ["a", "b"], "token_logprobs": [-0.5, None], "token_ids": [5], "top_logprobs": [{"c": -2.0}]}
    first, second = answer(whole({"content": "ab"}, logprobs=told), "together").choices[0].logprobs.content
    assert (first.token, first.logprob, first.token_id, first.top_logprobs[0].token) == ("a", -0.5, 5, "c")
    assert (second.logprob, second.HasField("token_id")) == (0, False)


def test_stop_sequences_and_moderation() -> None:
    found = answer({**whole({"content": "x"}, stop_reason="END"), "moderation": {"flagged": False}})
    assert found.choices[0].stop_sequence == "END"
    assert json.loads(found.moderation_json) == {"flagged": False}
    assert answer(whole({"content": "x"}, matched_stop="END")).choices[0].stop_sequence == "END"


def test_groq_tells_what_it_ran_itself() -> None:
    tools = [{"index": 0, "type": "search", "arguments": "{}", "output": "o"}]
    found = answer(whole({"content": "x", "executed_tools": tools}), "groq").choices[0]
    block = found.message.content[0].provider
    assert (block.provider, block.type, json.loads(block.json)) == ("groq", "executed_tool", tools[0])
    assert found.finish_reason == chat_pb2.FINISH_REASON_STOP
    request = ask()
    request.messages.append(found.message)
    assert body(request, "groq")["messages"][1] == {"role": "assistant", "content": "x"}


def test_nothing_unknown_is_lost() -> None:
    told = {
        **whole({"content": "x", "mood": "good"}, seed=15092511270073158000, content_filter_results={"hate": {}}),
        "provider": "Google",
        "prompt_filter_results": [],
        "x_groq": {"id": "req_1"},
        "echo": None,
    }
    told["usage"]["queue_time"] = 0.5
    found = answer(told)
    assert json.loads(found.provider_fields_json) == {
        "provider": "Google",
        "x_groq": {"id": "req_1"},
        "usage": {"queue_time": 0.5},
    }
    assert json.loads(found.choices[0].provider_fields_json) == {
        "seed": 15092511270073158000,
        "content_filter_results": {"hate": {}},
        "message": {"mood": "good"},
    }


def test_an_error_with_status_200() -> None:
    with pytest.raises(ProviderRateLimited):
        answer({"error": {"code": 429, "message": "slow down"}})
    with pytest.raises(HubError):
        answer(b'[{"error": {"code": 400, "message": "no"}}]')


def test_no_usage_is_estimated_and_says_so() -> None:
    told = whole({"content": "four"})
    del told["usage"]
    usage = answer(told).usage
    assert usage.estimated
    assert (usage.output_tokens, usage.input_tokens > 0) == (1, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"1",
        b"[]",
        b"{}",
        b'"text"',
        b'{"choices": []}',
        b'{"choices": [1, null]}',
        b'{"choices": {"0": 1}}',
        b"<html>",
        b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"choices": ' + b"9" * 5000 + b"}",
        b'{"created": 1e999999}',
        b'{"id": "\\ud800"}',
        b'{"id": NaN}',
        b'{"id": "\xff"}',
        b'{"choices": [{"message": {"content": "x"}, "deep": ' + b"[" * 900 + b"]" * 900 + b"}]}",
    ],
)
def test_what_cannot_be_read_is_one_error(raw: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        answer(raw)


@pytest.mark.parametrize(
    "odd",
    [
        {"id": 5, "model": None, "created": "yesterday", "service_tier": [], "system_fingerprint": {}},
        {"created": -1},
        {"created": 1e300},
        {"usage": "none"},
        {"usage": {"prompt_tokens": "3", "completion_tokens": -1, "total_tokens": 10**30}},
        {"usage": {"prompt_tokens": 2**40, "prompt_tokens_details": [], "completion_tokens_details": "x"}},
        {"citations": "https://a.test", "search_results": [None]},
    ],
)
def test_wrong_types_beside_the_answer_do_no_harm(odd: dict[str, Any]) -> None:
    found = answer({**whole({"content": "x"}), **odd})
    assert found.choices[0].message.content[0].text == "x"
    assert found.usage.total_tokens > 0


@pytest.mark.parametrize(
    "odd",
    [
        {"index": "0"},
        {"index": -1},
        {"index": 2**40},
        {"finish_reason": 3},
        {"logprobs": {"content": [{"token": 1, "logprob": "x", "bytes": [999], "top_logprobs": {}}]}},
        {"logprobs": {"tokens": [1], "token_logprobs": "x", "top_logprobs": [3]}},
        {"native_finish_reason": {}},
    ],
)
def test_wrong_types_in_a_choice_do_no_harm(odd: dict[str, Any]) -> None:
    assert answer(whole({"content": "x"}, **odd)).choices[0].message.content[0].text == "x"


@pytest.mark.parametrize(
    "odd",
    [
        {"tool_calls": "x"},
        {"tool_calls": [{"function": "f"}, {"function": {"name": 1, "arguments": [1]}}]},
        {"annotations": [{"type": "url_citation", "url_citation": {"start_index": "a", "url": 1}}]},
        {"reasoning_details": [{"text": 1}, 3]},
        {"images": [{"image_url": 3}, None]},
        {"audio": "x"},
        {"refusal": {}},
        {"reasoning": 1},
    ],
)
def test_wrong_types_in_a_message_do_no_harm(odd: dict[str, Any]) -> None:
    parts = message({"content": "x", **odd}).content
    assert parts[-1].text == "x"
