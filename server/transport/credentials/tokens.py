"""Access tokens: fetched from a service, kept while they are good, renewed before they end or when one is refused."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from server.errors import HubError, ProviderCredentialInvalid, ProviderUnavailable
from server.transport.endpoint import Authorize, Credential, Fetch, Outgoing

_SPARE_SECONDS = 300.0
"""A token is renewed this long before it ends, so that a long request does not outlive it."""

_REST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Token:
    """``seconds`` is how long it is good for."""

    value: str = field(repr=False)
    seconds: float
    headers: Mapping[str, str] = field(default_factory=dict)
    """What goes along with it."""


class Source(Protocol):
    """Where tokens of one credential come from."""

    async def token(self, fetch: Fetch) -> Token:
        """A fresh one. Raises HubError."""


class Tokens:
    """The token of one credential, renewed by one caller at a time.

    One that cannot be renewed is used to its end; a service that gave none is left alone for a moment.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._lock = asyncio.Lock()
        self._headers: Mapping[str, str] = {}
        self._fresh_until = 0.0
        self._ends = 0.0
        self._failure: HubError | None = None
        self._rests_until = 0.0

    @property
    def held(self) -> Mapping[str, str]:
        """The headers that carry it; empty where it must be fetched."""
        return self._headers if monotonic() < self._fresh_until else {}

    async def fetched(self, fetch: Fetch) -> Mapping[str, str]:
        """The same, fetched where nobody did meanwhile. Raises HubError."""
        async with self._lock:
            if held := self.held:
                return held
            if self._failure is not None and monotonic() < self._rests_until:
                raise type(self._failure)(self._failure.message)
            asked = monotonic()
            try:
                token = await self._source.token(fetch)
            except HubError as error:
                return self._kept(error)
            self._headers = {"Authorization": f"Bearer {token.value}", **token.headers}
            self._fresh_until = asked + max(token.seconds - _SPARE_SECONDS, token.seconds / 2)
            self._ends = asked + token.seconds
            return self._headers

    def _kept(self, error: HubError) -> Mapping[str, str]:
        now = monotonic()
        if now + _REST_SECONDS < self._ends:
            self._fresh_until = now + _REST_SECONDS
            return self._headers
        if isinstance(error, ProviderCredentialInvalid | ProviderUnavailable):
            # Another failure, such as a deadline, is the caller's own.
            self._failure, self._rests_until = error, now + _REST_SECONDS
        raise error

    def forget(self, authorization: str) -> None:
        """Fetches anew for the next request, where this is what the token goes as."""
        if self._headers.get("Authorization") == authorization:
            self._fresh_until = self._ends = 0.0


class ByToken:
    """An Authorize that sends tokens for the credentials that have a source of them, and for others a plain key."""

    def __init__(self, source: Callable[[Credential], Source | None], key: Authorize) -> None:
        """``source`` says None for a plain key, which ``key`` puts into headers."""
        self._source = source
        self._key = key
        self._found: dict[Credential, Tokens] = {}

    def __call__(self, credential: Credential, outgoing: Outgoing) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        """See Authorize."""
        tokens = self._found.get(credential)
        if tokens is None:
            source = self._source(credential)
            if source is None:
                return self._key(credential, outgoing)
            tokens = self._found[credential] = Tokens(source)
        return tokens.held or tokens.fetched(outgoing.fetch)

    def forget(self, credential: Credential, authorization: str) -> bool:
        """See KeepsTokens."""
        tokens = self._found.get(credential)
        if tokens is None or not authorization:
            return False
        tokens.forget(authorization)
        return True
