"""Each well-behaved model over real HTTP, unary and streamed."""

import base64
import json
import struct
import time
import zlib
from typing import Any

import jsonschema_rs
import pytest

from server.sandbox import tokens
from tests.unit.sandbox.client import Client


async def test_echo_repeats_the_last_user_text(client: Client) -> None:
    reply = await client.both("echo", "Grüße, 世界!\nTwo lines  and spaces ")
    assert reply.text == "Grüße, 世界!\nTwo lines  and spaces "
    assert reply.choice["finish_reason"] == "stop"
    assert reply.body["model"] == "echo"


async def test_echo_reads_the_last_user_message_and_all_its_text_parts(client: Client) -> None:
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "answer"},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]},
        {"role": "assistant", "content": None, "refusal": "no"},
    ]
    assert (await client.both("echo", messages=messages)).text == "one\ntwo"


async def test_echo_says_so_where_there_is_no_text(client: Client) -> None:
    part = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    assert "no text" in (await client.both("echo", [part])).text


async def test_a_stream_sends_an_event_for_each_token(client: Client) -> None:
    text = "Hello, big world!"
    streamed = await client.stream("echo", text)
    told = [delta["content"] for delta in streamed.deltas() if delta.get("content")]
    assert told == ["Hello", ",", " big", " world", "!"]
    assert streamed.events[-1]["choices"] == []
    assert all(event["usage"] is None for event in streamed.events[:-1])


async def test_usage_in_a_stream_only_where_it_is_asked_for(client: Client) -> None:
    streamed = await client.stream("echo", stream_options=None)
    assert streamed.done
    assert not any("usage" in event for event in streamed.events)


async def test_usage_is_what_the_tokenizer_counts(client: Client) -> None:
    messages = [{"role": "system", "content": "Be kind, please."}, {"role": "user", "content": "one two three"}]
    usage = (await client.both("echo", messages=messages)).body["usage"]
    assert usage["prompt_tokens"] == 2 + 5 + 3  # two roles and the words
    assert usage["completion_tokens"] == 3
    assert usage["total_tokens"] == 13


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
async def test_the_token_limit_cuts_any_answer(client: Client, limit: str) -> None:
    reply = await client.both("echo", "one two three four", **{limit: 2})
    assert reply.text == "one two"
    assert reply.choice["finish_reason"] == "length"
    assert reply.body["usage"]["completion_tokens"] == 2


async def test_an_answer_as_long_as_the_limit_stops_by_itself(client: Client) -> None:
    assert (await client.both("echo", "one two", max_tokens=2)).choice["finish_reason"] == "stop"


@pytest.mark.parametrize(("stop", "left"), [("three", "one two "), (["x", "two", "three"], "one "), ("zzz", None)])
async def test_stop_sequences_end_the_text(client: Client, stop: object, left: str | None) -> None:
    reply = await client.both("echo", "one two three four", stop=stop)
    assert reply.text == (left or "one two three four")
    assert reply.choice["finish_reason"] == "stop"


async def test_several_choices_are_told_side_by_side(client: Client) -> None:
    reply = await client.both("story", n=3, metadata={"tokens": "20"})
    told = [choice["message"]["content"] for choice in reply.body["choices"]]
    assert len(set(told)) == 3
    assert reply.body["usage"]["completion_tokens"] == 60
    streamed = await client.stream("story", n=2, metadata={"tokens": "20"})
    order = [choice["index"] for event in streamed.events for choice in event["choices"]]
    assert order[:6] == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("top", [None, 0, 3, 20])
async def test_logprobs_cover_every_token(client: Client, top: int | None) -> None:
    reply = await client.both("echo", "so ähnlich", logprobs=True, top_logprobs=top)
    content = reply.choice["logprobs"]["content"]
    assert [entry["token"] for entry in content] == ["so", " ähnlich"]
    for entry in content:
        assert bytes(entry["bytes"]).decode() == entry["token"]
        assert entry["logprob"] <= 0
        ranked = [other["logprob"] for other in entry["top_logprobs"]]
        assert len(ranked) == (top or 0)
        assert ranked == sorted(ranked, reverse=True)


async def test_no_logprobs_unless_asked(client: Client) -> None:
    assert (await client.both("echo")).choice["logprobs"] is None


async def test_the_same_request_gets_the_same_answer(client: Client) -> None:
    first, second = await client.chat("story", seed=7, n=2), await client.chat("story", seed=7, n=2)
    assert first.body == second.body
    other = await client.chat("story", seed=8, n=2)
    assert other.body["id"] != first.body["id"]
    assert other.text != first.text


async def test_a_story_is_as_long_as_the_limit_lets_it(client: Client) -> None:
    reply = await client.both("story", max_completion_tokens=40)
    assert reply.body["usage"]["completion_tokens"] == tokens.count(reply.text) == 40
    assert reply.choice["finish_reason"] == "length"


async def test_a_story_of_a_given_length_stops_by_itself(client: Client) -> None:
    reply = await client.both("story", metadata={"tokens": "25"}, max_tokens=40)
    assert reply.body["usage"]["completion_tokens"] == 25
    assert reply.choice["finish_reason"] == "stop"
    short = await client.both("story", metadata={"tokens": "25"}, max_tokens=10)
    assert short.choice["finish_reason"] == "length"
    assert reply.text.startswith(short.text)


async def test_a_story_without_any_length_is_short(client: Client) -> None:
    reply = await client.both("story")
    assert reply.body["usage"]["completion_tokens"] == 64
    assert reply.choice["finish_reason"] == "stop"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_story_keeps_its_pace(client: Client, stream: bool) -> None:
    metadata = {"tokens": "20", "tokens_per_second": "100"}
    started = time.perf_counter()
    await (client.stream if stream else client.chat)("story", metadata=metadata)
    assert 0.18 <= time.perf_counter() - started < 2


@pytest.mark.parametrize("name", ["tokens", "tokens_per_second"])
@pytest.mark.parametrize("value", ["many", "-1", "nan", "1e99", "0"])
async def test_a_story_refuses_metadata_it_cannot_read(client: Client, name: str, value: str) -> None:
    reply = await client.chat("story", metadata={name: value})
    assert reply.status == 400
    assert reply.body["error"]["param"] == f"metadata.{name}"


async def test_reason_thinks_first(client: Client) -> None:
    reply = await client.both("reason", "Why?")
    message, usage = reply.choice["message"], reply.body["usage"]
    assert "Why?" in message["content"]
    thought = tokens.count(message["reasoning_content"])
    assert usage["completion_tokens_details"]["reasoning_tokens"] == thought > 0
    assert usage["completion_tokens"] == thought + tokens.count(message["content"])
    kinds = ["reasoning_content" in delta for delta in (await client.stream("reason")).deltas()[1:-1]]
    assert kinds == sorted(kinds, reverse=True)


async def test_reason_thinks_as_hard_as_it_is_told(client: Client) -> None:
    spent = [
        (await client.both("reason", reasoning_effort=effort)).body["usage"]["completion_tokens_details"][
            "reasoning_tokens"
        ]
        for effort in ("none", "minimal", "low", "medium", "high", "xhigh", "max")
    ]
    assert spent[0] == 0
    assert spent == sorted(set(spent))


async def test_the_token_limit_holds_for_reasoning_too(client: Client) -> None:
    reply = await client.both("reason", max_completion_tokens=5)
    assert reply.text == ""
    assert reply.body["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5
    assert reply.choice["finish_reason"] == "length"


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 3}, "days": {"type": "integer", "minimum": 2}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


async def test_json_fills_the_schema(client: Client) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA, "strict": True}}
    reply = await client.both("json", response_format=wanted, n=2)
    for choice in reply.body["choices"]:
        jsonschema_rs.validate(SCHEMA, json.loads(choice["message"]["content"]))


async def test_json_object_is_an_object(client: Client) -> None:
    reply = await client.both("json", 'say "hi"', response_format={"type": "json_object"})
    assert json.loads(reply.text) == {"text": 'say "hi"'}


@pytest.mark.parametrize("more", [{}, {"response_format": {"type": "text"}}])
async def test_json_says_how_to_ask(client: Client, more: dict[str, Any]) -> None:
    assert "response_format" in (await client.both("json", **more)).text


async def test_a_schema_beyond_all_filling_is_refused_quickly(client: Client) -> None:
    branch = [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/a"}]
    knot = {"$defs": {"a": {"anyOf": branch}}, "$ref": "#/$defs/a"}
    wanted = {"type": "json_schema", "json_schema": {"name": "knot", "schema": knot}}
    started = time.perf_counter()
    reply = await client.chat("json", response_format=wanted)
    assert reply.status == 400
    assert reply.body["error"]["param"] == "response_format.json_schema.schema"
    assert time.perf_counter() - started < 2


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url} | more}


def _data_url(data: bytes, mime: str = "image/png") -> str:
    return f"data:{mime};base64,{base64.b64encode(data).decode()}"


async def test_vision_tells_each_image(client: Client) -> None:
    gif = b"GIF89a" + struct.pack("<HH", 7, 300) + b"\x80\0\0"
    content = [
        {"type": "text", "text": "What are these?"},
        _image(_data_url(_png(64, 48))),
        _image(_data_url(gif, "image/gif"), detail="low"),
        _image("https://example.com/cat.jpg"),
    ]
    reply = await client.both("vision", content)
    assert reply.text.splitlines() == [
        "Image 1: PNG, 64 x 48 pixels.",
        "Image 2: GIF, 7 x 300 pixels, detail low.",
        "Image 3: a URL, which I do not fetch: https://example.com/cat.jpg.",
    ]
    assert reply.body["usage"]["prompt_tokens"] == 1 + 4 + 3 * 85


async def test_vision_without_an_image(client: Client) -> None:
    assert "no image" in (await client.both("vision")).text


@pytest.mark.parametrize("url", ["data:image/png;base64,!!!", "data:image/png,abc", "data:image/png;base64,AAAA"])
@pytest.mark.parametrize("stream", [False, True])
async def test_vision_refuses_what_is_no_image(client: Client, url: str, stream: bool) -> None:
    reply = await client.chat("vision", [_image(url)], stream=stream)
    assert reply.status == 400
    assert reply.body["error"]["param"] == "messages[0].content[0].image_url.url"
