"""Bearer tokens of other issuers: JWTs, judged here."""

import base64
import binascii
import hashlib
import math
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import orjson
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry

from server.errors import Unauthenticated
from server.identity.caller import Caller
from server.identity.issuer import ALGORITHMS, Issuer
from server.identity.jwks import FileSource, KeySet, PublicKey, UrlSource
from server.identity.rights import Rights

LONGEST_TOKEN = 8192
"""Bytes; metadata as a whole may not be much longer."""
CACHED_TOKENS = 4096

_LONGEST_SUBJECT = 256
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class _Token:
    """A token taken apart and believed in nothing yet."""

    signed: bytes
    signature: bytes
    header: dict[str, object]
    claims: dict[str, object]


class JwtVerifier:
    """Verifies JWTs against the configured issuers.

    Whatever a token's own claims condemn is refused before its issuer's keys are asked for. Each fault has a
    reason of its own; a token that passed is remembered, by the whole of its SHA-256, until it ends.
    """

    def __init__(
        self,
        issuers: Sequence[Issuer],
        fetch: Callable[[str], Awaitable[bytes]],
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        cached_tokens: int = CACHED_TOKENS,
    ) -> None:
        """``fetch`` GETs a JWKS URL; ``clock`` tells Unix seconds, ``timer`` seconds that never go back."""
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._key_sets = {
            issuer.issuer: KeySet(
                FileSource(issuer.jwks_file) if issuer.jwks_file else UrlSource(issuer.jwks_url, fetch), timer
            )
            for issuer in issuers
        }
        self._clock = clock
        self._cached_tokens = cached_tokens
        self._verified: OrderedDict[bytes, tuple[float, Caller]] = OrderedDict()

    async def verify(self, token: str) -> Caller:
        """The caller ``jwt:<issuer>#<subject>`` with the rights of the token's scopes.

        Raises ``Unauthenticated`` with the fault as its reason, or ``JwksUnavailable`` where only the issuer's
        unreachable keys could tell.
        """
        if len(token) > LONGEST_TOKEN:
            raise _malformed(f"is longer than {LONGEST_TOKEN} bytes")
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._recall(digest)
        if known is not None:
            return known
        parsed = _take_apart(token)
        algorithm = _algorithm(parsed.header)
        issuer = self._issuer(parsed.claims)
        if algorithm not in issuer.algorithms:
            raise _algorithm_refused()
        caller = _caller(issuer, parsed.claims, self._clock())
        kid = parsed.header.get("kid", "")
        if not isinstance(kid, str):
            raise _malformed("has a kid that is no text")
        keys = await self._key_sets[issuer.issuer].candidates(kid, algorithm)
        _check_signature(parsed, algorithm, keys)
        self._remember(digest, caller)
        return caller

    async def close(self) -> None:
        """Ends refreshes in progress."""
        for key_set in self._key_sets.values():
            await key_set.close()

    def _issuer(self, claims: dict[str, object]) -> Issuer:
        name = claims.get("iss")
        issuer = self._issuers.get(name) if isinstance(name, str) else None
        if issuer is None:
            raise Unauthenticated("the token's issuer (iss) is not trusted here", reason="TOKEN_ISSUER_UNKNOWN")
        return issuer

    def _recall(self, digest: bytes) -> Caller | None:
        found = self._verified.get(digest)
        if found is None:
            return None
        end, caller = found
        if self._clock() >= end:
            del self._verified[digest]  # judged again from the start, leeway included
            return None
        self._verified.move_to_end(digest)
        return caller

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._verified[digest] = (caller.expires_at or 0.0, caller)
        if len(self._verified) > self._cached_tokens:
            self._verified.popitem(last=False)


def _take_apart(token: str) -> _Token:
    if _COMPACT.fullmatch(token) is None:
        raise _malformed("is not three parts of base64url with dots between them")
    signed, _, signature = token.rpartition(".")
    header, _, claims = signed.partition(".")
    return _Token(signed.encode(), _decode(signature), _json_object(header), _json_object(claims))


def _decode(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise _malformed("has a part that is not base64url") from None


def _json_object(part: str) -> dict[str, object]:
    try:
        value = orjson.loads(_decode(part))
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise _malformed("has a header or claims that are no JSON object")
    return value


def _algorithm(header: dict[str, object]) -> str:
    name = header.get("alg")
    if not isinstance(name, str):
        raise _malformed("names no algorithm (alg)")
    if name.lower() == "none":
        raise Unauthenticated("the token is not signed (alg none)", reason="TOKEN_UNSIGNED")
    if name.upper().startswith("HS"):
        raise _key_confusion("its algorithm takes a shared secret, and issuers are known here by public keys")
    if name not in ALGORITHMS:
        raise _algorithm_refused()
    # RFC 7515, 4.1.11: an extension marked critical and not understood makes the token invalid; none is known here.
    if "crit" in header or "b64" in header:
        raise Unauthenticated("the token asks for header extensions (crit)", reason="TOKEN_EXTENSION_UNKNOWN")
    return name


def _caller(issuer: Issuer, claims: dict[str, object], now: float) -> Caller:
    _check_audience(issuer, claims.get("aud"))
    end = _check_times(claims, now, issuer.leeway)
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject or len(subject) > _LONGEST_SUBJECT or not subject.isprintable():
        raise Unauthenticated("the token names no usable subject (sub)", reason="TOKEN_SUBJECT_MISSING")
    rights = _rights(issuer, claims.get(issuer.scope_claim))
    return Caller(f"jwt:{issuer.issuer}#{subject}", rights, expires_at=end)


def _check_audience(issuer: Issuer, audience: object) -> None:
    named = audience if isinstance(audience, list) else [audience]
    if not any(name in issuer.audiences for name in named if isinstance(name, str)):
        raise Unauthenticated("the token was made for another audience (aud)", reason="TOKEN_AUDIENCE_INVALID")


def _check_times(claims: dict[str, object], now: float, leeway: float) -> float:
    end, start, made = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if end is None:
        raise _malformed("has no end (exp)")
    if now - leeway >= end:
        raise Unauthenticated("the token has expired (exp); get a new one", reason="TOKEN_EXPIRED")
    if start is not None and now + leeway < start:
        raise Unauthenticated("the token is not valid yet (nbf)", reason="TOKEN_NOT_YET_VALID")
    if made is not None and now + leeway < made:
        raise Unauthenticated("the token was made in the future (iat)", reason="TOKEN_NOT_YET_VALID")
    return end


def _time(claims: dict[str, object], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _malformed(f"has a time ({name}) that is no number")
    return float(value)


def _rights(issuer: Issuer, claim: object) -> Rights:
    names = claim.split() if isinstance(claim, str) else claim if isinstance(claim, list) else []
    granted = [issuer.scopes[name] for name in names if isinstance(name, str) and name in issuer.scopes]
    # A token without a scope known here is somebody who may do nothing: the call ends PERMISSION_DENIED.
    methods = dict.fromkeys(pattern for rights in granted for pattern in rights.methods)
    models = dict.fromkeys(pattern for rights in granted for pattern in rights.models)
    return Rights(tuple(methods), tuple(models))


def _check_signature(token: _Token, algorithm: str, keys: Sequence[PublicKey]) -> None:
    if not keys:
        raise Unauthenticated("the token's key (kid) is not one of its issuer's", reason="TOKEN_KEY_UNKNOWN")
    fitting = [key for key in keys if key.fits(algorithm)]
    if not fitting:
        raise _key_confusion("its algorithm (alg) is not one for the key it names (kid)")
    if not any(_verifies(token, algorithm, key) for key in fitting):
        raise Unauthenticated("the token's signature does not fit it", reason="TOKEN_SIGNATURE_INVALID")


def _verifies(token: _Token, algorithm: str, key: PublicKey) -> bool:
    # The model is taken from the registry's table, since get_alg warns of EdDSA, which most issuers still write.
    try:
        return JWSRegistry.algorithms[algorithm].verify(token.signed, token.signature, key.key)
    except (JoseError, ValueError):
        return False


def _malformed(what: str) -> Unauthenticated:
    return Unauthenticated(f"the token {what}", reason="TOKEN_MALFORMED")


def _algorithm_refused() -> Unauthenticated:
    return Unauthenticated(
        "the token's algorithm (alg) is not allowed for its issuer", reason="TOKEN_ALGORITHM_NOT_ALLOWED"
    )


def _key_confusion(why: str) -> Unauthenticated:
    return Unauthenticated(f"the token cannot be verified: {why}", reason="TOKEN_KEY_CONFUSION")
