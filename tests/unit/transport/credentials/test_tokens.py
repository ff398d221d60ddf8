"""Tokens of one credential: how long each is used, and what a service that gives none means."""

from collections.abc import Mapping
from typing import Any

import pytest

from server.errors import HubError, ProviderCredentialInvalid, ProviderTimeout, ProviderUnavailable
from server.transport.credentials.tokens import ByToken, Token, Tokens
from server.transport.endpoint import Credential, Fetch, Outgoing


class Giver:
    """A source that gives numbered tokens of an hour, or fails."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails: HubError | None = None

    async def token(self, _: Fetch) -> Token:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return Token(str(self.asked), 3600)


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("server.transport.credentials.tokens.monotonic", lambda: made.now)
    return made


async def got(tokens: Tokens) -> str:
    fetch: Any = None
    headers = tokens.held or await tokens.fetched(fetch)
    return headers["Authorization"]


async def test_what_cannot_be_renewed_is_used_to_its_end(clock: Clock) -> None:
    giver = Giver()
    tokens = Tokens(giver)
    assert await got(tokens) == "Bearer 1"
    giver.fails = ProviderUnavailable("down")
    clock.now += 3400
    assert await got(tokens) == await got(tokens) == "Bearer 1"
    assert giver.asked == 2  # it was left alone for a moment
    clock.now += 2
    assert await got(tokens) == "Bearer 1"
    assert giver.asked == 3
    clock.now += 199
    with pytest.raises(ProviderUnavailable, match="down"):
        await got(tokens)
    giver.fails = None
    clock.now += 2
    assert await got(tokens) == "Bearer 5"


@pytest.mark.parametrize(
    ("error", "times"),
    [(ProviderCredentialInvalid("no"), 1), (ProviderUnavailable("no"), 1), (ProviderTimeout("the caller's own"), 2)],
)
async def test_a_service_that_gave_none_rests_for_a_moment(clock: Clock, error: HubError, times: int) -> None:
    giver = Giver()
    giver.fails = error
    tokens = Tokens(giver)
    for _ in range(2):
        with pytest.raises(type(error), match=error.message):
            await got(tokens)
    assert giver.asked == times
    clock.now += 1.1
    giver.fails = None
    assert await got(tokens) == f"Bearer {times + 1}"


async def test_only_the_token_that_was_refused_is_forgotten(clock: Clock) -> None:
    giver = Giver()
    proof = ByToken(lambda one: giver if one.name == "app" else None, lambda one, _: {"api-key": one.secret})
    app, key = Credential("app", "s"), Credential("key", "k")
    fetch: Any = None
    outgoing = Outgoing("POST", "https://x.test", {}, b"", fetch)

    async def sent(credential: Credential) -> Mapping[str, str]:
        told = proof(credential, outgoing)
        return told if isinstance(told, Mapping) else await told

    assert await sent(key) == {"api-key": "k"}
    assert not proof.forget(key, "Bearer 1")
    assert await sent(app) == {"Authorization": "Bearer 1"}
    assert not proof.forget(app, "")  # it was fetched for that very request
    assert await sent(app) == {"Authorization": "Bearer 1"}
    assert proof.forget(app, "Bearer 1")
    assert await sent(app) == {"Authorization": "Bearer 2"}
    assert proof.forget(app, "Bearer 1")  # another call was sooner
    assert await sent(app) == {"Authorization": "Bearer 2"}
    giver.fails = ProviderUnavailable("down")
    proof.forget(app, "Bearer 2")
    with pytest.raises(ProviderUnavailable):
        await sent(app)
    assert clock.now == 1000.0
