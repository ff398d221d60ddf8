"""An issuer of tokens for tests: its keys, what it signs, and what becomes of that."""

import asyncio
import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from joserfc import jwk
from joserfc.jws import JWSRegistry

from server.errors import Unauthenticated
from server.identity.rights import Rights
from server.identity.tokens import JwtVerifier
from tests.unit.identity.clock import Clock

ISSUER = "https://login.example/realm"
RSA = jwk.RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
RSA_OTHER = jwk.RSAKey.generate_key(2048, {"kid": "rsa-2"})
EC = jwk.ECKey.generate_key("P-256", {"kid": "ec-1"})
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "ed-1"})
CHAT = Rights(("aignehub.v1.ChatService/*",), ("openai/*",))
BOTH = Rights(("aignehub.v1.ChatService/*", "aignehub.v1.EmbeddingService/*"), ("openai/*", "mistral/*"))
SCOPES = {"chat": CHAT, "embed": Rights(("aignehub.v1.EmbeddingService/*",), ("mistral/*", "openai/*"))}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_by(signed: str, algorithm: str, key: jwk.Key) -> str:
    return f"{signed}.{b64(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


class Desk:
    """An issuer at work: makes tokens and serves its keys over real HTTP."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.keys: list[jwk.Key] = [RSA, EC, ED]
        self.raw: bytes | None = None
        self.status = 200
        self.delay = 0.0
        self.fetches = 0
        self.url = ""

    async def serve(self, _: web.Request) -> web.Response:
        self.fetches += 1
        await asyncio.sleep(self.delay)
        return web.Response(body=self.raw if self.raw is not None else self.key_set(), status=self.status)

    def key_set(self) -> bytes:
        return json.dumps({"keys": [key.as_dict(private=False) for key in self.keys]}).encode()

    def claims(self, **changes: object) -> dict[str, object]:
        now = int(self.clock.now)
        claims: dict[str, object] = {
            "iss": ISSUER, "aud": "hub", "sub": "alice", "exp": now + 600, "iat": now, "scope": "chat",
        }  # fmt: skip
        claims.update(changes)
        return {name: value for name, value in claims.items() if value is not ...}

    def token(
        self, *, alg: str = "RS256", key: jwk.Key = RSA, kid: object = "rsa-1", header: Any = None, **claims: object
    ) -> str:
        head = {"alg": alg, "typ": "JWT", "kid": kid, **(header or {})}
        head = {name: value for name, value in head.items() if value is not ...}
        signed = f"{b64(json.dumps(head).encode())}.{b64(json.dumps(self.claims(**claims)).encode())}"
        return signed_by(signed, alg if alg in JWSRegistry.algorithms else "RS256", key)


Make = Callable[..., JwtVerifier]


async def reason_of(verifier: JwtVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(token)
    assert token not in caught.value.message
    return caught.value.reason
