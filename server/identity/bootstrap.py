"""The first administrator's key, for a hub that nobody can ask yet."""

import asyncio
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from server.errors import FailedPrecondition
from server.identity import key_format
from server.identity.grants import ADMIN_METHODS, OPERATOR
from server.identity.key_format import ParsedKey
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.identity.private_file import create_private
from server.identity.registry import KeyRegistry
from server.identity.rights import EVERY_MODEL
from server.store.base import KeySettings
from server.store.sqlite import SqliteDatabase
from server.store.sqlite_keys import SqliteKeyStore

_LONGEST_FILE = 4096


class Outcome(Enum):
    """What became of a bootstrap file."""

    CREATED = "created"
    """The file was made, with a new key."""
    IMPORTED = "imported"
    """The file was there and its key is known from now on."""
    UNCHANGED = "unchanged"
    """The file's key was known and works."""
    STALE = "stale"
    """The file's key is known but was rotated, revoked, disabled or has expired; it stays so."""


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """The key that a bootstrap file names."""

    key_id: str
    outcome: Outcome


async def open_registry(folder: Path) -> KeyRegistry:
    """The registry over the local database of a data folder, made at first use; beside a running server too.

    It is not started yet.

    Raises ``FailedPrecondition`` naming the file that cannot be used.
    """
    secret = await asyncio.to_thread(Pepper.load, folder / "pepper")
    store = SqliteKeyStore(await SqliteDatabase.open(folder / "hub.db"))
    return KeyRegistry(store, Keyring(secret), secret)


def admin_settings(display_name: str = "admin") -> KeySettings:
    """A key for everything the hub's own contract offers, on every model, without end."""
    return KeySettings(display_name=display_name, methods=ADMIN_METHODS, models=(EVERY_MODEL,))


async def bootstrap(registry: KeyRegistry, path: Path) -> Bootstrapped:
    """Makes the key in ``path`` an administrator's; writes the file (mode 0600) with a new key where there is none.

    Repeating it changes nothing, and never brings a revoked or rotated key back. Raises ``FailedPrecondition``
    (BOOTSTRAP_KEY_UNUSABLE) where the file holds no well-formed key.
    """
    key, made = await asyncio.to_thread(_read_or_make, path)
    if await registry.admit(OPERATOR, admin_settings("bootstrap"), key):
        return Bootstrapped(key.id, Outcome.CREATED if made else Outcome.IMPORTED)
    return Bootstrapped(key.id, Outcome.UNCHANGED if registry.keyring.accepts(key.text) else Outcome.STALE)


def _read_or_make(path: Path) -> tuple[ParsedKey, bool]:
    try:
        # The file first, the store second: a crash between the two leaves a file that the next start imports.
        made = not path.exists() and create_private(path, key_format.make().text.encode() + b"\n")
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE)
    except OSError as error:
        raise _unusable(path, "cannot be read or made; check the path and its permissions") from error
    key = key_format.parse(content.decode("utf-8", "replace").strip())
    if key is None:
        raise _unusable(path, "holds no key of the form hub_…; remove it, and the next start writes a new one")
    return key, made


def _unusable(path: Path, why: str) -> FailedPrecondition:
    return FailedPrecondition(f"bootstrap key file {path} {why}", reason="BOOTSTRAP_KEY_UNUSABLE")
