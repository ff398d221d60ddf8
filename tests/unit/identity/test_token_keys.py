"""Keys that tokens are judged by: when they are fetched, kept and let go, and which of them may judge what."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwk

from server.errors import FailedPrecondition, JwksUnavailable, Unauthenticated
from server.identity.issuer import Issuer
from server.identity.rights import Rights
from server.identity.tokens import JwtVerifier
from tests.unit.identity.clock import Clock
from tests.unit.identity.desk import EC, ISSUER, RSA, RSA_OTHER, SCOPES, Desk, Make, b64, reason_of
from tests.unit.identity.test_tokens import FAULTS


async def test_keys_are_fetched_once_however_many_ask(desk: Desk, make_verifier: Make) -> None:
    desk.delay = 0.05
    verifier = make_verifier()
    tokens = [desk.token(sub=f"user-{n}") for n in range(20)]
    callers = await asyncio.gather(*(verifier.verify(token) for token in tokens))
    assert [c.id for c in callers] == [f"jwt:{ISSUER}#user-{n}" for n in range(20)]
    assert desk.fetches == 1


async def test_one_that_goes_away_does_not_end_the_fetch_for_the_rest(desk: Desk, make_verifier: Make) -> None:
    desk.delay = 0.05
    verifier = make_verifier()
    gone = asyncio.create_task(verifier.verify(desk.token(sub="gone")))
    await asyncio.sleep(0.01)
    stays = asyncio.create_task(verifier.verify(desk.token()))
    await asyncio.sleep(0)
    gone.cancel()
    assert (await stays).id.endswith("#alice")
    assert desk.fetches == 1


async def test_a_new_key_is_fetched_when_a_token_names_it(desk: Desk, make_verifier: Make) -> None:
    verifier = make_verifier()
    await verifier.verify(desk.token())
    desk.keys = [RSA, RSA_OTHER]
    await verifier.verify(desk.token(key=RSA_OTHER, kid="rsa-2"))
    assert desk.fetches == 2


async def test_unknown_keys_refresh_at_most_once_a_minute(desk: Desk, make_verifier: Make, clock: Clock) -> None:
    verifier = make_verifier()
    for number in range(10):
        assert await reason_of(verifier, desk.token(kid=f"made-up-{number}")) == "TOKEN_KEY_UNKNOWN"
    assert desk.fetches == 1
    clock.now += 59
    await reason_of(verifier, desk.token(kid="made-up"))
    assert desk.fetches == 1
    clock.now += 1
    for _ in range(3):
        await reason_of(verifier, desk.token(kid="made-up"))
    assert desk.fetches == 2
    await verifier.verify(desk.token())
    assert desk.fetches == 2


@pytest.mark.parametrize("fault", ["status", "garbage", "no set", "closed", "huge"])
async def test_without_keys_a_token_that_needs_them_is_neither_in_nor_guilty(
    desk: Desk, make_verifier: Make, clock: Clock, fault: str
) -> None:
    faults: dict[str, Callable[[], object]] = {
        "status": lambda: setattr(desk, "status", 503),
        "garbage": lambda: setattr(desk, "raw", b"<html>"),
        "no set": lambda: setattr(desk, "raw", b'{"keys": 1}'),
        "closed": lambda: setattr(desk, "url", "http://127.0.0.1:1/jwks"),
        "huge": lambda: setattr(desk, "raw", b" " * (1 << 20) + desk.key_set()),
    }
    good_url = desk.url
    faults[fault]()
    verifier = make_verifier()
    for _ in range(3):
        with pytest.raises(JwksUnavailable) as caught:
            await verifier.verify(desk.token())
        assert caught.value.reason == "JWKS_UNAVAILABLE"
        assert caught.value.retry_after is not None
        assert 1 <= caught.value.retry_after <= 60
    assert desk.fetches <= 1
    # What its own claims or header condemn needs no keys.
    for claims, reason in ((c, r) for _, c, r in FAULTS if r not in ("TOKEN_KEY_UNKNOWN", "TOKEN_SIGNATURE_INVALID")):
        if claims.get("kid") != "rsa-1":
            assert await reason_of(verifier, desk.token(**claims)) == reason
    desk.status, desk.raw, desk.url = 200, None, good_url
    clock.now += 60
    if fault != "closed":
        await verifier.verify(desk.token())


async def test_in_an_outage_known_keys_go_on_judging(desk: Desk, make_verifier: Make, clock: Clock) -> None:
    verifier = make_verifier()
    await verifier.verify(desk.token())
    desk.status = 503
    clock.now += 3600
    await verifier.verify(desk.token(sub="bob"))
    assert await reason_of(verifier, desk.token(sub="bob", key=RSA_OTHER)) == "TOKEN_SIGNATURE_INVALID"
    with pytest.raises(JwksUnavailable):
        await verifier.verify(desk.token(kid="new"))


async def test_a_withdrawn_key_goes_once_the_set_is_stale(desk: Desk, make_verifier: Make, clock: Clock) -> None:
    verifier = make_verifier()
    await verifier.verify(desk.token())
    desk.keys = [EC]
    clock.now += 901
    await verifier.verify(desk.token(sub="last"))  # judged by the old set while the new one is on its way
    async with asyncio.timeout(5):
        while desk.fetches < 2:
            await asyncio.sleep(0.01)
        await verifier.verify(desk.token(alg="ES256", key=EC, kid="ec-1"))
        while True:
            try:
                await verifier.verify(desk.token(sub=f"later-{clock.now}"))
            except Unauthenticated:
                break
            clock.now += 0.001
            await asyncio.sleep(0.01)
    assert await reason_of(verifier, desk.token(sub="later")) == "TOKEN_KEY_UNKNOWN"


async def test_a_token_without_a_key_id_is_tried_with_the_keys_that_fit(desk: Desk, make_verifier: Make) -> None:
    desk.keys = [EC, RSA_OTHER, RSA]
    verifier = make_verifier()
    await verifier.verify(desk.token(kid=...))
    await verifier.verify(desk.token(kid=..., alg="ES256", key=EC))
    stranger = jwk.RSAKey.generate_key(2048)
    assert await reason_of(verifier, desk.token(kid=..., key=stranger)) == "TOKEN_SIGNATURE_INVALID"


async def test_keys_that_cannot_judge_are_left_out_of_the_set(desk: Desk, make_verifier: Make) -> None:
    weak = jwk.RSAKey.generate_key(2048).as_dict(private=False)
    weak["n"] = b64(b"\x80" + bytes(127))
    entries: list[object] = [
        {"kty": "oct", "k": b64(b"secret" * 8), "kid": "oct"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "x", "kid": "later"},
        {"kty": "RSA", "n": 7, "e": "AQAB", "kid": "broken"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "off-curve"},
        {**RSA_OTHER.as_dict(private=False), "kid": "enc", "use": "enc"},
        {**RSA_OTHER.as_dict(private=False), "kid": "rs512", "alg": "RS512"},
        {**weak, "kid": "weak"},
        "no key",
        RSA.as_dict(private=True),
    ]
    desk.raw = json.dumps({"keys": entries}).encode()
    verifier = make_verifier()
    await verifier.verify(desk.token())
    for kid in ("oct", "later", "broken", "off-curve", "enc", "weak"):
        assert await reason_of(verifier, desk.token(kid=kid, key=RSA_OTHER)) == "TOKEN_KEY_UNKNOWN"
    assert await reason_of(verifier, desk.token(kid="rs512", key=RSA_OTHER)) == "TOKEN_KEY_CONFUSION"


async def test_a_key_file_is_read_again_when_it_changed(
    desk: Desk, make_verifier: Make, clock: Clock, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    verifier = make_verifier(jwks_url="", jwks_file=path)
    with pytest.raises(JwksUnavailable):
        await verifier.verify(desk.token())
    clock.now += 1
    await asyncio.to_thread(path.write_bytes, b"{")
    with pytest.raises(JwksUnavailable):
        await verifier.verify(desk.token())
    clock.now += 1
    with pytest.raises(JwksUnavailable):  # still not understood, though untouched
        await verifier.verify(desk.token())
    clock.now += 1
    await asyncio.to_thread(path.write_bytes, desk.key_set())
    await verifier.verify(desk.token())
    desk.keys = [RSA_OTHER]
    await asyncio.to_thread(path.write_bytes, desk.key_set())
    clock.now += 1
    await verifier.verify(desk.token(kid="rsa-2", key=RSA_OTHER))
    clock.now += 1
    assert await reason_of(verifier, desk.token(sub="bob")) == "TOKEN_KEY_UNKNOWN"
    assert desk.fetches == 0


async def test_one_issuers_key_does_not_sign_for_another(desk: Desk, clock: Clock, tmp_path: Path) -> None:
    issuers = []
    for name, key in (("https://a.example", RSA), ("https://b.example", RSA_OTHER)):
        path = tmp_path / name[8:]
        public = {**key.as_dict(private=False), "kid": "same"}
        await asyncio.to_thread(path.write_text, json.dumps({"keys": [public]}))
        issuers.append(Issuer(name, ("hub",), jwks_file=path, scopes=SCOPES))

    async def fetch(url: str) -> bytes:
        raise AssertionError(url)

    verifier = JwtVerifier(issuers, fetch, clock=clock, timer=clock)
    await verifier.verify(desk.token(iss="https://a.example", kid="same"))
    await verifier.verify(desk.token(iss="https://b.example", kid="same", key=RSA_OTHER))
    assert await reason_of(verifier, desk.token(iss="https://b.example", kid="same")) == "TOKEN_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": ""}, "issuer"),
        ({"audiences": ()}, "audience"),
        ({"audiences": ("",)}, "audience"),
        ({"algorithms": ("none",)}, "algorithms"),
        ({"algorithms": ("HS256",)}, "algorithms"),
        ({"algorithms": ()}, "algorithms"),
        ({"leeway": -1.0}, "leeway"),
        ({"leeway": 3600.0}, "leeway"),
        ({"jwks_url": ""}, "jwks_url"),
        ({"jwks_file": Path("x")}, "jwks_url"),
        ({"scopes": {"all": Rights(("*",), ("*",))}}, "scope 'all': methods"),
        ({"scopes": {"all": Rights(("aignehub.v1.*",), ("gpt",))}}, "scope 'all': models"),
    ],
)
def test_settings_that_would_let_anything_in_are_refused(changes: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"issuer": ISSUER, "audiences": ("hub",), "jwks_url": "https://x/jwks", **changes}
    with pytest.raises(FailedPrecondition, match=said):
        Issuer(**settings)
