"""The public keys of issuers: fetched or read, kept, and refreshed when a token names one not seen yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import orjson
from joserfc import jwk
from joserfc.errors import JoseError

from server.errors import JwksUnavailable

REFRESH_SECONDS = 60.0
"""Tokens with made-up key ids must not turn the hub into a load on the issuer: one refresh in this time."""
STALE_SECONDS = 900.0
"""Keys older than this are fetched anew in the background, so that one withdrawn by its issuer goes."""
FETCH_SECONDS = 10.0

_LARGEST_SET = 1 << 20
_MOST_KEYS = 256
_SMALLEST_MODULUS = 342  # base64url characters of 2048 bits; RFC 7518, 3.3 asks for no less

_log = logging.getLogger(__name__)

# By algorithm: key type and, where it decides, curve. https://www.rfc-editor.org/rfc/rfc7518#section-3.1
_FITS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", "")),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One key of an issuer. ``kid`` is empty where the issuer gives it none."""

    kid: str
    kind: tuple[str, str]
    algorithm: str
    key: jwk.Key = field(repr=False)

    def fits(self, algorithm: str) -> bool:
        """Whether a signature of this algorithm is made with such a key."""
        return self.kind == _FITS[algorithm] and self.algorithm in ("", algorithm)


class Source(Protocol):
    """Where a key set comes from."""

    refresh_seconds: float
    """Unknown key ids ask the source no more often than this."""

    async def load(self) -> "tuple[PublicKey, ...] | None":
        """The keys; None where they are as they were. Raises anything."""
        ...


class UrlSource:
    """A key set on the web."""

    refresh_seconds = REFRESH_SECONDS

    def __init__(self, url: str, fetch: Callable[[str], Awaitable[bytes]]) -> None:
        """``fetch`` returns the body of a 200 and raises for all else."""
        self._url = url
        self._fetch = fetch

    async def load(self) -> tuple[PublicKey, ...] | None:
        """What the URL says now."""
        async with asyncio.timeout(FETCH_SECONDS):
            return read_key_set(await self._fetch(self._url))


class FileSource:
    """A key set on disk, read anew only when the file was replaced or written."""

    refresh_seconds = 1.0  # to look at a file costs its issuer nothing

    def __init__(self, path: Path) -> None:
        """Nothing is read yet."""
        self._path = path
        self._seen: tuple[int, int, int] | None = None

    async def load(self) -> tuple[PublicKey, ...] | None:
        """What the file holds now; None where it was not touched since."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> tuple[PublicKey, ...] | None:
        # Kubernetes swaps a symlink, so the inode changes where time and size may not.
        stat = self._path.stat()
        seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        if seen == self._seen:
            return None
        with self._path.open("rb") as file:
            keys = read_key_set(file.read(_LARGEST_SET + 1))
        self._seen = seen  # only now: a file that could not be understood is read again
        return keys


class KeySet:
    """The keys of one issuer. The last good set stays in use while a newer one cannot be had."""

    def __init__(self, source: Source, clock: Callable[[], float]) -> None:
        """``clock`` tells seconds that never go back."""
        self._source = source
        self._clock = clock
        self._keys: tuple[PublicKey, ...] = ()
        self._loaded_at: float | None = None
        self._tried_at: float | None = None
        self._tried_in_vain = False
        self._refresh: asyncio.Task[None] | None = None

    async def candidates(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        """The keys of this id, or those without any test of id where ``kid`` is empty; none for an unknown id.

        Raises ``JwksUnavailable`` where the key is not known and the set cannot be had to look for it.
        """
        found = self._find(kid, algorithm)
        if found:
            self._renew_if_stale()
            return found
        if self._refresh is None and not self._may_try():
            if self._tried_in_vain:
                raise self._unavailable()
            return ()
        first = self._loaded_at is None
        await self._refreshed()
        found = self._find(kid, algorithm)
        if found and first and not self._tried_in_vain:
            self._tried_at = None  # the first load answered no unknown id: the next one may still ask at once
        if not found and self._tried_in_vain:
            raise self._unavailable()
        return found

    async def close(self) -> None:
        """Ends a refresh in progress."""
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.gather(self._refresh, return_exceptions=True)

    def _find(self, kid: str, algorithm: str) -> tuple[PublicKey, ...]:
        if kid:
            return tuple(key for key in self._keys if key.kid == kid)
        return tuple(key for key in self._keys if key.fits(algorithm))

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self._source.refresh_seconds

    def _renew_if_stale(self) -> None:
        old = self._loaded_at is not None and self._clock() - self._loaded_at >= STALE_SECONDS
        if old and self._refresh is None and self._may_try():
            self._start_refresh()

    async def _refreshed(self) -> None:
        # All who wait share one refresh, and none of them ends it by going away.
        await asyncio.shield(self._refresh or self._start_refresh())

    def _start_refresh(self) -> asyncio.Task[None]:
        self._tried_at = self._clock()
        self._refresh = asyncio.create_task(self._load(), name="jwks-refresh")
        return self._refresh

    async def _load(self) -> None:
        try:
            keys = await self._source.load()
            if keys is not None:
                self._keys = keys
            self._tried_in_vain = False
            self._loaded_at = self._clock()
        except Exception as error:  # a fetch may fail in any way, and none of them may let a token in or end the hub
            self._tried_in_vain = True
            _log.warning("the keys of a token issuer cannot be had (%s)", type(error).__name__)
        finally:
            self._refresh = None

    def _unavailable(self) -> JwksUnavailable:
        interval = self._source.refresh_seconds
        passed = self._clock() - self._tried_at if self._tried_at is not None else interval
        return JwksUnavailable(
            "the issuer's keys cannot be had just now, so the token cannot be judged; try again shortly",
            retry_after=max(1.0, interval - passed),
        )


def read_key_set(content: bytes) -> tuple[PublicKey, ...]:
    """The keys for signatures in a JWK set; those of unknown or unfit kinds are left out (RFC 7517, 5).

    Raises ValueError where ``content`` is no key set.
    """
    if len(content) > _LARGEST_SET:
        raise ValueError("larger than a key set can be")
    document = orjson.loads(content)
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no JWK set")
    keys = (_public_key(entry) for entry in entries[:_MOST_KEYS] if isinstance(entry, dict))
    return tuple(key for key in keys if key is not None)


def _public_key(entry: dict[str, object]) -> PublicKey | None:
    kty, crv = entry.get("kty"), entry.get("crv", "")
    if (kty, crv) not in _FITS.values() or entry.get("use", "sig") != "sig":
        return None
    modulus = entry.get("n", "")
    if kty == "RSA" and not (isinstance(modulus, str) and len(modulus) >= _SMALLEST_MODULUS):
        return None
    # Only what makes the public key: a set may hold private parts by mistake, and members joserfc would refuse.
    public = {name: entry[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in entry}
    try:
        key = jwk.import_key(public)  # type: ignore[arg-type]  # the library checks every member
    except (JoseError, ValueError, TypeError):
        return None
    kid, algorithm = entry.get("kid", ""), entry.get("alg", "")
    if not isinstance(kid, str) or not isinstance(algorithm, str):
        return None
    return PublicKey(kid, (str(kty), str(crv)), algorithm, key)
