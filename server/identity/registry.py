"""Keys as their administrators see them: made, changed, rotated, revoked."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from server.errors import FailedPrecondition, HubError, KeyNotFound
from server.identity import key_format, paging
from server.identity.caller import Caller
from server.identity.grants import check_end, check_grant, check_reach, check_settings, check_take, with_defaults
from server.identity.key_format import ParsedKey
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.store.base import KeyRecord, KeySettings, KeyStore, StoredSecret

T = TypeVar("T")

POLL_SECONDS = 0.5
"""How often the store is asked for another process's change: seen within a second."""
FLUSH_SECONDS = 30.0
"""How often last uses go to the store; a crash loses no more of them than this."""
LONGEST_GRACE_SECONDS = 30 * 86400.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key together with its secret, which is told this once."""

    record: KeyRecord
    secret: str = field(repr=False)


class KeyRegistry:
    """Every operation on keys, each within the rights of its caller.

    A change is durable before it shows in the keyring, and shows there before the operation returns: a revoked
    key fails from the next call on. A caller that goes away does not undo or split a change begun.
    """

    def __init__(
        self,
        store: KeyStore,
        keyring: Keyring,
        pepper: Pepper,
        *,
        clock: Callable[[], float] = time.time,
        poll_seconds: float = POLL_SECONDS,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        """Owns the store from here on: ``close`` closes it. ``clock`` tells Unix seconds."""
        self.keyring = keyring
        self._store = store
        self._pepper = pepper
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._flush_seconds = flush_seconds
        self._closed = False
        self._behind = False
        """Whether the store is known to have changed since it was last read."""
        self._order = asyncio.Lock()
        self._loops: list[asyncio.Task[None]] = []
        self._changes: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Fills the keyring and keeps it true until ``close``.

        Raises ``FailedPrecondition`` (PEPPER_MISMATCH) where the pepper is not the one the keys were made with,
        since then none of them would work. Where it raises, the store is let go.
        """
        try:
            await self._load()
        except BaseException:
            await self._store.close()
            raise
        self._loops = [
            asyncio.create_task(self._every(self._poll_seconds, self._poll), name="keys-poll"),
            asyncio.create_task(self._every(self._flush_seconds, self.flush), name="keys-flush"),
        ]

    async def _load(self) -> None:
        mark = self._pepper.digest("the pepper of this database")
        if await self._store.remember("pepper_mark", mark) != mark:
            raise FailedPrecondition(
                "the pepper file is not the one this key database was made with, so no key would work; "
                "restore the pepper file from a backup",
                reason="PEPPER_MISMATCH",
            )
        await self._store.changed()  # from here on; what changes while keys are read shows at the next poll
        await self.refresh()

    async def close(self) -> None:
        """Finishes changes in progress, writes the last uses and lets the store go; safe to repeat."""
        if self._closed:
            return
        self._closed = True
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, *self._changes, return_exceptions=True)
        try:
            await self.flush()
        except HubError:
            _log.warning("the last uses of keys could not be written")
        await self._store.close()

    async def refresh(self) -> None:
        """Reads all keys anew."""
        async with self._order:
            self.keyring.replace(await self._store.keys())

    async def flush(self) -> None:
        """Writes last uses, and forgets secrets whose grace is over."""
        uses = self.keyring.unwritten_uses()
        if uses:
            await self._store.note_uses(uses)
            self.keyring.mark_written(uses)
        await self._store.drop_secrets(self._clock())

    async def create(self, caller: Caller, settings: KeySettings) -> IssuedKey:
        """A new key. Empty methods mean the data plane, empty models all of them."""
        issued = await self.admit(caller, settings, key_format.make())
        if issued is None:  # 95 random bits met twice
            raise FailedPrecondition("the new key's id is taken; try again", reason="KEY_ID_TAKEN")
        return issued

    async def admit(self, caller: Caller, settings: KeySettings, key: ParsedKey) -> IssuedKey | None:
        """Takes a key whose text was made elsewhere; None, with nothing changed, where its id is known."""
        settings = with_defaults(settings)
        now = self._clock()
        check_settings(settings)
        check_end(settings.expires_at, now)
        check_grant(caller, settings)
        record = KeyRecord(key.id, settings, now, (self._stored(key, now),))

        async def add() -> IssuedKey | None:
            if not await self._store.add(record):
                return None
            self.keyring.put(record)
            return IssuedKey(record, key.text)

        return await self._change(add())

    def get(self, key_id: str) -> KeyRecord:
        """One key; ``last_used_at`` is up to date. Raises ``KeyNotFound``."""
        record = self.keyring.get(key_id)
        if record is None:
            raise _not_found()
        return replace(record, last_used_at=self.keyring.last_use(record))

    def list(self, page_size: int = 0, page_token: str = "") -> paging.Page:
        """Keys newest first, revoked ones included; ``InvalidArgument`` for a token that is not ours."""
        page = paging.cut(self.keyring.records(), page_size, page_token)
        records = tuple(replace(r, last_used_at=self.keyring.last_use(r)) for r in page.records)
        return paging.Page(records, page.next_token)

    async def update(self, caller: Caller, key_id: str, edit: Callable[[KeySettings], KeySettings]) -> KeyRecord:
        """Changes a key's settings. ``edit`` may run on another thread.

        The caller needs every method and model that the key has, and every right that the change adds.
        """
        now = self._clock()

        def change(record: KeyRecord) -> KeyRecord:
            check_reach(caller, record.settings)
            _refuse_revoked(record)
            settings = with_defaults(edit(record.settings))
            check_settings(settings)
            if settings.expires_at != record.settings.expires_at:
                check_end(settings.expires_at, now)
            check_grant(caller, settings, record.settings)
            return replace(record, settings=settings)

        return await self._edit(key_id, change)

    async def rotate(self, caller: Caller, key_id: str, grace_seconds: float = 0.0) -> IssuedKey:
        """A new secret; the present one works for the grace time, and any older one no more.

        Whoever rotates holds the key afterwards, so it must not exceed the caller in anything, time included.
        """
        now = self._clock()
        fresh = key_format.renew(key_id)
        grace = min(max(grace_seconds, 0.0), LONGEST_GRACE_SECONDS)

        def change(record: KeyRecord) -> KeyRecord:
            check_take(caller, record.settings)
            _refuse_revoked(record)
            if record.settings.expires_at is not None and now >= record.settings.expires_at:
                raise FailedPrecondition("the key has expired; move its expire_time first", reason="KEY_EXPIRED")
            old = tuple(replace(s, expires_at=now + grace) for s in record.secrets[:1] if grace > 0)
            return replace(record, secrets=(self._stored(fresh, now), *old))

        return IssuedKey(await self._edit(key_id, change), fresh.text)

    async def revoke(self, caller: Caller, key_id: str) -> KeyRecord:
        """Ends a key for good; ending it again changes nothing."""
        now = self._clock()

        def change(record: KeyRecord) -> KeyRecord:
            check_reach(caller, record.settings)
            return record if record.revoked_at is not None else replace(record, revoked_at=now)

        return await self._edit(key_id, change)

    def _stored(self, key: ParsedKey, now: float) -> StoredSecret:
        return StoredSecret(self._pepper.digest(key.text), key.redacted, now)

    async def _edit(self, key_id: str, change: Callable[[KeyRecord], KeyRecord]) -> KeyRecord:
        async def edit() -> KeyRecord:
            record = await self._store.edit(key_id, change)
            if record is None:
                raise _not_found()
            self.keyring.put(record)
            return replace(record, last_used_at=self.keyring.last_use(record))

        return await self._change(edit())

    async def _change(self, work: Coroutine[Any, Any, T]) -> T:
        # A task of its own, out of reach of the caller's cancellation: a change that is in the store but not in
        # the keyring would never be noticed, since data_version does not tell a connection of its own commits.
        async def in_order() -> T:
            async with self._order:
                return await work

        task = asyncio.create_task(in_order())
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _poll(self) -> None:
        self._behind = await self._store.changed() or self._behind
        if self._behind:
            await self.refresh()
            self._behind = False

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        told = -math.inf
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Exception as error:  # whatever it is, the next try must come, or revocations go unseen
                # The keys known so far go on working; said once a minute, not at each try.
                if self._clock() - told >= 60:
                    told = self._clock()
                    _log.warning("the key store fails (%s); the keys read last stay in force", type(error).__name__)


def _refuse_revoked(record: KeyRecord) -> None:
    if record.revoked_at is not None:
        raise FailedPrecondition("the key was revoked, which is final; create a new one", reason="KEY_REVOKED")


def _not_found() -> KeyNotFound:
    return KeyNotFound("no key has this id; ListKeys shows those there are")
