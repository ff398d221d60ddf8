"""``hub embed`` against a hub: every source of texts, every form of output, and how it fails."""

import asyncio
import json
import signal
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import RunningHub, running_hub
from tests.unit.cli.program import PATIENCE, Ended, begin, run


class Command:
    """The command where it finds the hub."""

    def __init__(self, hub: RunningHub, folder: Path) -> None:
        self.folder = folder
        self.environ: dict[str, Any] = {"HUB_ADDRESS": hub.address, "HUB_API_KEY": hub.admin_key}

    async def embed(self, *arguments: str, text: bytes | None = None) -> Ended:
        return await run(self.folder, "embed", *arguments, text=text, **self.environ)


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[Command]:
    async with running_hub(tmp_path, sandbox=True, defaults={"embeddings": "sandbox/embed"}) as hub:
        yield Command(hub, tmp_path)


def _lines(ended: Ended) -> list[list[float]]:
    assert ended.status == 0, ended.err
    told = [json.loads(line) for line in ended.out.splitlines()]
    assert [one["index"] for one in told] == list(range(len(told)))
    return [one["embedding"] for one in told]


def _array(path: Path) -> list[tuple[float, ...]]:
    """A .npy file read by its specification."""
    data = path.read_bytes()
    assert data[:8] == b"\x93NUMPY\x01\x00"
    (size,) = struct.unpack_from("<H", data, 8)
    assert (10 + size) % 64 == 0
    header = data[10 : 10 + size].decode()
    assert header.endswith("\n")
    assert "'descr': '<f4', 'fortran_order': False, 'shape': (" in header
    rows, columns = (int(part) for part in header.split("(")[1].split(")")[0].split(","))
    assert len(data) == 10 + size + 4 * rows * columns
    return [struct.unpack_from(f"<{columns}f", data, 10 + size + 4 * columns * row) for row in range(rows)]


async def test_arguments_files_and_lines_are_the_same_texts(command: Command) -> None:
    (command.folder / "a.txt").write_text("second text\n")
    named = _lines(await command.embed("first text", "--file", "a.txt", "--dimensions", "24"))
    piped = _lines(await command.embed("--dimensions", "24", text=b"first text\nsecond text\n"))
    windows = _lines(await command.embed("-", "--dimensions", "24", text=b"first text\r\nsecond text"))
    assert named == piped == windows
    assert [len(vector) for vector in named] == [24, 24]
    assert named[0] != named[1]


async def test_many_lines_go_in_batches_and_come_in_order(command: Command) -> None:
    texts = [f"text number {place}" for place in range(1000)]
    ended = await command.embed("--batch", "7", "--dimensions", "16", "--usage", text="\n".join(texts).encode())
    vectors = _lines(ended)
    assert len(vectors) == 1000
    for place in (0, 6, 7, 500, 999):
        assert _lines(await command.embed(texts[place], "--dimensions", "16")) == [vectors[place]]
    assert ended.err == "usage: 3000 input tokens; 1000 embeddings\n"


async def test_an_array_file(command: Command) -> None:
    texts = "\n".join(f"row {place}" for place in range(150)).encode()
    ended = await command.embed("--npy", "out.npy", "--dimensions", "16", text=texts)
    assert (ended.status, ended.out, ended.err) == (0, "", "")
    rows = _array(command.folder / "out.npy")
    assert len(rows) == 150
    [one] = _lines(await command.embed("row 149", "--dimensions", "16"))
    assert list(rows[149]) == one
    assert not list(command.folder.glob(".*.part"))


@pytest.mark.parametrize(
    ("arguments", "text", "status", "says"),
    [
        (["--task", "dreaming", "x"], None, 2, "choose one of retrieval_query, "),
        (["--file", "absent.txt"], None, 2, "--file: absent.txt: No such file"),
        (["--npy", "no/such/folder.npy", "x"], None, 2, "--npy: no/such/folder.npy: No such file"),
        ([], b"one\n\nthree\n", 2, "line 2 is empty"),
        ([], b"\xff\xfe\n", 2, "line 1 is not UTF-8 text"),
        ([], b"", 2, "there is nothing to embed"),
        (["-m", "sandbox/fail-429", "x"], None, 1, "(PROVIDER_RATE_LIMITED)"),
        (["-m", "nobody/x", "--batch", "1"], b"a\nb\nc\n", 1, "(MODEL_NOT_FOUND)"),
    ],
)
async def test_failures_are_one_line_with_the_remedy(
    command: Command, arguments: list[str], text: bytes | None, status: int, says: str
) -> None:
    ended = await command.embed(*arguments, text=text)
    assert (ended.status, ended.out) == (status, "")
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert says in ended.err


async def test_a_failure_on_the_way_leaves_no_half_array(command: Command) -> None:
    lines = b"\n".join([b"good"] * 130 + [b""] + [b"good"] * 5)
    ended = await command.embed("--npy", "out.npy", text=lines)
    assert ended.status == 2
    assert "line 131 is empty" in ended.err
    assert not list(command.folder.glob("*out.npy*"))


async def test_lines_that_are_still_coming_are_answered_as_they_come(command: Command) -> None:
    arguments = ["embed", "--batch", "1", "--dimensions", "8"]
    process = await begin(command.folder, *arguments, stdin=asyncio.subprocess.PIPE, **command.environ)
    assert process.stdin
    assert process.stdout
    try:
        for index, word in enumerate(("one", "two", "three")):
            process.stdin.write(f"{word}\n".encode())
            line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
            assert json.loads(line)["index"] == index
        process.send_signal(signal.SIGINT)  # standard input is still open
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 130
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
