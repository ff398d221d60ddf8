"""How the hub proves itself to AWS: a bearer token, an access key that signs, or whatever the machine has."""

import asyncio
from collections.abc import Awaitable, Mapping
from datetime import UTC, datetime
from threading import Lock
from time import monotonic
from typing import Any, Protocol

from server.errors import ProviderCredentialInvalid
from server.transport.credentials.sigv4 import AwsKey, read_key, sign
from server.transport.endpoint import Authorize, Credential, Outgoing

CHAIN = Credential("aws-chain")
"""Stands for what the machine itself has: profiles, web identities, roles of containers and instances."""

_CHAIN_SECONDS = 10.0
"""Longest wait for the chain; it asks metadata services and token services, each with waits of its own."""
_KEPT_SECONDS = 60.0
"""How long a key of the chain is used unasked: botocore renews lent keys 10 minutes before they end."""


class AwsSession(Protocol):
    """A session of botocore, as far as it is needed."""

    def get_credentials(self) -> Any:
        """Credentials that renew themselves; None where there are none."""


class CredentialChain:
    """The key that AWS's own clients would use on this machine: asked in a thread, renewed before it ends."""

    def __init__(self, session: AwsSession) -> None:
        self._session = session
        self._lock = Lock()
        self._credentials: Any = None
        self._key: AwsKey | None = None
        self._fresh_until = 0.0

    async def key(self) -> AwsKey:
        """Raises ProviderCredentialInvalid where the machine has none, or they cannot be had in time."""
        if self._key is not None and monotonic() < self._fresh_until:
            return self._key
        try:
            async with asyncio.timeout(_CHAIN_SECONDS):
                return await asyncio.to_thread(self._ask)
        except ProviderCredentialInvalid:
            raise
        except Exception:  # whatever botocore and the services behind it raise may quote a credential
            raise _no_key() from None

    def _ask(self) -> AwsKey:
        with self._lock:
            if self._credentials is None:
                self._credentials = self._session.get_credentials()
            if self._credentials is None:
                raise _no_key()
            frozen = self._credentials.get_frozen_credentials()
            self._key = AwsKey(frozen.access_key, frozen.secret_key, frozen.token or "")
            self._fresh_until = monotonic() + _KEPT_SECONDS
            return self._key


def _no_key() -> ProviderCredentialInvalid:
    return ProviderCredentialInvalid("AWS's credential chain gave the hub no key; tell the operator")


def machine_chain() -> CredentialChain:
    """The chain of this machine. Raises ValueError where botocore is not installed."""
    try:
        from botocore.session import get_session  # noqa: PLC0415 - heavy, and optional
    except ImportError:
        raise ValueError("needs botocore; install the hub with its extra, aignehub[aws]") from None
    return CredentialChain(get_session())


def aws(service: str, region: str, chain: CredentialChain | None = None) -> Authorize:
    """By the credential: an access key signs, any other secret is a bearer token, and CHAIN asks ``chain``."""

    def authorize(credential: Credential, outgoing: Outgoing) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        if credential == CHAIN and chain is not None:
            return _by_chain(chain, outgoing)
        if (key := read_key(credential.secret)) is not None:
            return sign(key, outgoing, service=service, region=region, now=datetime.now(UTC))
        return {"Authorization": f"Bearer {credential.secret}"} if credential.secret else {}

    async def _by_chain(chain: CredentialChain, outgoing: Outgoing) -> Mapping[str, str]:
        return sign(await chain.key(), outgoing, service=service, region=region, now=datetime.now(UTC))

    return authorize
