"""sandbox/draw over plain HTTP: what it refuses, what it keeps at an address, what it streams."""

from base64 import b64decode
from typing import Any

import aiohttp
import orjson
import pytest

from tests.pictures import decode, encode_png, solid_png
from tests.unit.sandbox.client import Client

SOURCE = solid_png(32, 32, (9, 8, 7, 255))
FAST = {"model": "draw", "prompt": "a cat", "size": "32x32"}


async def post(client: Client, path: str, body: Any) -> tuple[int, Any]:
    form = isinstance(body, aiohttp.FormData)
    data = body if form else orjson.dumps(body)
    async with client.session.post(f"{client.base}/images/{path}", data=data) as response:
        return response.status, orjson.loads(await response.read())


def form(**fields: Any) -> aiohttp.FormData:
    made = aiohttp.FormData()
    for name, value in fields.items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            key = "image[]" if name == "image" and len(values) > 1 else name
            made.add_field(key, one, filename=f"{name}.png" if isinstance(one, bytes) else None)
    return made


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"size": "9000x9000"}, "size"),
        ({"size": 5}, "size"),
        ({"n": 11}, "n"),
        ({"quality": "best"}, "quality"),
        ({"output_format": "gif"}, "output_format"),
        ({"background": "transparent", "output_format": "jpeg"}, "background"),
        ({"partial_images": 4}, "partial_images"),
        ({"prompt": ""}, "prompt"),
        ({"model": "other"}, "model"),
        ({"model": "echo"}, "model"),
    ],
)
async def test_a_bad_generation_is_named(client: Client, change: dict[str, Any], param: str) -> None:
    status, body = await post(client, "generations", {**FAST, **change})
    assert status == (404 if param == "model" else 400)
    assert body["error"]["param"] == param


async def test_a_bad_edit_is_named(client: Client) -> None:
    for fields, param in (
        ({"image": [SOURCE, b"GIF89a"]}, "image[1]"),
        ({"image": encode_png(2, 2, b"\0\1\0\1", 3)}, "image[0]"),
        ({"image": SOURCE, "mask": solid_png(8, 8, (0, 0, 0, 0))}, "mask"),
        ({"image": [SOURCE] * 17}, "image"),
        ({"image": SOURCE, "other": SOURCE}, "other"),
        ({"image": SOURCE, "n": "two"}, "n"),
    ):
        status, body = await post(client, "edits", form(**FAST, **fields))
        assert (status, body["error"]["param"]) == (400, param), fields
    status, body = await post(client, "edits", FAST)
    assert (status, "multipart/form-data" in body["error"]["message"]) == (400, True)


async def test_an_address_serves_the_same_bytes(client: Client) -> None:
    _, whole = await post(client, "generations", {**FAST, "response_format": "b64_json", "output_format": "webp"})
    _, kept = await post(client, "generations", {**FAST, "response_format": "url", "output_format": "webp"})
    async with client.session.get(kept["data"][0]["url"]) as response:
        data = await response.read()
    assert response.headers["Content-Type"] == "image/webp"
    assert data == b64decode(whole["data"][0]["b64_json"])
    assert whole["usage"]["total_tokens"] == whole["usage"]["input_tokens"] + whole["usage"]["output_tokens"] > 0
    async with client.session.get(f"{client.base}/images/files/none.png") as missing:
        assert missing.status == 404


async def test_a_stream_of_edits_with_previews(client: Client) -> None:
    body = form(**FAST, image=SOURCE, stream="true", partial_images="3", n="2")
    async with client.session.post(f"{client.base}/images/edits", data=body) as response:
        text = await response.text()
    events = [orjson.loads(block.split("data: ")[1]) for block in text.split("\n\n") if block]
    kinds = [event["type"] for event in events]
    assert kinds == [*["image_edit.partial_image"] * 3, "image_edit.completed"] * 2
    assert [event["partial_image_index"] for event in events[:3]] == [0, 1, 2]
    assert all(decode(b64decode(event["b64_json"])).width == 32 for event in events)
    assert events[3]["usage"]["total_tokens"] > 0
