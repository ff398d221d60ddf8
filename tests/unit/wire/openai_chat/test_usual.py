"""What the short reading of usual answers reads, the general one reads to the same bytes; the rest it leaves alone."""

import json
from random import Random
from typing import Any
from unittest import mock

import pytest

from server.wire.http import HttpResponse
from server.wire.openai_chat import usage as usage_module
from server.wire.openai_chat import usual
from server.wire.openai_chat.decode import decode, unusual
from server.wire.openai_chat.dialect import Dialect
from tests.contract.damage import cut, mangled, scrambled
from tests.contract.shared import WIRE
from tests.unit.wire.support import ask

ACME = Dialect("acme", failed=frozenset({"error"}))
_EXAMPLES = 150

_MESSAGE: dict[str, Any] = {
    "role": "assistant",
    "content": "Hi \u00e9 \U0001f30d \u0000",
    "refusal": None,
    "annotations": [],
}
_CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": [1]}'}},
    {"id": "call_2", "index": 1, "type": "function", "function": {"name": "", "arguments": ""}},
]
_INPUT = {"cached_tokens": 5, "audio_tokens": 0, "cache_write_tokens": 2}
_OUTPUT = {
    "reasoning_tokens": 7,
    "audio_tokens": 0,
    "accepted_prediction_tokens": 1,
    "rejected_prediction_tokens": 2,
}


def answer(
    message: dict[str, Any] | None = None,
    choice: dict[str, Any] | None = None,
    usage: dict[str, Any] | None = None,
    **more: Any,
) -> bytes:
    told = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "m-1",
        "choices": [{"index": 0, "message": message or _MESSAGE, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 30, "total_tokens": 42, **(usage or {})},
        **more,
    }
    told["choices"][0] |= choice or {}
    return json.dumps(told).encode()


USUAL = {
    "text": answer(),
    "openai": answer(
        usage={"prompt_tokens_details": _INPUT, "completion_tokens_details": _OUTPUT},
        service_tier="default",
        system_fingerprint="fp_1",
    ),
    "nulls": answer(
        {"content": None, "role": None, "audio": None, "tool_calls": None},
        {"finish_reason": None, "stop_reason": None},
        {"prompt_tokens_details": None, "completion_tokens_details": None},
        service_tier=None,
        system_fingerprint=None,
        prompt_logprobs=None,
    ),
    "nothing_said": answer({"role": "assistant", "content": ""}),
    "calls": answer({"role": "assistant", "content": None, "tool_calls": _CALLS}, {"finish_reason": "tool_calls"}),
    "calls_at_a_stop": answer({"role": "assistant", "content": "So:", "tool_calls": _CALLS}),
    "no_calls": answer({"role": "assistant", "content": "So.", "tool_calls": []}, {"finish_reason": "tool_calls"}),
    "thoughts": answer({"content": "Hi", "reasoning_content": "hm", "reasoning": "hmm"}, {"finish_reason": "LENGTH"}),
    "other_thoughts": answer({"content": "Hi", "reasoning_content": "", "reasoning": "hmm"}, {"finish_reason": "odd"}),
    "deepseek": answer(usage={"prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 8}),
    "mistral": answer(usage={"num_cached_tokens": 4, "service_tier": "flex"}),
    "few": (
        b' {"choices":[{"message":{"content":"a"}}],\n'
        b'"usage":{"prompt_tokens":1,"completion_tokens":0,"total_tokens":1}} '
    ),
    "twice": answer()[:-1] + b',"id":"x","model":"y","model":"z"}',
}
UNUSUAL = {
    "an_error": answer(error={"message": "no"}),
    "an_error_object": answer().replace(b'"chat.completion"', b'"error", "message": "no"'),
    "a_failure": answer(choice={"finish_reason": "error"}),
    "whole_float": answer(choice={"index": 0.0}, usage={"prompt_tokens": 12.0}),
    "another_field": answer(provider="acme"),
    "two_choices": json.dumps(json.loads(answer()) | {"choices": json.loads(answer())["choices"] * 2}).encode(),
    "another_index": answer(choice={"index": 1}),
    "logprobs": answer(choice={"logprobs": {"content": []}}),
    "a_call_without_an_id": answer({"tool_calls": [{"id": "", "function": {"name": "f", "arguments": ""}}]}),
    "arguments_parsed": answer({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {}}}]}),
    "an_annotation": answer({"content": "a", "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]}),
    "refusal": answer({"content": None, "refusal": "No."}),
    "audio_tokens": answer(usage={"prompt_tokens_details": {"audio_tokens": 3}}),
    "tokens_left_out": answer(usage={"total_tokens": 50}),
    "more_cached_than_read": answer(usage={"prompt_tokens_details": {"cached_tokens": 13}}),
    "no_tokens": answer(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}),
    "no_usage": answer().replace(b'"usage"', b'"p"'),
    "negative": answer(usage={"prompt_tokens": -1}),
    "huge": answer(usage={"prompt_tokens": 2**31, "total_tokens": 2**31 + 30}),
    "no_time": answer(created=0),
    "milliseconds": answer(created=1_760_000_000_000),
    "half_a_second": answer(created=1_760_000_000.5),
    "a_number_for_a_name": answer(model=3),
    "a_lone_surrogate": answer().replace(b"m-1", rb"\ud800"),
    "bytes": answer().replace(b"m-1", b"\xff"),
    "a_control_character": answer().replace(b"m-1", b"\n"),
    "a_list": b"[" + answer() + b"]",
    "two": answer() + b"{}",
    "empty": b"",
}


def both_ways(body: bytes) -> bool:
    """Whether the short reading read ``body``; it is an error where the general one says otherwise."""
    short = usual.read(ACME, body)
    if short is None:
        return False
    with mock.patch.object(usage_module, "usual_usage", return_value=None):
        whole = unusual(ACME, HttpResponse(200, {}, body), ask())
    assert short.SerializeToString(deterministic=True) == whole.SerializeToString(deterministic=True), body
    return True


@pytest.mark.parametrize("name", USUAL)
def test_usual_answers_are_read_as_by_the_general_reading(name: str) -> None:
    assert both_ways(USUAL[name])


@pytest.mark.parametrize("name", UNUSUAL)
def test_others_are_left_to_the_general_reading(name: str) -> None:
    assert usual.read(ACME, UNUSUAL[name]) is None


@pytest.mark.parametrize("name", USUAL)
def test_damaged_ones_are_read_alike_or_left_alone(name: str) -> None:
    found = 0
    for example in range(_EXAMPLES):
        chance = Random(f"{name} {example}")
        for damage in (cut, scrambled, mangled, mangled):
            found += both_ways(damage(USUAL[name], chance))
    assert found


@pytest.mark.skipif(not WIRE.is_dir(), reason="recorded traffic is not beside the project")
def test_recorded_answers_are_read_alike() -> None:
    found = 0
    for path in sorted(WIRE.glob("*/*-chat-*.json")):
        told = json.loads(path.read_text())
        if told["api"] != "chat.completions" or told["streaming"] or told["response_body_encoding"] != "text":
            continue
        for damage in (None, mangled, mangled):
            body = told["response_body"].encode()
            found += both_ways(damage(body, Random(path.name)) if damage and body else body)
    assert found > 50


def test_the_codec_takes_the_short_reading_where_it_can() -> None:
    response = HttpResponse(200, {}, USUAL["calls"])
    assert decode(ACME, response, ask()) == unusual(ACME, response, ask())
    assert decode(ACME, HttpResponse(200, {}, UNUSUAL["another_field"]), ask()).provider_fields_json
