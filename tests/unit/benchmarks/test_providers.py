"""The provider of the benchmarks, in C and in Python: both play the same."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks import plays, processes
from benchmarks.asks import by_http
from benchmarks.load import Ask, HttpClient, Told, WrongReply
from benchmarks.plays import read_plays, write_plays


@pytest.fixture(params=["c", "python"])
async def port(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    if request.param == "c" and not (shutil.which("gcc") or shutil.which("cc")):
        pytest.skip("no C compiler")
    if request.param == "python":
        monkeypatch.setattr(processes.shutil, "which", lambda name: None)  # type: ignore[attr-defined]
    monkeypatch.setattr(processes, "WORK", tmp_path)
    write_plays(tmp_path / "plays")
    process, port, _ = await processes.start_provider(tmp_path / "plays", tmp_path / "log")
    try:
        yield port
    finally:
        await process.end()


@pytest.mark.parametrize("what", ["unary", "burst", "first", "batch"])
async def test_every_piece_arrives(port: int, what: str) -> None:
    client, told = HttpClient(port, {}), Told()
    for _ in range(2):  # on one connection
        await client(by_http(what, f"bench-{what}"), told)
    assert len(told.whole) == 2
    await client.close()


async def test_pieces_come_at_their_pace(port: int) -> None:
    client, told = HttpClient(port, {}), Told()
    await asyncio.gather(*(client(by_http("first", "bench-first"), told) for _ in range(3)))
    assert all(whole - first >= 2 * plays.PACE / 1e6 for whole, first in zip(told.whole, told.first, strict=True))
    await client.close()


async def test_what_it_does_not_know_is_not_found(port: int) -> None:
    client = HttpClient(port, {})
    with pytest.raises(WrongReply, match="404"):
        await client(Ask("/v1/nothing", b"{}"), Told())
    await client.close()


async def test_a_reply_without_its_pieces_is_wrong(port: int) -> None:
    client = HttpClient(port, {})
    with pytest.raises(WrongReply, match="40 pieces"):
        await client(Ask("/v1/chat/completions", b'{"model":"bench-unary"}', marks=41), Told())
    await client.close()


def test_plays_are_read_as_they_were_written(tmp_path: Path) -> None:
    write_plays(tmp_path / "plays")
    found = {play.mark: play for play in read_plays(tmp_path / "plays")}
    assert len(found["bench-burst"].pieces) == plays.BURST_CHUNKS + 1  # and the end
    assert len(set(found["bench-burst"].pieces)) == plays.BURST_CHUNKS + 1
    assert found["bench-paced"].interval == plays.PACE
