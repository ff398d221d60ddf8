"""From the metadata of a call to its caller."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from server.errors import Unauthenticated
from server.identity.caller import Caller
from server.identity.issuer import Issuer
from server.identity.key_format import PREFIX
from server.identity.keyring import Keyring

Fetch = Callable[[str], Awaitable[bytes]]
"""GETs a URL and returns the body of a 200; raises whatever it likes for anything else."""

_REMEDY = "send `authorization: Bearer <key>` or `x-api-key: <key>` as metadata"


class TokenVerifier(Protocol):
    """Judges bearer tokens of other issuers."""

    async def verify(self, token: str) -> Caller:
        """The caller behind a JWT; ``Unauthenticated`` with a TOKEN_… reason, or ``JwksUnavailable``."""
        ...

    async def close(self) -> None:
        """Ends what runs in the background."""
        ...


def token_verifier(issuers: Sequence[Issuer], fetch: Fetch) -> TokenVerifier | None:
    """The verifier for these issuers; None where there are none."""
    if not issuers:
        return None
    # Imported here: joserfc and cryptography cost 15 MB that a hub without issuers does not pay.
    from server.identity.tokens import JwtVerifier  # noqa: PLC0415

    return JwtVerifier(issuers, fetch)


class Authenticator:
    """Tells who calls, from metadata alone."""

    def __init__(self, keyring: Keyring, tokens: TokenVerifier | None = None) -> None:
        """``tokens`` is None where no issuer is configured."""
        self._keyring = keyring
        self._tokens = tokens

    async def authenticate(self, metadata: Sequence[tuple[str, str | bytes]]) -> Caller:
        """The caller; raises ``Unauthenticated``, or ``JwksUnavailable`` for a token nobody can judge just now.

        A key is judged without waiting for anything.
        """
        bearer = api_key = None
        for name, value in metadata:
            if name == "authorization":
                bearer = _once(bearer, _bearer(value), name)
            elif name == "x-api-key":
                api_key = _once(api_key, _text(value), name)
        if bearer is not None and api_key is not None and bearer != api_key:
            raise Unauthenticated("authorization and x-api-key differ; send one of them")
        if bearer is not None and _is_jwt(bearer):
            return await self._verify(bearer)
        presented = bearer or api_key
        if not presented:
            raise Unauthenticated(f"no API key was sent; {_REMEDY}", reason="API_KEY_MISSING")
        return self._keyring.authenticate(presented)

    async def _verify(self, token: str) -> Caller:
        if self._tokens is None:
            raise Unauthenticated(
                "a JWT was sent, and this server has no token issuer configured; use an API key (hub_…)",
                reason="TOKEN_ISSUER_UNKNOWN",
            )
        return await self._tokens.verify(token)


def _once(seen: str | None, value: str, name: str) -> str:
    if seen is not None:
        raise Unauthenticated(f"{name} was sent more than once; send it once")
    return value


def _text(value: str | bytes) -> str:
    # gRPC gives bytes for -bin names alone, so these are never ours; an undecodable one is merely a wrong key.
    return (value if isinstance(value, str) else value.decode("utf-8", "replace")).strip()


def _bearer(value: str | bytes) -> str:
    scheme, _, credential = _text(value).partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthenticated(f"authorization must be of the scheme Bearer; {_REMEDY}")
    return credential.strip()


def _is_jwt(credential: str) -> bool:
    return credential.count(".") == 2 and not credential.startswith(PREFIX)
