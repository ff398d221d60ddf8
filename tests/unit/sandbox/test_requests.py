"""What the sandbox refuses, lists, and promises about every request."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import aiohttp
import orjson
import pytest

from server.sandbox import routes
from server.sandbox.audio.models import AUDIO
from server.sandbox.catalog import MODELS
from server.sandbox.draw.registry import IMAGE_FAMILIES, IMAGES, image_model
from server.sandbox.embedding.models import EMBEDDING_FAMILIES, EMBEDDINGS, embedding_model
from server.sandbox.listener import Sandbox
from server.sandbox.registry import CHAT, CHAT_FAMILIES, chat_model
from tests.unit.sandbox.client import Client


@pytest.mark.parametrize("raw", [b"", b"{", b"nonsense", b"\xff", b"[]", b'"text"', b"null", b"[" * 5000])
async def test_a_body_that_is_no_json_object_is_400(client: Client, raw: bytes) -> None:
    reply = await client.post(raw)
    assert reply.status == 400
    assert reply.body["error"]["type"] == "invalid_request_error"
    assert "object" in reply.body["error"]["message"]


async def test_a_body_nested_beyond_reason_is_400(client: Client) -> None:
    raw = orjson.dumps(client.body("echo"))[:-1] + b',"x":' + b"[" * 500 + b"]" * 500 + b"}"
    reply = await client.post(raw)
    assert reply.status == 400
    assert "nested" in reply.body["error"]["message"]


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": 5}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "wizard", "content": "hi"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "smell"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_completion_tokens": "5"}, "max_completion_tokens"),
        ({"stop": 5}, "stop"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"temperature": 2.1}, "temperature"),
        ({"temperature": True}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": "1"}, "frequency_penalty"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"seed": "x"}, "seed"),
        ({"metadata": {"tokens": 5}}, "metadata.tokens"),
        ({"reasoning_effort": "much"}, "reasoning_effort"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {}}, "response_format.type"),
        ({"response_format": {"type": "xml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {}}}, "response_format.json_schema.name"),
    ],
)
async def test_a_bad_field_is_named(client: Client, more: dict[str, Any], param: str) -> None:
    reply = await client.chat("echo", **more)
    assert reply.status == 400
    error = reply.body["error"]
    assert error["param"] == param
    assert param in error["message"]
    assert error["type"] == "invalid_request_error"


async def test_null_is_the_same_as_absent(client: Client) -> None:
    names = ("n", "stop", "max_tokens", "temperature", "tools", "tool_choice", "response_format", "metadata", "seed")
    assert (await client.both("echo", **dict.fromkeys(names))).text == "Hello, big world!"


async def test_the_order_of_fields_makes_no_difference(client: Client) -> None:
    body = client.body("echo", seed=1)
    backwards = dict(reversed(body.items()))
    assert (await client.post(orjson.dumps(body))).body == (await client.post(orjson.dumps(backwards))).body


async def test_errors_of_http_have_the_same_shape(client: Client) -> None:
    missing = await client.get("/nothing")
    assert (missing.status, missing.body["error"]["type"]) == (404, "invalid_request_error")
    wrong = await client.get("/chat/completions")
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")
    assert "error" in wrong.body


async def test_a_body_too_large_is_413(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_MAX_BODY_BYTES", 10_000)
    sandbox = Sandbox()
    base = await sandbox.start()
    async with aiohttp.ClientSession() as session:
        client = Client(session, base)
        assert (await client.chat("echo", "a" * 9_000)).status == 200
        reply = await client.chat("echo", "a" * 10_000)
    await sandbox.stop()
    assert reply.status == 413
    assert "10000" in reply.body["error"]["message"]


async def test_a_large_image_gets_through(client: Client) -> None:
    url = "data:image/gif;base64," + b64encode(b"GIF89a\x05\0\x06\0" + b"\0" * 3_000_000).decode()
    body = orjson.dumps(client.body("vision", [{"type": "image_url", "image_url": {"url": url}}]))
    async with client.session.post(client.base + "/chat/completions", data=BytesIO(body)) as response:
        answer = orjson.loads(await response.read())
    assert "GIF, 5 x 6 pixels" in answer["choices"][0]["message"]["content"]


async def test_every_model_listed_can_be_called(client: Client) -> None:
    listed = await client.get("/models")
    assert listed.body["object"] == "list"
    ids = [card["id"] for card in listed.body["data"]]
    assert ids == [model.example for model in MODELS]
    for name in ids:
        assert (chat_model(name) or embedding_model(name) or image_model(name)) is not None or name in AUDIO
        assert (await client.get(f"/models/{name}")).body["id"] == name
    assert (await client.get("/models/other")).status == 404


def test_the_catalog_and_the_registry_agree() -> None:
    named = {model.name.partition("-<")[0] for model in MODELS}
    assert named == {*CHAT, *CHAT_FAMILIES, *EMBEDDINGS, *EMBEDDING_FAMILIES, *IMAGES, *IMAGE_FAMILIES, *AUDIO}
    for model in MODELS:
        assert model.description
        assert {"chat", "embedding", "image", "speech", "transcription"} & set(model.capabilities)
