"""However the network cuts a stream, the same answer comes out, and no bytes bring anything but a HubError."""

import json
from itertools import pairwise
from typing import Any

import pytest
from aignehub.v1.chat_service_pb2 import StreamChatCompletionResponse
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import HubError
from server.wire.http import HttpResponse
from tests.unit.wire.support import END, ask, chunk, codec, read, sse

_RICH = sse(
    ": OPENROUTER PROCESSING",
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning": "höm", "reasoning_details": [{"type": "reasoning.text", "text": "höm", "index": 0}]}),
    chunk({"reasoning_details": [{"type": "reasoning.text", "signature": "sig", "index": 0}]}),
    chunk({"content": "grüße 😀"}),
    chunk({"content": " weiter"}),
    chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '": 1}'}}, {"index": 1, "function": {"name": "g"}}]}),
    chunk({"content": "zwei"}, index=1, finish_reason="length"),
    "event: message\ndata: " + json.dumps(chunk({}, finish_reason="stop")),
    END,
)


def joined(messages: list[StreamChatCompletionResponse]) -> dict[Any, Any]:
    """What a client that appends every delta ends up with."""
    total: dict[Any, Any] = {}
    for message in messages:
        for name in ("id", "model", "service_tier", "provider_fields_json"):
            total[name] = total.get(name, "") + getattr(message, name)
        if message.HasField("usage"):
            assert "usage" not in total
            total["usage"] = MessageToDict(message.usage)
        for delta in message.choices:
            choice = total.setdefault(delta.index, {"parts": {}, "calls": {}, "ends": []})
            key = (delta.part_index, "reasoning" if delta.HasField("reasoning") else "text")
            if delta.content or delta.HasField("reasoning"):
                text, signature = choice["parts"].get(key, ("", b""))
                choice["parts"][key] = (
                    text + delta.content + delta.reasoning.text,
                    signature + delta.reasoning.signature,
                )
            for call in delta.tool_calls:
                kept = choice["calls"].setdefault(call.index, ["", "", ""])
                kept[0] += call.id
                kept[1] += call.name
                kept[2] += call.arguments_delta
            if delta.role:
                assert "role" not in choice
                choice["role"] = delta.role
            if delta.finish_reason:
                choice["ends"].append((delta.finish_reason, delta.native_finish_reason))
    return total


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"], ids=["lf", "crlf", "cr"])
def test_every_cut_gives_the_same_answer(ends: bytes) -> None:
    data = _RICH.replace(b"\n", ends)
    expected = joined(read(data, "openrouter"))
    assert expected[0]["calls"][0] == ["a", "f", '{"x": 1}']
    assert expected[0]["parts"] == {
        (0, "reasoning"): ("höm", b"sig"),
        (1, "text"): ("grüße 😀 weiter", b""),
    }
    for cut in range(1, len(data)):
        assert joined(read(data, "openrouter", cuts=[cut])) == expected
    assert joined(read(data, "openrouter", cuts=range(1, len(data)))) == expected


_WORDS = st.sampled_from(
    ["", "a", "é😀", "stop", "assistant", "error", "reasoning.text", "text", "thinking", "data:image/png;base64,AA=="]
)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "id",
                    "object",
                    "created",
                    "model",
                    "choices",
                    "usage",
                    "service_tier",
                    "system_fingerprint",
                    "moderation",
                    "citations",
                    "error",
                    "index",
                    "delta",
                    "message",
                    "finish_reason",
                    "native_finish_reason",
                    "logprobs",
                    "role",
                    "content",
                    "refusal",
                    "tool_calls",
                    "function_call",
                    "reasoning",
                    "reasoning_content",
                    "reasoning_details",
                    "images",
                    "audio",
                    "annotations",
                    "executed_tools",
                    "type",
                    "text",
                    "function",
                    "name",
                    "arguments",
                    "custom",
                    "input",
                    "extra_content",
                    "google",
                    "thought_signature",
                    "url_citation",
                    "url",
                    "title",
                    "start_index",
                    "image_url",
                    "data",
                    "transcript",
                    "expires_at",
                    "token",
                    "logprob",
                    "bytes",
                    "top_logprobs",
                    "tokens",
                    "token_logprobs",
                    "prompt_tokens",
                    "completion_tokens",
                    "total_tokens",
                    "prompt_tokens_details",
                    "cached_tokens",
                    "cost",
                    "x_groq",
                    "thinking",
                    "stop_reason",
                    "search_results",
                    "code",
                    "status_code",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=30,
)
_ANSWER = st.fixed_dictionaries(
    {"choices": st.lists(st.fixed_dictionaries({"delta": _VALUE, "message": _VALUE}) | _VALUE, max_size=3) | _VALUE},
    optional={"id": _VALUE, "usage": _VALUE, "created": _VALUE, "x_groq": _VALUE, "citations": _VALUE, "error": _VALUE},
)


@settings(max_examples=300, deadline=None)
@given(_ANSWER | _VALUE)
def test_any_json_is_an_answer_or_one_of_our_errors(told: Any) -> None:
    try:
        codec("openrouter").decode(HttpResponse(200, {}, json.dumps(told).encode()), ask())
    except HubError:
        return


@settings(max_examples=300, deadline=None)
@given(st.lists(_ANSWER | _VALUE, max_size=5), st.booleans())
def test_any_stream_is_an_answer_or_one_of_our_errors(events: list[Any], done: bool) -> None:
    data = sse(*(f"data: {json.dumps(event)}" for event in events), done=done)
    try:
        messages = read(data, "openrouter", cuts=sorted({len(data) // 3, len(data) // 2}))
    except HubError:
        return
    assert messages[-1].usage.total_tokens > 0


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=4))
def test_any_bytes_are_an_answer_or_one_of_our_errors(noise: bytes, cuts: list[int]) -> None:
    data = sse(chunk({"content": "x"}), done=False) + noise
    decoder = codec().decoder(ask())
    edges = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    try:
        for start, end in pairwise(edges):
            decoder.feed(data[start:end])
        decoder.finish()
    except HubError:
        return
