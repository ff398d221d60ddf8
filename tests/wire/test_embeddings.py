"""The comparison of embeddings bites: whatever is changed in a recording is named."""

import asyncio
import base64
import struct
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from tests.wire import embeddings
from tests.wire.embeddings import Embeddings, Reading, compared, read
from tests.wire.made import exchange, recording
from tests.wire.neutral import Failure
from tests.wire.recording import Json, Recording
from tests.wire.run import Plan, run

FLOATS = [0.1, -2.5, 3.0]


def _packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def _body(*vectors: Json) -> Json:
    data = [{"object": "embedding", "index": place, "embedding": one} for place, one in enumerate(vectors)]
    return {"object": "list", "data": data, "model": "m-1", "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def _exchange(id_: str, response: Json, **fields: Json) -> dict[str, Json]:
    request = {"model": "m", "input": ["a", "b"], "encoding_format": "base64"}
    made = exchange(id_, response, request=request, api="embeddings", modality="embeddings", path="/v1/embeddings")
    return {**made, **fields}


def test_floats_read_alike_from_an_array_and_from_base64() -> None:
    one = read(recording(_body(FLOATS)))
    assert one == read(recording(_body(_packed(*FLOATS))))
    assert one == Reading("m-1", [struct.pack("<3f", *FLOATS)], 3, 3)
    assert read(recording(_body("Af8="), provider="perplexity")).vectors == [struct.pack("<2f", 1, -1)]


def test_native_paths_are_left_to_their_codecs() -> None:
    api = Embeddings()
    assert api.serves(recording(_body(FLOATS), path="/v1/embeddings"))
    assert not api.serves(recording(_body(FLOATS), provider="cohere", path="/v1/embed"))
    assert not api.serves(recording(_body(FLOATS), provider="cohere", path="/v1/embeddings"))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        (Reading("m-2", [b"\0\0\0\0"], 1, 3), "model"),
        (Reading("m-1", [b"\0\0\0\0"], 2, 3), "dimensions"),
        (Reading("m-1", [b"\0\0\0\0"], 1, 4), "tokens"),
        (Reading("m-1", [], 1, 3), "vectors"),
        (Reading("m-1", [b"\1\0\0\0"], 1, 3), "vectors[0]"),
        (Reading(failure=Failure("INTERNAL")), "status"),
    ],
)
def test_every_difference_is_named(changed: Reading, named: str) -> None:
    honest = Reading("m-1", [b"\0\0\0\0"], 1, 3)
    assert compared(honest, honest) == []
    assert [line.split(":")[0] for line in compared(honest, changed)] == [named]


@pytest.mark.slow
async def test_a_lie_is_found_through_the_real_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = _body(FLOATS, _packed(*FLOATS))
    for id_ in ("honest", "lie"):
        (tmp_path / f"{id_}.json").write_bytes(orjson.dumps(_exchange(id_, both)))
    gone = _exchange("gone", {"error": {"message": "gone", "code": "model_not_found"}}, status=404)
    (tmp_path / "gone.json").write_bytes(orjson.dumps(gone))
    odd = _exchange("odd", both)
    odd["request_body"] = {**odd["request_body"], "flavour": "mint"}
    (tmp_path / "odd.json").write_bytes(orjson.dumps(odd))

    def lying(told: Recording) -> Reading:
        if told.id == "lie":
            told = replace(told, response_body=told.response_body.replace(b"-2.5", b"-2.25"))
        return read(told)

    monkeypatch.setattr(embeddings, "read", lying)
    async with asyncio.timeout(60):
        result = await run(Plan(tmp_path, seed=3))
    found = {outcome.recording.id: outcome for outcome in result.outcomes}
    assert (found["honest"].decode, found["honest"].encode) == ([], [])
    assert (found["gone"].decode, found["gone"].encode) == ([], [])
    assert [line.split(":")[0] for line in found["lie"].decode] == ["vectors[0]"]
    assert [line.split(":")[0] for line in found["odd"].encode or ()] == ["flavour", "flavour"]
