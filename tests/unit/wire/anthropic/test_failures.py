"""Answers of Claude's that fail, break off or cannot be read."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from aignehub.v1 import chat_pb2

from server.errors import HubError, ProviderBadResponse, ProviderRateLimited, ProviderUnavailable
from server.wire.http import HttpResponse
from tests.unit.wire.anthropic.support import (
    USAGE,
    block,
    decoder,
    deltas,
    end,
    framed,
    parts_of,
    start,
    streamed,
    text,
)
from tests.unit.wire.support import answer, codec


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"type": "overloaded_error", "message": "Overloaded"}, ProviderUnavailable),
        ({"type": "api_error", "message": "Internal server error"}, ProviderUnavailable),
        ({"type": "rate_limit_error", "message": "slow down"}, ProviderRateLimited),
    ],
)
def test_an_error_in_the_stream_ends_it_after_what_was_good(error: Mapping[str, Any], expected: type[HubError]) -> None:
    reader = decoder()
    good = reader.feed(framed([start(), *text(0, "half"), {"type": "error", "error": dict(error)}]))
    assert good is not None
    assert good.choices[0].content == "half"
    with pytest.raises(expected):
        reader.feed(b"")
    assert reader.broken().usage.input_tokens == USAGE["input_tokens"]


@pytest.mark.parametrize("cut", range(1, 8))
def test_a_cut_stream_is_never_a_success(cut: int) -> None:
    events = [start(), *text(0, "a", "b"), *text(1, "c"), *end()]
    reader = decoder()
    reader.feed(framed(events[:cut]))
    with pytest.raises(ProviderUnavailable):
        reader.finish()


def test_an_end_without_its_last_event_is_an_end() -> None:
    events = [start(), *text(0, "a"), *end()][:-1]
    assert deltas(streamed(*events))[-1].finish_reason == chat_pb2.FINISH_REASON_STOP


def test_a_whole_answer_to_a_stream_is_told_as_one() -> None:
    body = {"id": "m", "model": "m", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "stop_reason": "end_turn", "usage": USAGE}  # fmt: skip
    reader = decoder()
    assert reader.feed(json.dumps(body).encode()) is None
    message = reader.finish()
    assert [part.text for part in parts_of([message])] == ["a", "b"]
    reader = decoder()
    reader.feed(b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}')
    with pytest.raises(ProviderUnavailable):
        reader.finish()


def test_pieces_of_a_block_whose_beginning_was_lost() -> None:
    lost = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}
    assert parts_of(streamed(start(), lost, *end()))[0].text == "x"
    odd = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{"}}
    with pytest.raises(ProviderBadResponse):
        streamed(start(), odd)


def test_events_of_a_later_day_are_passed_over() -> None:
    messages = streamed(start(), {"type": "progress", "tokens": 3}, *text(0, "x"), *end())
    assert parts_of(messages)[0].text == "x"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"x"', b"<html>", b'{"content": null}', b'{"type":"message"}'])
def test_what_is_no_answer_is_one_error(body: bytes) -> None:
    with pytest.raises(ProviderBadResponse):
        answer(body, "anthropic")


def test_blocks_without_end_are_an_attack() -> None:
    events = [start(), *(one for index in range(4097) for one in block(index, {"type": "x"}))]
    with pytest.raises(ProviderBadResponse):
        streamed(*events, size=4096)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, "invalid_request_error", "PROVIDER_REJECTED_REQUEST"),
        (401, "authentication_error", "PROVIDER_CREDENTIAL_INVALID"),
        (402, "billing_error", "PROVIDER_QUOTA_EXCEEDED"),
        (403, "permission_error", "PROVIDER_CREDENTIAL_INVALID"),
        (404, "not_found_error", "MODEL_NOT_FOUND"),
        (413, "request_too_large", "PROVIDER_REJECTED_REQUEST"),
        (429, "rate_limit_error", "PROVIDER_RATE_LIMITED"),
        (500, "api_error", "PROVIDER_UNAVAILABLE"),
        (504, "timeout_error", "PROVIDER_TIMEOUT"),
        (529, "overloaded_error", "PROVIDER_UNAVAILABLE"),
    ],
)
def test_errors_by_status(status: int, kind: str, reason: str) -> None:
    """https://platform.claude.com/docs/en/api/errors."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": "said"}, "request_id": "r"}).encode()
    assert codec("anthropic").decode_error(HttpResponse(status, {}, body)).reason == reason
