"""A clock to turn, and a registry over a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.identity.caller import Caller
from server.identity.grants import ADMIN_METHODS
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.identity.registry import KeyRegistry
from server.identity.rights import Rights
from server.store.sqlite import SqliteDatabase
from server.store.sqlite_keys import SqliteKeyStore

ADMIN = Caller("key:admin", Rights(ADMIN_METHODS, ("*",)), key_id="admin")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def make_registry(folder: Path, clock: Clock, *, poll_seconds: float = 0.05) -> KeyRegistry:
    pepper = Pepper.load(folder / "pepper")
    store = SqliteKeyStore(await SqliteDatabase.open(folder / "hub.db"))
    registry = KeyRegistry(store, Keyring(pepper, clock), pepper, clock=clock, poll_seconds=poll_seconds)
    await registry.start()
    return registry


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[KeyRegistry]:
    registry = await make_registry(tmp_path, clock)
    yield registry
    await registry.close()
