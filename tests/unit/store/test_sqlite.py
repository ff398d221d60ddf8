"""The database file: durable, shared, brought up to date, refused where it cannot be used."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from unittest import mock

import pytest

from server.errors import FailedPrecondition, InvalidArgument, Unavailable
from server.store.base import KeyRecord, KeySettings, StoredSecret
from server.store.migrations import MIGRATIONS
from server.store.sqlite import SqliteDatabase
from server.store.sqlite_keys import SqliteKeyStore

ROOT = Path(__file__).parents[3]

FULL = KeyRecord(
    "id-1",
    KeySettings(
        "näme", ("aignehub.v1.*",), ("openai/*", "*"), 9, (("a", "1"), ("b", '"quoted"')), 1800000000.125, True
    ),
    1700000000.000001,
    (StoredSecret(b"\x00new", "hub_…new", 2.0), StoredSecret(b"\xffold", "hub_…old", 1.0, 1900000000.5)),
    1750000000.25,
    1740000000.75,
)


async def _store(folder: Path) -> SqliteKeyStore:
    return SqliteKeyStore(await SqliteDatabase.open(folder / "hub.db"))


async def test_a_key_comes_back_as_it_went(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    bare = KeyRecord("id-2", KeySettings(), 5.0)
    assert await store.add(FULL)
    assert await store.add(bare)
    await store.close()
    again = await _store(tmp_path)
    assert {record.id: record for record in await again.keys()} == {"id-1": FULL, "id-2": bare}
    await again.close()


async def test_an_id_is_added_once(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    assert await store.add(FULL)
    assert not await store.add(replace(FULL, settings=KeySettings("other")))
    assert list(await store.keys()) == [FULL]
    await store.close()


async def test_hostile_text_is_only_text(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    hostile = KeyRecord("x'; DROP TABLE keys; --", KeySettings("'); DELETE FROM keys; --"), 1.0)
    await store.add(hostile)
    assert await store.edit("' OR '1'='1", lambda r: r) is None
    assert list(await store.keys()) == [hostile]
    await store.close()


async def test_an_edit_replaces_all_and_its_failure_nothing(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    await store.add(FULL)
    changed = replace(FULL, settings=KeySettings("new"), secrets=FULL.secrets[:1], revoked_at=None)
    assert await store.edit("id-1", lambda _: changed) == changed
    assert list(await store.keys()) == [changed]

    def fail(_: KeyRecord) -> KeyRecord:
        raise InvalidArgument("no")

    with pytest.raises(InvalidArgument):
        await store.edit("id-1", fail)
    # A row that breaks a rule of the table, after the key itself was written: all of it is undone.
    with pytest.raises(Unavailable):
        await store.edit("id-1", lambda r: replace(r, settings=KeySettings("half"), secrets=r.secrets * 2))
    assert list(await store.keys()) == [changed]
    await store.close()


async def test_an_older_use_never_replaces_a_newer(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    await store.add(replace(FULL, last_used_at=None))
    for when in (100.0, 50.0):
        await store.note_uses({"id-1": when, "gone": 1.0})
    assert (await store.keys())[0].last_used_at == 100.0
    await store.close()


async def test_secrets_past_their_grace_are_dropped(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    await store.add(FULL)
    await store.drop_secrets(1900000000.0)
    assert len((await store.keys())[0].secrets) == 2
    await store.drop_secrets(1900000000.5)
    assert (await store.keys())[0].secrets == FULL.secrets[:1]
    await store.close()


async def test_the_first_fact_stands(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    assert await store.remember("x", b"first") == b"first"
    assert await store.remember("x", b"second") == b"first"
    await store.close()


async def test_changed_tells_of_others_alone_and_once(tmp_path: Path) -> None:
    mine, other = await _store(tmp_path), await _store(tmp_path)
    assert not await mine.changed()
    await mine.add(FULL)
    assert not await mine.changed()
    assert await other.edit("id-1", lambda r: replace(r, revoked_at=1.0))
    assert await mine.changed()
    assert not await mine.changed()
    await mine.close()
    await other.close()


async def test_a_database_that_nobody_wrote_to_is_not_asked(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "hub.db")
    mine, other = SqliteKeyStore(database), await _store(tmp_path)
    await mine.add(FULL)
    assert database.stamp() is None  # a moment after a write another may leave the same time
    _age(tmp_path)
    assert not await mine.changed()
    with mock.patch.object(database, "run", side_effect=AssertionError("asked")):
        assert not await mine.changed()
    assert await other.edit("id-1", lambda r: replace(r, revoked_at=1.0))
    _age(tmp_path, 1)
    with mock.patch.object(database, "run", side_effect=Unavailable("not now")), pytest.raises(Unavailable):
        await mine.changed()
    assert await mine.changed()
    assert not await mine.changed()
    await mine.close()
    await other.close()


def _age(folder: Path, more: int = 0) -> None:
    """Makes the last write an old one."""
    for file in folder.glob("hub.db*"):
        os.utime(file, (0, 1_000_000 + more))


async def test_the_settings_that_durability_rests_on(tmp_path: Path) -> None:
    database = await SqliteDatabase.open(tmp_path / "hub.db")

    def read(connection: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "user_version")
        return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await database.run(read) == ["wal", 2, 1, len(MIGRATIONS)]  # 2 is FULL
    assert (await database.run(lambda _: threading.current_thread().name)).startswith("store")
    await database.close()


async def test_the_files_are_their_owners_alone(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        store = await _store(tmp_path / "deep" / "er")
        await store.add(FULL)
    finally:
        os.umask(old)
    modes = _modes(tmp_path / "deep" / "er")
    assert modes == {"hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}
    await store.close()


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_an_older_file_is_brought_up_to_date_step_by_step(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    first = await SqliteDatabase.open(path, migrations=MIGRATIONS[:1])
    await first.close()
    grown = (*MIGRATIONS[:1], ("CREATE TABLE later (x)", "INSERT INTO later VALUES (1)"))
    for _ in range(2):
        second = await SqliteDatabase.open(path, migrations=grown)
        assert await second.run(lambda c: c.execute("SELECT count(*) FROM later").fetchone()[0]) == 1
        await second.close()


async def test_a_step_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with pytest.raises(FailedPrecondition):
        await SqliteDatabase.open(path, migrations=(*MIGRATIONS, ("CREATE TABLE later (x)", "NONSENSE")))
    store = SqliteKeyStore(await SqliteDatabase.open(path))
    assert list(await store.keys()) == []
    await store.close()


async def test_a_file_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    newer = await SqliteDatabase.open(path, migrations=(*MIGRATIONS, ("CREATE TABLE later (x)",)))
    await newer.close()
    with pytest.raises(FailedPrecondition, match="newer release") as caught:
        await SqliteDatabase.open(path)
    assert caught.value.reason == "STORE_UNUSABLE"


async def test_what_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"not a database" * 1000)
    folder = tmp_path / "folder.db"
    folder.mkdir()
    for path in (garbage, folder, garbage / "below.db"):
        with pytest.raises(FailedPrecondition, match=str(path)):
            await SqliteDatabase.open(path)


async def test_a_lock_that_lasts_is_unavailable_not_a_hang(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteKeyStore(await SqliteDatabase.open(path, busy_seconds=0.1))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable, match="key store"):
            await store.add(FULL)
    other.execute("COMMIT")
    other.close()
    assert await store.add(FULL)
    await store.close()


async def test_after_close_it_says_so(tmp_path: Path) -> None:
    store = await _store(tmp_path)
    await store.close()
    await store.close()
    with pytest.raises(Unavailable, match="shutting down"):
        await store.keys()


async def test_the_switch_to_wal_waits_for_a_lock(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("CREATE TABLE facts_of_old (x)")
    other.execute("BEGIN EXCLUSIVE")
    opening = asyncio.create_task(SqliteDatabase.open(path))
    await asyncio.sleep(0.2)
    assert not opening.done()
    other.execute("COMMIT")
    other.close()
    database = await opening
    await database.close()


WRITER = """
import asyncio, sys
from pathlib import Path
from server.store.base import KeyRecord, KeySettings
from server.store.sqlite import SqliteDatabase
from server.store.sqlite_keys import SqliteKeyStore

async def main(path, name):
    store = SqliteKeyStore(await SqliteDatabase.open(Path(path)))
    for i in range(50):
        assert await store.add(KeyRecord(f"{name}-{i}", KeySettings(), 1.0))
        await store.edit("shared", lambda r: r.__class__(r.id, KeySettings(
            concurrent_calls=r.settings.concurrent_calls + 1), r.created_at))
        print(i, flush=True)
    await store.close()

asyncio.run(main(*sys.argv[1:]))
"""


def _start(path: Path, name: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), name], cwd=ROOT, stdout=subprocess.PIPE)


async def test_processes_share_one_database(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteKeyStore(await SqliteDatabase.open(path))
    await store.add(KeyRecord("shared", KeySettings(), 1.0))
    writers = [await asyncio.to_thread(_start, path, name) for name in ("a", "b")]
    results = await asyncio.gather(*(asyncio.to_thread(w.communicate, timeout=30) for w in writers))
    assert [w.returncode for w in writers] == [0, 0], results
    records = {record.id: record for record in await store.keys()}
    assert len(records) == 101
    assert records["shared"].settings.concurrent_calls == 100  # no change of one was lost to the other
    await store.close()


async def test_first_starts_at_once_do_not_meet_a_lock(tmp_path: Path) -> None:
    for round_ in range(5):
        path = tmp_path / f"{round_}.db"
        found = await asyncio.gather(*(SqliteDatabase.open(path) for _ in range(8)))
        await asyncio.gather(*(database.close() for database in found))


async def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    store = SqliteKeyStore(await SqliteDatabase.open(path))
    await store.add(KeyRecord("shared", KeySettings(), 1.0))
    await store.close()
    writer = await asyncio.to_thread(_start, path, "k")
    assert writer.stdout
    acknowledged = [await asyncio.to_thread(writer.stdout.readline) for _ in range(5)]
    writer.kill()
    await asyncio.to_thread(writer.communicate, timeout=10)
    assert acknowledged[-1] == b"4\n"
    store = SqliteKeyStore(await SqliteDatabase.open(path))
    records = {record.id: record for record in await store.keys()}
    assert {f"k-{i}" for i in range(5)} <= set(records)
    assert records["shared"].settings.concurrent_calls >= 5
    await store.close()
