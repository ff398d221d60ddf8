"""Which credential of a call's metadata counts."""

import sys
from collections.abc import Sequence

import pytest

from server.errors import Unauthenticated
from server.identity.authenticator import Authenticator, token_verifier
from server.identity.caller import Caller
from server.identity.key_format import make
from server.identity.keyring import Keyring
from server.identity.pepper import Pepper
from server.identity.rights import Rights
from server.store.base import KeyRecord, KeySettings, StoredSecret

PEPPER = Pepper(b"p" * 32)
KEY = make()
OTHER = make()
JWT = "eyJh.eyJi.c2ln"

Metadata = Sequence[tuple[str, str | bytes]]


class Tokens:
    """Takes one token and says which it saw."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def verify(self, token: str) -> Caller:
        self.seen.append(token)
        return Caller("jwt:x#y", Rights((), ()))

    async def close(self) -> None:
        pass


def _authenticator(tokens: Tokens | None = None) -> Authenticator:
    keyring = Keyring(PEPPER)
    keyring.replace([KeyRecord(k.id, KeySettings(), 0.0, (StoredSecret(PEPPER.digest(k.text)),)) for k in (KEY, OTHER)])
    return Authenticator(keyring, tokens)


@pytest.mark.parametrize(
    "metadata",
    [
        [("authorization", f"Bearer {KEY.text}")],
        [("authorization", f"bearer {KEY.text}")],
        [("authorization", f"BEARER   {KEY.text} ")],
        [("x-api-key", KEY.text)],
        [("user-agent", "x"), ("x-api-key", f" {KEY.text}"), ("trace-bin", b"\xff")],
        [("authorization", f"Bearer {KEY.text}"), ("x-api-key", KEY.text)],
    ],
)
async def test_a_key_is_found_in_both_places(metadata: Metadata) -> None:
    assert (await _authenticator().authenticate(metadata)).key_id == KEY.id


@pytest.mark.parametrize(
    ("metadata", "reason", "said"),
    [
        ([], "API_KEY_MISSING", "authorization: Bearer"),
        ([("x-api-key", "")], "API_KEY_MISSING", "x-api-key"),
        ([("authorization", "Bearer ")], "API_KEY_MISSING", "Bearer"),
        ([("authorization", "Basic dXNlcjpwYXNz")], "API_KEY_INVALID", "scheme Bearer"),
        ([("authorization", KEY.text)], "API_KEY_INVALID", "scheme Bearer"),
        ([("authorization", "")], "API_KEY_INVALID", "scheme Bearer"),
        ([("authorization", b"\xff\xfe")], "API_KEY_INVALID", "scheme Bearer"),
        ([("x-api-key", b"\xff\xfe")], "API_KEY_INVALID", "malformed"),
        ([("authorization", f"Bearer {KEY.text}"), ("x-api-key", OTHER.text)], "API_KEY_INVALID", "differ"),
        ([("authorization", f"Bearer {KEY.text}")] * 2, "API_KEY_INVALID", "more than once"),
        ([("x-api-key", KEY.text)] * 2, "API_KEY_INVALID", "more than once"),
        ([("x-api-key", f"{KEY.text},{OTHER.text}")], "API_KEY_INVALID", "malformed"),
        ([("authorization", f"Bearer {JWT}")], "TOKEN_ISSUER_UNKNOWN", "no token issuer configured"),
        ([("authorization", "Bearer hub_a.b.c")], "API_KEY_INVALID", "malformed"),
        ([("x-api-key", JWT)], "API_KEY_INVALID", "malformed"),
    ],
)
async def test_everything_else_is_refused_with_the_remedy(metadata: Metadata, reason: str, said: str) -> None:
    with pytest.raises(Unauthenticated, match=said) as caught:
        await _authenticator().authenticate(metadata)
    assert caught.value.reason == reason


async def test_only_a_bearer_that_looks_like_a_jwt_goes_to_the_verifier() -> None:
    tokens = Tokens()
    authenticator = _authenticator(tokens)
    assert (await authenticator.authenticate([("authorization", f"Bearer {JWT}")])).id == "jwt:x#y"
    await authenticator.authenticate([("authorization", f"Bearer {KEY.text}")])
    for text in ("a.b", "a.b.c.d.e", "hub_a.b.c"):
        with pytest.raises(Unauthenticated):
            await authenticator.authenticate([("authorization", f"Bearer {text}")])
    assert tokens.seen == [JWT]


def test_a_key_is_judged_without_waiting() -> None:
    coroutine = _authenticator().authenticate([("x-api-key", KEY.text)])
    with pytest.raises(StopIteration) as caught:
        coroutine.send(None)  # one step, with no event loop at all
    assert caught.value.value.key_id == KEY.id


def test_without_issuers_there_is_no_verifier() -> None:
    async def fetch(url: str) -> bytes:
        raise AssertionError(url)

    assert token_verifier([], fetch) is None


def test_a_hub_without_issuers_does_not_load_the_token_libraries() -> None:
    import subprocess

    program = "import server.identity.authenticator, server.identity.bootstrap, sys; print('joserfc' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout == "False\n"
