"""The embedded database: one SQLite file, one connection, one thread of its own."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from server.errors import FailedPrecondition, Unavailable
from server.store.migrations import MIGRATIONS

T = TypeVar("T")
Stamp = tuple[tuple[int, int], ...]
"""When each of a database's files was last written to, in nanoseconds, and its size."""

_SETTLED_NS = 2_000_000_000
"""A file written to less long ago may be written to again under the same time: the coarsest clocks of file systems."""
_BUSY_SECONDS = 5.0  # another process, such as `hub keys … --offline`, holds the write lock for milliseconds


class SqliteDatabase:
    """A database file shared with other processes (WAL), durable at every commit (``synchronous=FULL``).

    All work runs in order on one worker thread, so the event loop never waits for a disk. A failure of the
    database is raised as ``Unavailable`` (STORE_UNAVAILABLE).
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, worker: ThreadPoolExecutor) -> None:
        """Use ``open``."""
        self._path = path
        self._connection = connection
        self._worker = worker
        self._closed = False
        self._files = (str(path), f"{path}-wal")

    @classmethod
    async def open(
        cls, path: Path, *, migrations: Sequence[Sequence[str]] = MIGRATIONS, busy_seconds: float = _BUSY_SECONDS
    ) -> "SqliteDatabase":
        """Opens the file, readable by its owner alone, making it and bringing it up to date where needed.

        Raises ``FailedPrecondition`` where it cannot be opened, is no database, or is of a newer release.
        """
        worker = ThreadPoolExecutor(1, thread_name_prefix="store")
        try:
            connection = await asyncio.get_running_loop().run_in_executor(
                worker, _connect, path, migrations, busy_seconds
            )
        except BaseException:
            worker.shutdown(wait=False)
            raise
        return cls(path, connection, worker)

    def stamp(self) -> Stamp | None:
        """The same as before where no process has written since; None while a write may still leave it the same.

        It reads what the kernel holds in memory of files that are open, so that the loop need not be left for it.
        """
        found = tuple(_stamp(file) for file in self._files)
        newest = max(written for written, _ in found)
        return found if newest < time.time_ns() - _SETTLED_NS else None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What ``work`` returns, run on the worker thread outside any transaction."""
        if self._closed:
            raise Unavailable("the key store is closed; the server is shutting down", reason="STORE_UNAVAILABLE")
        return await asyncio.get_running_loop().run_in_executor(self._worker, self._guarded, work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As ``run``, in one transaction that holds the write lock; whatever ``work`` raises undoes it."""
        return await self.run(lambda connection: _transact(connection, work))

    async def close(self) -> None:
        """Lets the file go once the work handed over is done."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._worker, self._connection.close)
        self._worker.shutdown(wait=False)

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            raise Unavailable(
                "the key store cannot be read or written just now; try again, and check the server's disk",
                reason="STORE_UNAVAILABLE",
            ) from error


def _stamp(file: str) -> tuple[int, int]:
    try:
        stat = os.stat(file)  # noqa: PTH116 - half of what a Path takes for it
    except OSError:
        return 0, 0
    return stat.st_mtime_ns, stat.st_size


def _connect(path: Path, migrations: Sequence[Sequence[str]], busy_seconds: float) -> sqlite3.Connection:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the mode of the main file, so this one decides for all.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None)
    except (OSError, sqlite3.Error) as error:
        raise _unusable(path, "cannot be opened; check the path and its permissions") from error
    try:
        _prepare(connection, path, migrations, busy_seconds)
    except sqlite3.Error as error:
        connection.close()
        raise _unusable(path, "is no SQLite database that can be used here, or its disk fails") from error
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(
    connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]], busy_seconds: float
) -> None:
    if _switch_to_wal(connection, busy_seconds) != "wal":
        raise _unusable(path, "lies on a file system without shared memory (a network share?); move it to a local disk")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if _version(connection) != len(migrations):
        _transact(connection, lambda inside: _migrate(inside, path, migrations))


def _switch_to_wal(connection: sqlite3.Connection, busy_seconds: float) -> str:
    # The switch does not wait for a lock as other statements do: two first starts at once would meet
    # "database is locked" (https://www.sqlite.org/wal.html, "Sometimes Queries Return SQLITE_BUSY In WAL Mode").
    end = time.monotonic() + busy_seconds
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]]) -> None:
    # Read again under the write lock: another process may have been first.
    done = _version(connection)
    if done > len(migrations):
        raise _unusable(path, f"was written by a newer release (schema {done}, this one knows {len(migrations)})")
    for step in migrations[done:]:
        for statement in step:
            connection.execute(statement)
    # PRAGMA takes no parameters; this is a number of our own.
    connection.execute(f"PRAGMA user_version = {len(migrations)}")


def _transact(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    # IMMEDIATE: the write lock is had, or waited for, before anything was read that could grow stale.
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # the failure that brought us here matters more; SQLite may have rolled back
            connection.execute("ROLLBACK")
        raise
    return result


def _unusable(path: Path, why: str) -> FailedPrecondition:
    return FailedPrecondition(f"database {path} {why}", reason="STORE_UNUSABLE")
