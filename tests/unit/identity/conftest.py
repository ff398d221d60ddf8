"""A clock to turn, a registry over a real database, and an issuer of tokens over real HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from server.identity.caller import Caller
from server.identity.grants import ADMIN_METHODS
from server.identity.issuer import Issuer
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.identity.registry import KeyRegistry
from server.identity.rights import Rights
from server.identity.tokens import JwtVerifier
from server.store.sqlite import SqliteDatabase
from server.store.sqlite_keys import SqliteKeyStore
from tests.unit.identity.clock import Clock
from tests.unit.identity.desk import ISSUER, SCOPES, Desk, Make

ADMIN = Caller("key:admin", Rights(ADMIN_METHODS, ("*",)), key_id="admin")


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def make_registry(folder: Path, clock: Clock, *, poll_seconds: float = 0.05) -> KeyRegistry:
    pepper = Pepper.load(folder / "pepper")
    store = SqliteKeyStore(await SqliteDatabase.open(folder / "hub.db"))
    registry = KeyRegistry(store, Keyring(pepper, clock), pepper, clock=clock, poll_seconds=poll_seconds)
    await registry.start()
    return registry


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[KeyRegistry]:
    registry = await make_registry(tmp_path, clock)
    yield registry
    await registry.close()


@pytest.fixture
async def desk(clock: Clock) -> AsyncIterator[Desk]:
    desk = Desk(clock)
    app = web.Application()
    app.router.add_get("/jwks", desk.serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}/jwks"
    yield desk
    await runner.cleanup()


@pytest.fixture
async def make_verifier(desk: Desk, clock: Clock) -> AsyncIterator[Make]:
    made: list[JwtVerifier] = []
    async with aiohttp.ClientSession() as session:

        async def fetch(url: str) -> bytes:
            async with session.get(url, allow_redirects=False) as response:
                response.raise_for_status()
                return await response.read()

        def make(cached_tokens: int = 100, **changes: Any) -> JwtVerifier:
            settings: dict[str, Any] = {
                "issuer": ISSUER, "audiences": ("hub", "hub-2"), "scopes": SCOPES, "leeway": 10.0,
                "algorithms": ("RS256", "ES256", "EdDSA"), "jwks_url": desk.url, **changes,
            }  # fmt: skip
            made.append(JwtVerifier([Issuer(**settings)], fetch, clock=clock, timer=clock, cached_tokens=cached_tokens))
            return made[-1]

        yield make
        for verifier in made:
            await verifier.close()
