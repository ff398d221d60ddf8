"""Tokens of an issuer, through the front door: the JWKS is fetched over HTTP, scopes become rights."""

import time
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.fake_provider import FakeProvider
from tests.running import ask, bearer, failure, running_hub

ISSUER = "https://login.example.com/"


def _issuer(url: str) -> dict[str, Any]:
    return {
        "issuer": ISSUER,
        "audiences": ["hub"],
        "jwks_url": url,
        "scopes": {
            "chat": {"methods": ["aignehub.v1.ChatService/*"], "models": ["sandbox/echo"]},
            "all": {"methods": ["aignehub.v1.*"], "models": ["*"]},
        },
    }


def _token(key: RSAKey, **claims: Any) -> str:
    now = int(time.time())
    values = {"iss": ISSUER, "aud": "hub", "sub": "svc-1", "iat": now, "exp": now + 60, "scope": "chat", **claims}
    return jwt.encode({"alg": "RS256", "kid": "k1"}, values, key)


async def test_a_token_is_worth_its_scopes(tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    stranger = RSAKey.generate_key(2048, {"kid": "k1"})

    async def jwks(_request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.as_dict(private=False)]})

    async with (
        FakeProvider(jwks) as server,
        running_hub(tmp_path, sandbox=True, auth={"issuers": [_issuer(f"{server.base_url}/jwks")]}) as hub,
    ):
        request = ask(model="sandbox/echo")
        for _ in range(2):
            await hub.chat.CreateChatCompletion(request, metadata=bearer(_token(key)), timeout=5)
        assert len(server.seen) == 1
        refused = {
            _token(key, exp=int(time.time()) - 120): "TOKEN_EXPIRED",
            _token(key, aud="other"): "TOKEN_AUDIENCE_INVALID",
            _token(key, iss="https://elsewhere.example.com/"): "TOKEN_ISSUER_UNKNOWN",
            _token(key, nbf=int(time.time()) + 600): "TOKEN_NOT_YET_VALID",
            _token(stranger): "TOKEN_SIGNATURE_INVALID",
        }
        for token, reason in refused.items():
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(request, metadata=bearer(token), timeout=5)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)
            assert token not in repr(raised.value)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(model="sandbox/story"), metadata=bearer(_token(key)), timeout=5)
        assert failure(raised.value).reason == "MODEL_NOT_ALLOWED"
        whole = bearer(_token(key, scope="all"))
        await hub.chat.CreateChatCompletion(ask(model="sandbox/story"), metadata=whole, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(request, metadata=bearer(_token(key, scope="none")), timeout=5)
        assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED


async def test_keys_out_of_reach_let_nobody_in(tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": "k1"})
    issuer = _issuer("http://127.0.0.1:1/jwks")
    async with running_hub(tmp_path, sandbox=True, auth={"issuers": [issuer]}) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=bearer(_token(key)), timeout=5)
        told = failure(raised.value)
        assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "JWKS_UNAVAILABLE")
        await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=hub.auth, timeout=5)
