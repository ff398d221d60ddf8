"""Every key in memory: the answer to "who is this?" without a wait."""

import hashlib
import hmac
import math
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from server.errors import Unauthenticated
from server.identity.caller import Caller
from server.identity.key_format import KEY_LENGTH, parse
from server.identity.pepper import Pepper
from server.identity.rights import Rights
from server.store.base import KeyRecord

_MALFORMED = "the API key is malformed: check that all of it was copied, from hub_ to its end"
# One text for an unknown id and a wrong secret: which ids exist is nobody's business.
_UNKNOWN = "the API key is not valid here: check that it belongs to this server and was not rotated"
_MOST_PROVEN = 16_384
"""Keys that are remembered as proven, about 250 bytes each."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key made ready: two digests always, each with its end, so that every comparison costs the same."""

    record: KeyRecord | None
    caller: Caller | None
    digests: tuple[bytes, bytes] = field(repr=False)
    ends: tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Proven:
    """A secret that was found to be a key's: good while the key's entry is the same, and until its end."""

    key_id: str
    entry: _Entry
    caller: Caller
    end: float


class Keyring:
    """A snapshot of all keys, replaced or amended by the registry; safe on one event loop without locks."""

    def __init__(self, pepper: Pepper, clock: Callable[[], float] = time.time) -> None:
        """``clock`` tells Unix seconds."""
        self._pepper = pepper
        self._clock = clock
        self._filler = secrets.token_bytes(32)
        self._entries: dict[str, _Entry] = {}
        self._nobody = _Entry(None, None, (self._filler, self._filler), (-math.inf, -math.inf))
        # What was proven is found again by a mark that no secret can be told from and nobody outside can make: the
        # digest of the store and the checksum cost 15 of a call's 600 microseconds, this one.
        self._marker = hashlib.blake2b(key=secrets.token_bytes(32), digest_size=16)
        self._proven: dict[bytes, _Proven] = {}
        self._uses: dict[str, float] = {}
        self._written: dict[str, float] = {}
        self.lookups = 0
        """How often a key was looked up; a malformed one never is."""

    def authenticate(self, presented: str) -> Caller:
        """The caller behind a key.

        Raises ``Unauthenticated``: API_KEY_INVALID for a key that is malformed, unknown or wrong; and, to those
        who hold its secret alone, API_KEY_REVOKED, API_KEY_DISABLED or API_KEY_EXPIRED.
        """
        now = self._clock()
        proven = self._proven.get(mark := self._mark(presented))
        if proven is None or proven.entry is not self._entries.get(proven.key_id) or now >= proven.end:
            proven = self._proved(presented, mark, now)
        else:
            self.lookups += 1
        record = proven.entry.record
        ended = _end_of(record, now) if record is not None else None
        if ended is not None:
            raise ended
        self._uses[proven.key_id] = now
        return proven.caller

    def _proved(self, presented: str, mark: bytes, now: float) -> _Proven:
        key = parse(presented)
        if key is None:
            raise Unauthenticated(_MALFORMED)
        self.lookups += 1
        entry = self._entries.get(key.id, self._nobody)
        end = self._good_until(entry, key.text, now)
        if end is None or entry.caller is None:
            raise Unauthenticated(_UNKNOWN)
        if len(self._proven) >= _MOST_PROVEN:
            self._proven.clear()
        proven = self._proven[mark] = _Proven(key.id, entry, entry.caller, end)
        return proven

    def _mark(self, presented: str) -> bytes:
        marker = self._marker.copy()
        marker.update(presented[: KEY_LENGTH + 1].encode("utf-8", "surrogatepass"))
        return marker.digest()

    def accepts(self, presented: str) -> bool:
        """Whether the key works just now; unlike ``authenticate`` this is no use of it."""
        key = parse(presented)
        entry = self._entries.get(key.id) if key else None
        if key is None or entry is None or entry.record is None:
            return False
        now = self._clock()
        return self._good_until(entry, key.text, now) is not None and _end_of(entry.record, now) is None

    def replace(self, records: Iterable[KeyRecord]) -> None:
        """Takes a whole new snapshot."""
        self._entries = {record.id: self._entry(record) for record in records}

    def put(self, record: KeyRecord) -> None:
        """Adds one key, or takes its new state."""
        self._entries[record.id] = self._entry(record)

    def get(self, key_id: str) -> KeyRecord | None:
        """The key as it is now, None where there is none."""
        entry = self._entries.get(key_id)
        return entry.record if entry else None

    def records(self) -> list[KeyRecord]:
        """Every key, in no order."""
        return [entry.record for entry in self._entries.values() if entry.record]

    def last_use(self, record: KeyRecord) -> float | None:
        """When the key was last used, as far as memory and store know."""
        noted = self._uses.get(record.id)
        return max(noted, record.last_used_at or noted) if noted is not None else record.last_used_at

    def unwritten_uses(self) -> dict[str, float]:
        """When keys were last used, of those used since the store was told."""
        return {key_id: when for key_id, when in self._uses.items() if self._written.get(key_id) != when}

    def mark_written(self, uses: Mapping[str, float]) -> None:
        """The store has these now."""
        self._written.update(uses)

    def _good_until(self, entry: _Entry, text: str, now: float) -> float | None:
        """When the secret ends; None where it is none of the key's, or has ended."""
        digest = self._pepper.digest(text)
        first = hmac.compare_digest(digest, entry.digests[0]) & (now < entry.ends[0])
        second = hmac.compare_digest(digest, entry.digests[1]) & (now < entry.ends[1])
        return entry.ends[0] if first else entry.ends[1] if second else None

    def _entry(self, record: KeyRecord) -> _Entry:
        held = [(s.digest, math.inf if s.expires_at is None else s.expires_at) for s in record.secrets[:2]]
        held += [(self._filler, -math.inf)] * (2 - len(held))
        (first, first_end), (second, second_end) = held
        return _Entry(record, caller_of(record), (first, second), (first_end, second_end))


def caller_of(record: KeyRecord) -> Caller:
    """The identity a key stands for."""
    settings = record.settings
    return Caller(
        id=f"key:{record.id}",
        rights=Rights(settings.methods, settings.models),
        key_id=record.id,
        concurrent_calls=settings.concurrent_calls,
        expires_at=settings.expires_at,
        labels=settings.labels,
    )


def _end_of(record: KeyRecord, now: float) -> Unauthenticated | None:
    if record.revoked_at is not None:
        return Unauthenticated("the API key was revoked; ask for a new one", reason="API_KEY_REVOKED")
    if record.settings.disabled:
        return Unauthenticated("the API key is switched off; ask its administrator", reason="API_KEY_DISABLED")
    if record.settings.expires_at is not None and now >= record.settings.expires_at:
        return Unauthenticated("the API key has expired; ask for a new one", reason="API_KEY_EXPIRED")
    return None
