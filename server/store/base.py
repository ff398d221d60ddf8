"""What the hub asks of a store, whatever database is behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class KeySettings:
    """The part of a key that its administrator may change. Times are Unix seconds."""

    display_name: str = ""
    methods: tuple[str, ...] = ()
    """``package.*``, ``package.Service/*`` or ``package.Service/Method``."""
    models: tuple[str, ...] = ()
    """``provider/name``, with ``*`` allowed at the end, or ``*``."""
    concurrent_calls: int = 0
    """Most calls at once; 0 leaves it to the hub's default."""
    labels: tuple[tuple[str, str], ...] = ()
    """Sorted by name."""
    expires_at: float | None = None
    """None where the key does not end by itself."""
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """What is kept of one secret: enough to recognise it, not enough to present it."""

    digest: bytes = field(repr=False)
    redacted: str = ""
    """First and last characters of the whole key, for people to tell keys apart."""
    created_at: float = 0.0
    expires_at: float | None = None
    """End of its grace once a newer secret took its place; None for the newest."""


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One key as stored. Times are Unix seconds."""

    id: str
    settings: KeySettings
    created_at: float
    secrets: tuple[StoredSecret, ...] = ()
    """Newest first, two at most."""
    revoked_at: float | None = None
    last_used_at: float | None = None


class KeyStore(Protocol):
    """Keys at rest. Every method raises ``Unavailable`` (STORE_UNAVAILABLE) where the database cannot serve it.

    A method that has returned is durable.
    """

    async def keys(self) -> Sequence[KeyRecord]:
        """Every key there ever was, revoked ones included."""
        ...

    async def add(self, record: KeyRecord) -> bool:
        """False, and nothing written, where a key of this id exists."""
        ...

    async def edit(self, key_id: str, change: Callable[[KeyRecord], KeyRecord]) -> KeyRecord | None:
        """Reads the key, applies ``change`` and writes the result as one transaction; None for an unknown id.

        ``change`` may run on another thread; what it raises is raised here, with nothing written.
        """
        ...

    async def note_uses(self, uses: Mapping[str, float]) -> None:
        """Records when keys (by id) were last used; an older time never replaces a newer one."""
        ...

    async def drop_secrets(self, before: float) -> None:
        """Forgets the secrets whose grace ended before this time."""
        ...

    async def changed(self) -> bool:
        """True once after another process or connection has written."""
        ...

    async def remember(self, name: str, value: bytes) -> bytes:
        """The value first remembered under this name, which is ``value`` where there was none."""
        ...

    async def close(self) -> None:
        """Waits for work in progress and lets the database go; safe to repeat."""
        ...
