"""Keys in the embedded database."""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence

from server.store.base import KeyRecord, KeySettings, StoredSecret
from server.store.sqlite import SqliteDatabase, Stamp

_KEY_COLUMNS = (
    "id, display_name, methods, models, concurrent_calls, labels, expires_at, disabled,"
    " created_at, revoked_at, last_used_at"
)
_ALL_KEYS = f"SELECT {_KEY_COLUMNS} FROM keys"  # noqa: S608 - nothing but the column names above
_ONE_KEY = f"{_ALL_KEYS} WHERE id = ?"
_ADD_KEY = f"INSERT INTO keys ({_KEY_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING"  # noqa: S608
_EDIT_KEY = """
    UPDATE keys SET display_name = ?, methods = ?, models = ?, concurrent_calls = ?, labels = ?, expires_at = ?,
        disabled = ?, created_at = ?, revoked_at = ?, last_used_at = ? WHERE id = ?
"""
_ALL_SECRETS = "SELECT key_id, digest, redacted, created_at, expires_at FROM key_secrets"
# The newest has no end; a tie of times then cannot swap the two.
_NEWEST_FIRST = " ORDER BY expires_at IS NOT NULL, created_at DESC"

Row = tuple[object, ...]


class SqliteKeyStore:
    """``KeyStore`` over a database this object owns and closes."""

    def __init__(self, database: SqliteDatabase) -> None:
        """Takes the database over."""
        self._database = database
        self._seen_version: int | None = None
        self._seen_stamp: Stamp | None = None

    async def keys(self) -> Sequence[KeyRecord]:
        return await self._database.run(_read_all)

    async def add(self, record: KeyRecord) -> bool:
        return await self._database.write(lambda connection: _add(connection, record))

    async def edit(self, key_id: str, change: Callable[[KeyRecord], KeyRecord]) -> KeyRecord | None:
        return await self._database.write(lambda connection: _edit(connection, key_id, change))

    async def note_uses(self, uses: Mapping[str, float]) -> None:
        rows = [(when, key_id) for key_id, when in uses.items()]
        statement = "UPDATE keys SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?"
        await self._database.write(lambda connection: connection.executemany(statement, rows))

    async def drop_secrets(self, before: float) -> None:
        def drop(connection: sqlite3.Connection) -> None:
            # Looked for first, since most of the time there is none and a write would cost a sync to disk.
            if connection.execute("SELECT 1 FROM key_secrets WHERE expires_at <= ? LIMIT 1", (before,)).fetchone():
                connection.execute("DELETE FROM key_secrets WHERE expires_at <= ?", (before,))

        await self._database.run(drop)

    async def changed(self) -> bool:
        stamp = self._database.stamp()
        if stamp is not None and stamp == self._seen_stamp:
            return False
        # Moves when another connection commits, never for this one's own:
        # https://www.sqlite.org/pragma.html#pragma_data_version
        version = await self._database.run(lambda connection: connection.execute("PRAGMA data_version").fetchone()[0])
        known, self._seen_version = self._seen_version, version
        self._seen_stamp = stamp
        return known is not None and known != version

    async def remember(self, name: str, value: bytes) -> bytes:
        def remember(connection: sqlite3.Connection) -> bytes:
            connection.execute("INSERT INTO facts VALUES (?, ?) ON CONFLICT (name) DO NOTHING", (name, value))
            return bytes(connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()[0])

        return await self._database.write(remember)

    async def close(self) -> None:
        await self._database.close()


def _read_all(connection: sqlite3.Connection) -> list[KeyRecord]:
    # One read transaction, so that a key and its secrets are of the same moment.
    connection.execute("BEGIN")
    try:
        secrets: dict[str, list[StoredSecret]] = {}
        for key_id, *secret in connection.execute(_ALL_SECRETS + _NEWEST_FIRST):
            secrets.setdefault(key_id, []).append(StoredSecret(*secret))
        return [_record(row, secrets.get(row[0], ())) for row in connection.execute(_ALL_KEYS)]
    finally:
        connection.execute("COMMIT")


def _read_one(connection: sqlite3.Connection, key_id: str) -> KeyRecord | None:
    row = connection.execute(_ONE_KEY, (key_id,)).fetchone()
    if row is None:
        return None
    secrets = connection.execute(f"{_ALL_SECRETS} WHERE key_id = ? {_NEWEST_FIRST}", (key_id,))
    return _record(row, [StoredSecret(*secret) for _, *secret in secrets])


def _add(connection: sqlite3.Connection, record: KeyRecord) -> bool:
    if connection.execute(_ADD_KEY, _row(record)).rowcount == 0:
        return False
    _add_secrets(connection, record)
    return True


def _edit(connection: sqlite3.Connection, key_id: str, change: Callable[[KeyRecord], KeyRecord]) -> KeyRecord | None:
    before = _read_one(connection, key_id)
    if before is None:
        return None
    after = change(before)
    if after == before:
        return before
    _, *columns = _row(after)
    connection.execute(_EDIT_KEY, (*columns, key_id))
    if after.secrets != before.secrets:
        connection.execute("DELETE FROM key_secrets WHERE key_id = ?", (key_id,))
        _add_secrets(connection, after)
    return after


def _add_secrets(connection: sqlite3.Connection, record: KeyRecord) -> None:
    connection.executemany(
        "INSERT INTO key_secrets (key_id, digest, redacted, created_at, expires_at) VALUES (?,?,?,?,?)",
        [(record.id, s.digest, s.redacted, s.created_at, s.expires_at) for s in record.secrets],
    )


def _row(record: KeyRecord) -> Row:
    settings = record.settings
    return (
        record.id,
        settings.display_name,
        json.dumps(settings.methods),
        json.dumps(settings.models),
        settings.concurrent_calls,
        json.dumps(dict(settings.labels)),
        settings.expires_at,
        int(settings.disabled),
        record.created_at,
        record.revoked_at,
        record.last_used_at,
    )


def _record(
    row: tuple[str, str, str, str, int, str, float | None, int, float, float | None, float | None],
    secrets: Sequence[StoredSecret],
) -> KeyRecord:
    key_id, name, methods, models, concurrent_calls, labels, expires_at, disabled, created_at, revoked_at, used = row
    settings = KeySettings(
        display_name=name,
        methods=tuple(json.loads(methods)),
        models=tuple(json.loads(models)),
        concurrent_calls=concurrent_calls,
        labels=tuple(sorted(json.loads(labels).items())),
        expires_at=expires_at,
        disabled=bool(disabled),
    )
    return KeyRecord(key_id, settings, created_at, tuple(secrets), revoked_at, used)
