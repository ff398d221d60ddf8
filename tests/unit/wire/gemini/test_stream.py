"""Streamed answers: events, arrays, and what is neither."""

import json
from typing import Any

import pytest
from aignehub.v1 import audio_pb2, chat_pb2
from google.protobuf.json_format import MessageToDict

from server.errors import ContentFiltered, HubError, ProviderBadResponse, ProviderRateLimited, ProviderUnavailable
from server.wire.json_array import JsonArrayParser
from tests.unit.wire.gemini.bodies import USAGE, array, candidate, events, stream, told
from tests.unit.wire.support import ask, codec


def piece(*parts: Any, **more: Any) -> dict[str, Any]:
    return told({"content": {"parts": list(parts), "role": "model"}, "index": 0, **more})


WHOLE = (
    piece({"text": "hm ", "thought": True}),
    piece({"text": "so", "thought": True}),
    piece({"text": "Gr"}),
    piece({"text": "üße }]{[\" \\ 🌍"}),
    piece({"functionCall": {"name": "f", "args": {"a": "]}"}}, "thoughtSignature": "s1"}),
    piece({"text": "more"}),
    piece({"text": "", "thoughtSignature": "s2"}, finishReason="STOP", safetyRatings=[{"x": 1}]),
    {"usageMetadata": {**USAGE, "candidatesTokenCount": 9, "trafficType": "ON_DEMAND"}, "responseId": "r-1"},
)  # fmt: skip


@pytest.mark.parametrize("framing", [events, array])
@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_both_framings_in_every_cut(framing: Any, size: int) -> None:
    messages = stream(framing(*WHOLE), size=size)
    assert (messages[0].id, messages[0].model) == ("r-1", "gemini-2.5-flash")
    assert not any(message.id or message.model for message in messages[1:])
    deltas = [delta for message in messages for delta in message.choices]
    text: dict[int, str] = {}
    for delta in deltas:
        text[delta.part_index] = text.get(delta.part_index, "") + delta.content + delta.reasoning.text
    assert text == {0: "hm so", 1: 'Grüße }]{[" \\ 🌍', 2: "more", 3: ""}
    [signed] = [delta for delta in deltas if delta.content_signature]
    assert (signed.part_index, signed.content_signature) == (3, b"s2")
    [called] = [call for delta in deltas for call in delta.tool_calls]
    assert (called.name, called.arguments_delta, called.signature) == ("f", '{"a":"]}"}', b"s1")
    assert called.id.startswith("call_")
    last = deltas[-1]
    assert (last.finish_reason, last.native_finish_reason) == (chat_pb2.FINISH_REASON_TOOL_CALLS, "STOP")
    assert json.loads(last.provider_fields_json) == {"safetyRatings": [{"x": 1}]}
    assert (messages[-1].usage.output_tokens, messages[-1].service_tier) == (9, "ON_DEMAND")
    assert [delta.finish_reason for delta in deltas if delta.finish_reason] == [last.finish_reason]


def test_a_text_that_begins_signed_goes_on_in_a_part_of_its_own() -> None:
    messages = stream(events(piece({"text": "a", "thoughtSignature": "s"}), piece({"text": "b"}, finishReason="STOP")))
    deltas = [delta for message in messages for delta in message.choices if delta.content]
    assert [(one.part_index, one.content, one.content_signature) for one in deltas] == [(0, "a", b"s"), (1, "b", b"")]


def test_sources_are_told_once_at_the_end_for_all_the_text() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": "https://a.example"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 3, "endIndex": 5, "text": "bc"}, "groundingChunkIndices": [0]}
        ],
        "webSearchQueries": ["q"],
    }
    messages = stream(
        events(
            piece({"text": "é"}, groundingMetadata={}),
            piece({"text": "ab"}, groundingMetadata=grounding),
            piece({"text": "cd"}, groundingMetadata=grounding, finishReason="STOP"),
        )
    )
    cited = [MessageToDict(one) for message in messages for delta in message.choices for one in delta.citations]
    assert cited == [{"url": "https://a.example", "partIndex": 0, "startIndex": 2, "endIndex": 4}]
    assert dict(messages[-1].usage.server_tool_calls) == {"google_search": 1}


def test_the_last_count_counts_and_the_kind_of_traffic_is_no_count() -> None:
    counts = ({"promptTokenCount": 9, "candidatesTokenCount": 15}, {"promptTokenCount": 87, "thoughtsTokenCount": 78})
    chunks = [{**piece({"text": "a"}), "usageMetadata": count} for count in counts]
    last = {**piece({"text": "b"}, finishReason="STOP"), "usageMetadata": {"trafficType": "ON_DEMAND"}}
    usage = stream(events(*chunks, last))[-1].usage
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_output_tokens) == (87, 78, 78)


def test_choices_side_by_side() -> None:
    def of(index: int, text: str, **more: Any) -> dict[str, Any]:
        return {"content": {"parts": [{"text": text}]}, "index": index, **more}

    messages = stream(
        events(
            told(of(0, "a"), of(1, "b")), told(of(1, "c", finishReason="MAX_TOKENS")), told(of(0, "d", finishReason=1))
        )
    )
    texts: dict[int, str] = {0: "", 1: ""}
    for message in messages:
        for delta in message.choices:
            texts[delta.index] += delta.content
    assert texts == {0: "ad", 1: "bc"}
    reasons = {one.index: one.native_finish_reason for one in messages[-1].choices}
    assert reasons == {0: "STOP", 1: "MAX_TOKENS"}


@pytest.mark.parametrize(
    "data",
    [
        events(*WHOLE[:4]),
        events(*WHOLE)[: len(events(*WHOLE[:6])) + 30],
        array(*WHOLE[:4]),
        array(*WHOLE)[:-3],
        b"",
        b"[",
        b"\r\n",
        events(told(candidate({"text": "a"}), {"content": {"parts": [{"text": "b"}]}, "index": 1})),
    ],
)
def test_a_stream_that_was_cut_never_looks_whole(data: bytes) -> None:
    with pytest.raises(ProviderUnavailable):
        stream(data, size=50)


@pytest.mark.parametrize("framing", [events, array])
def test_a_failure_after_good_pieces_is_told_after_them(framing: Any) -> None:
    error = {"error": {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED"}}
    decoder = codec("gemini").decoder(ask())
    first = decoder.feed(framing(WHOLE[2], error))
    assert first is not None
    assert first.choices[0].content == "Gr"
    with pytest.raises(ProviderRateLimited):
        decoder.feed(b"x")
    broken = decoder.broken()
    assert (broken.usage.input_tokens, broken.usage.estimated) == (3, False)


@pytest.mark.parametrize("framing", [events, array])
def test_a_prompt_that_was_blocked_is_a_failure(framing: Any) -> None:
    with pytest.raises(ContentFiltered, match="SAFETY"):
        stream(framing({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 1}}))


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"<html>bad gateway</html>", ProviderBadResponse),
        (b"data: 5\r\n\r\n", ProviderBadResponse),
        (b"data: {oops}\r\n\r\n", ProviderBadResponse),
        (b'{"error": {"code": 503, "message": "overloaded"}}', ProviderUnavailable),
        (events(told(*[{"index": 2**40}])), ProviderBadResponse),
        (events(told(*[{"content": {"parts": [{"inlineData": {"data": "!!!!"}}]}}])), ProviderBadResponse),
    ],
)
def test_what_cannot_be_read_is_one_clear_failure(data: bytes, error: type[HubError]) -> None:
    with pytest.raises(error):
        stream(data)


def test_a_whole_answer_will_do() -> None:
    parts = [{"text": "a"}, {"text": "b", "thoughtSignature": "s"}]
    [message] = stream(json.dumps(told(candidate(*parts))).encode(), size=9)
    assert [(one.part_index, one.content, one.content_signature) for one in message.choices] == [
        (0, "a", b""),
        (1, "b", b"s"),
    ]
    assert message.usage.input_tokens == 3


@pytest.mark.parametrize(("form", "header"), [(0, 0), (audio_pb2.AUDIO_FORMAT_WAV, 44)])
def test_a_spoken_answer_has_at_most_one_header(form: Any, header: int) -> None:
    request = ask()
    request.audio.format = form
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "AAAA"}}
    messages = stream(events(piece(sound), piece(sound, finishReason="STOP")), request, size=10)
    data = b"".join(delta.audio.data for message in messages for delta in message.choices)
    assert data[header:] == b"\0" * 6
    assert data.startswith(b"RIFF") == bool(header)


def test_objects_of_an_array_however_cut() -> None:
    text = b' [ {"a": "}\\"]"} ,\r\n{"b": [1, {"c": "\\\\"}]}, 5, {} ] trailing {"d": 1}'
    for size in (1, 2, 3, 5, 100):
        parser = JsonArrayParser()
        found = [one for at in range(0, len(text), size) for one in parser.feed(text[at : at + size])]
        assert [json.loads(one) for one in found] == [{"a": '}"]'}, {"b": [1, {"c": "\\"}]}, {}]
        assert parser.closed
    with pytest.raises(ProviderBadResponse, match="longer"):
        JsonArrayParser(limit=10).feed(b'[{"a": "0123456789')
