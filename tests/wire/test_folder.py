"""Every file of a folder is counted, and a bad one is named."""

import random
from pathlib import Path

import orjson
import pytest

from tests.wire.made import exchange, whole
from tests.wire.recording import read_folder
from tests.wire.replay import cut

GOOD = exchange("one", whole({"content": "x"}))

BAD: dict[str, bytes] = {
    "no-json.json": b"{",
    "a-list.json": b"[]",
    "no-id.json": orjson.dumps({**GOOD, "id": ""}),
    "no-status.json": orjson.dumps({**GOOD, "status": "200"}),
    "path.json": orjson.dumps({**GOOD, "path": "/v1/chat completions#"}),
    "headers.json": orjson.dumps({**GOOD, "response_headers": []}),
    "encoding.json": orjson.dumps({**GOOD, "response_body_encoding": "rot13"}),
    "base64.json": orjson.dumps({**GOOD, "response_body_encoding": "base64", "response_body": "!"}),
    "twice.json": orjson.dumps(GOOD),
    "not-utf8.json": b'{"id": "\xff"}',
}


def test_bad_files_are_named_and_all_are_counted(tmp_path: Path) -> None:
    (tmp_path / "openai").mkdir()
    (tmp_path / "openai" / "one.json").write_bytes(orjson.dumps(GOOD))
    (tmp_path / "index.json").write_text("[]")
    (tmp_path / "README.md").write_text("#")
    (tmp_path / "openai" / "notes.txt").write_text("?")
    for name, data in BAD.items():
        (tmp_path / "other").mkdir(exist_ok=True)
        (tmp_path / "other" / name).write_bytes(data)
    folder = read_folder(tmp_path)
    assert [recording.id for recording in folder.recordings] == ["one"]
    assert {name for name, _ in folder.unreadable} == {f"other/{name}" for name in BAD}
    assert all(why for _, why in folder.unreadable)
    assert folder.others == ["README.md", "index.json", "openai/notes.txt"]
    assert folder.files == len(BAD) + 4


@pytest.mark.parametrize("size", [0, 1, 50_000])
def test_cutting_keeps_every_byte_and_repeats_with_its_seed(size: int) -> None:
    body = random.Random(7).randbytes(size)
    pieces = list(cut(body, random.Random("1:x")))
    assert b"".join(pieces) == body
    assert pieces == list(cut(body, random.Random("1:x")))
    assert size < 1000 or pieces != list(cut(body, random.Random("2:x")))
