"""sandbox/embed over HTTP: vectors, and what it refuses."""

import math
import struct
from base64 import b64decode
from typing import Any

import orjson
import pytest

from server.sandbox.embedding.vectors import vector
from tests.unit.sandbox.client import Client


async def _embed(client: Client, given: Any, **more: Any) -> Any:
    return await client.post(orjson.dumps({"model": "embed", "input": given, **more}), "/embeddings")


async def test_floats_and_base64_are_the_same_numbers(client: Client) -> None:
    listed = (await _embed(client, ["one text", "another"], dimensions=40)).body
    packed = (await _embed(client, ["one text", "another"], dimensions=40, encoding_format="base64")).body
    for one, other in zip(listed["data"], packed["data"], strict=True):
        assert one["index"] == other["index"]
        assert one["embedding"] == list(struct.unpack("<40f", b64decode(other["embedding"])))
    assert listed["usage"] == {"prompt_tokens": 3, "total_tokens": 3}
    assert listed["model"] == "embed"


async def test_every_form_of_input(client: Client) -> None:
    lone = (await _embed(client, "hello world")).body
    assert lone["data"] == (await _embed(client, ["hello world"])).body["data"]
    ids = (await _embed(client, [5, 6])).body
    assert ids["data"] == (await _embed(client, [[5, 6]])).body["data"]
    assert ids["usage"]["prompt_tokens"] == 2
    assert len(ids["data"][0]["embedding"]) == 256


@pytest.mark.parametrize(
    ("given", "more", "param"),
    [
        ("", {}, "input"), ([], {}, "input"), (None, {}, "input"), (3, {}, "input"), (["a", ""], {}, "input[1]"),
        (["a", [1]], {}, "input"), ([[1], [-1]], {}, "input[1]"), ([[1], [True]], {}, "input[1]"),
        (["a"], {"dimensions": 0}, "dimensions"), (["a"], {"dimensions": 70_000}, "dimensions"),
        (["a"] * 2048, {"dimensions": 60_000}, "dimensions"), (["a"], {"encoding_format": "int8"}, "encoding_format"),
        (["a"] * 2049, {}, "input"), (["a"], {"user": 3}, "user"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named(client: Client, given: Any, more: dict[str, Any], param: str) -> None:
    reply = await _embed(client, given, **more)
    assert (reply.status, reply.body["error"]["param"]) == (400, param)


async def test_a_model_that_does_not_embed(client: Client) -> None:
    reply = await client.post(orjson.dumps({"model": "echo", "input": "a"}), "/embeddings")
    assert (reply.status, reply.body["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("dimensions", [1, 2, 16, 3072])
def test_vectors_are_one_long_in_any_dimensions(dimensions: int) -> None:
    for text in ("a", "a b c", "!", "x " * 500, "Größe 漢字"):
        made = vector(text, dimensions)
        assert len(made) == dimensions
        assert math.fsum(number * number for number in made) == pytest.approx(1, abs=1e-5)


def test_cosine_rises_with_the_words_shared() -> None:
    words = [f"word{place}" for place in range(10)]
    whole = vector(" ".join(words), 2048)
    cosines = []
    for shared in range(0, 11, 2):
        others = " ".join(words[:shared] + [f"other{place}" for place in range(10 - shared)])
        cosines.append(math.fsum(a * b for a, b in zip(whole, vector(others, 2048), strict=True)))
    assert cosines == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1], abs=0.12)
