"""A chunk that is read by its type says what it says when it is read as it comes."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import HubError
from server.wire.openai_chat import stream, usage
from server.wire.openai_chat.usual_chunk import UsualChunks
from tests.unit.wire.support import END, ask, chunk, codec

_CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
_MORE = {"index": 0, "function": {"arguments": '{"a'}}


def told(events: Sequence[Any], *, one_read: bool, by_type: bool = True) -> list[bytes | str]:
    """Every message of a stream, and the error that it ends with."""
    reads = [b"data: %s\n\n" % json.dumps(event).encode() for event in events]
    decoder = codec().decoder(ask(stream_options={"include_obfuscation": True}))
    found: list[bytes | str] = []
    with ExitStack() as stack:
        if not by_type:
            stack.enter_context(mock.patch.object(UsualChunks, "read", return_value=None))
            for module in (stream, usage):
                stack.enter_context(mock.patch.object(module, "usual_usage", return_value=None))
        try:
            for data in [b"".join(reads)] if one_read else reads:
                if (message := decoder.feed(data)) is not None:
                    found.append(message.SerializeToString(deterministic=True))
            found.append(decoder.finish().SerializeToString(deterministic=True))
        except HubError as error:
            found.append(repr(error) + decoder.broken().SerializeToString(deterministic=True).hex())
    return found


@pytest.mark.parametrize(
    "usual",
    [
        pytest.param(chunk({"content": "a"}), id="text"),
        pytest.param(chunk({"content": "a"}, logprobs=None), id="text of OpenAI"),
        pytest.param(
            {**chunk({"content": "a"}), "obfuscation": "xx", "usage": None, "service_tier": "default"}, id="padded"
        ),
        pytest.param({**chunk({"content": "a"}), "p": "abcd"}, id="padded by Mistral"),
        pytest.param(chunk({"role": "assistant", "content": "a"}, index=3), id="of another choice"),
        pytest.param(chunk({"content": None, "reasoning_content": "a"}), id="reasoning of DeepSeek"),
        pytest.param(
            chunk({"role": "assistant", "content": "", "reasoning": "a"}, native_finish_reason=None), id="reasoning"
        ),
        pytest.param(chunk({"tool_calls": [_MORE]}), id="arguments"),
        pytest.param(
            chunk({"content": None, "tool_calls": [{**_MORE, "id": None, "type": "function"}]}), id="more of a call"
        ),
    ],
)
def test_what_is_usual(usual: dict[str, Any]) -> None:
    assert UsualChunks().read(json.dumps(usual).encode()) is not None


@pytest.mark.parametrize(
    "unusual",
    [
        pytest.param(chunk({"tool_calls": [_CALL]}), id="a call that begins"),
        pytest.param(chunk({"content": "a"}, finish_reason="stop"), id="the end"),
        pytest.param(chunk({"content": "a"}, logprobs={"content": []}), id="log probabilities"),
        pytest.param(chunk({"content": [{"type": "text", "text": "a"}]}), id="parts"),
        pytest.param(chunk({"content": "a", "annotations": []}), id="citations"),
        pytest.param({**chunk({"content": "a"}), "usage": {"total_tokens": 3}}, id="usage"),
        pytest.param({**chunk({"content": "a"}), "error": {"message": "no"}}, id="an error"),
        pytest.param({**chunk({"content": "a"}), "object": "error"}, id="an error by its kind"),
        pytest.param({**chunk({"content": "a"}), "citations": ["https://a.example"]}, id="sources"),
        pytest.param(END, id="no choice"),
        pytest.param([], id="no object"),
    ],
)
def test_what_is_not(unusual: Any) -> None:
    assert UsualChunks().read(json.dumps(unusual).encode()) is None


def test_a_host_that_never_writes_so_is_no_longer_tried() -> None:
    chunks = UsualChunks()
    for _ in range(40):
        assert chunks.read(b"{}") is None
    assert chunks.read(json.dumps(chunk({"content": "a"})).encode()) is None


_texts = st.one_of(st.none(), st.text(max_size=4), st.sampled_from(["a", "ü", '"', "\\", "\ud800", "\0"]))
_odd = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 3), st.floats(allow_nan=False), _texts, st.just([]), st.just({})
)
_calls = st.fixed_dictionaries(
    {},
    optional={
        "index": st.one_of(st.integers(0, 2), _odd),
        "id": st.sampled_from([None, "", "call_1", "call_2"]),
        "type": st.sampled_from(["function", None]),
        "function": st.fixed_dictionaries(
            {}, optional={"name": st.sampled_from([None, "", "f"]), "arguments": st.one_of(_texts, _odd)}
        ),
    },
)
_deltas = st.fixed_dictionaries(
    {},
    optional={
        "content": st.one_of(_texts, _odd),
        "role": st.sampled_from(["assistant", None]),
        "reasoning_content": _texts,
        "reasoning": st.one_of(_texts, _odd),
        "refusal": st.sampled_from([None, "no"]),
        "tool_calls": st.one_of(st.none(), st.lists(_calls, max_size=2)),
        "function_call": st.none(),
    },
)
_choices = st.fixed_dictionaries(
    {"delta": st.one_of(_deltas, _deltas, _odd)},
    optional={
        "index": st.one_of(st.sampled_from([0, 0, 1, 2**31]), _odd),
        "finish_reason": st.sampled_from([None, None, "stop"]),
        "native_finish_reason": st.none(),
        "logprobs": st.none(),
    },
)
_chunks = st.fixed_dictionaries(
    {"choices": st.one_of(st.lists(_choices, min_size=1, max_size=1), st.lists(_choices, max_size=2))},
    optional={
        "id": st.sampled_from(["a", "b", None, 3]),
        "object": st.sampled_from(["chat.completion.chunk", "error", None]),
        "created": st.sampled_from([1_750_000_000, None, 1.5]),
        "model": st.sampled_from(["m", None]),
        "service_tier": st.sampled_from([None, "default", "flex"]),
        "usage": st.sampled_from([None, None, {"prompt_tokens": 3, "completion_tokens": 2}]),
        "obfuscation": _texts,
    },
)
_usual = st.sampled_from(
    [
        chunk({"content": "a"}),
        chunk({"content": "c"}, index=1),
        chunk({"content": None, "reasoning_content": "b"}),
        chunk({"content": "", "reasoning": "d"}),
        chunk({"tool_calls": [_MORE]}),
        chunk({"tool_calls": [{**_MORE, "index": 1}]}),
        {**chunk({"role": "assistant", "content": "e", "reasoning": "f"}), "obfuscation": "x", "service_tier": "flex"},
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(_chunks, _usual), max_size=6), st.booleans(), st.booleans())
def test_both_ways_say_the_same(events: list[Any], one_read: bool, ends: bool) -> None:
    stream = [chunk({"role": "assistant", "content": "x"}), chunk({"tool_calls": [_CALL]}), *events]
    if ends:
        stream += [chunk({}, finish_reason="stop"), chunk({}, index=1, finish_reason="stop"), END]
    assert told(stream, one_read=one_read) == told(stream, one_read=one_read, by_type=False)
