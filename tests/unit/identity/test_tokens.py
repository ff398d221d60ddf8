"""Tokens of other issuers: what passes, and under which reason each fault ends."""

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk

from server.errors import Unauthenticated
from server.identity.rights import Rights
from server.identity.tokens import LONGEST_TOKEN
from tests.unit.identity.clock import Clock
from tests.unit.identity.desk import BOTH, CHAT, EC, ED, ISSUER, RSA, RSA_OTHER, Desk, Make, b64, reason_of


@pytest.mark.parametrize(("alg", "key"), [("RS256", RSA), ("ES256", EC), ("EdDSA", ED)])
async def test_a_good_token_is_its_subject_with_the_rights_of_its_scopes(
    desk: Desk, make_verifier: Make, alg: str, key: jwk.Key
) -> None:
    caller = await make_verifier().verify(desk.token(alg=alg, key=key, kid=key.kid))
    assert caller.id == f"jwt:{ISSUER}#alice"
    assert caller.key_id == ""
    assert caller.rights == CHAT
    assert caller.expires_at == desk.clock.now + 600


@pytest.mark.parametrize(
    ("claims", "rights"),
    [
        ({"scope": "openid chat profile"}, CHAT),
        ({"scope": ["chat", "embed", 7]}, BOTH),
        ({"scope": "chatter"}, Rights((), ())),
        ({"scope": ""}, Rights((), ())),
        ({"scope": ...}, Rights((), ())),
        ({"scope": 7}, Rights((), ())),
        ({"scope": {"chat": True}}, Rights((), ())),
    ],
)  # fmt: skip
async def test_scopes_map_to_rights_and_none_to_nothing(
    desk: Desk, make_verifier: Make, claims: dict[str, Any], rights: Rights
) -> None:
    caller = await make_verifier().verify(desk.token(**claims))
    assert caller.rights == rights
    if not rights.methods:
        assert not caller.rights.allows_method("/aignehub.v1.ChatService/CreateChatCompletion")
        assert not caller.rights.allows_model("openai/gpt")


def _named(name: str, value: object) -> dict[str, Any]:
    return {name: value}


async def test_another_scope_claim_may_be_named(desk: Desk, make_verifier: Make) -> None:
    caller = await make_verifier(scope_claim="https://x/roles").verify(
        desk.token(scope="embed", **_named("https://x/roles", ["chat"]))
    )
    assert caller.rights == CHAT


NOW = 1_800_000_000

FAULTS: list[tuple[str, dict[str, Any], str]] = [
    ("another issuer", {"iss": "https://evil.example"}, "TOKEN_ISSUER_UNKNOWN"),
    ("issuer with a slash more", {"iss": ISSUER + "/"}, "TOKEN_ISSUER_UNKNOWN"),
    ("no issuer", {"iss": ...}, "TOKEN_ISSUER_UNKNOWN"),
    ("issuer a list", {"iss": [ISSUER]}, "TOKEN_ISSUER_UNKNOWN"),
    ("another audience", {"aud": "elsewhere"}, "TOKEN_AUDIENCE_INVALID"),
    ("audience a prefix", {"aud": "hu"}, "TOKEN_AUDIENCE_INVALID"),
    ("no audience", {"aud": ...}, "TOKEN_AUDIENCE_INVALID"),
    ("audiences elsewhere", {"aud": ["a", 1, None]}, "TOKEN_AUDIENCE_INVALID"),
    ("expired", {"exp": NOW - 10}, "TOKEN_EXPIRED"),
    ("no end", {"exp": ...}, "TOKEN_MALFORMED"),
    ("end a text", {"exp": "tomorrow"}, "TOKEN_MALFORMED"),
    ("end a truth", {"exp": True}, "TOKEN_MALFORMED"),
    ("not yet", {"nbf": NOW + 11}, "TOKEN_NOT_YET_VALID"),
    ("start a list", {"nbf": [1]}, "TOKEN_MALFORMED"),
    ("made tomorrow", {"iat": NOW + 11}, "TOKEN_NOT_YET_VALID"),
    ("no subject", {"sub": ...}, "TOKEN_SUBJECT_MISSING"),
    ("empty subject", {"sub": ""}, "TOKEN_SUBJECT_MISSING"),
    ("subject a number", {"sub": 7}, "TOKEN_SUBJECT_MISSING"),
    ("subject that breaks a log line", {"sub": "a\nb"}, "TOKEN_SUBJECT_MISSING"),
    ("subject too long", {"sub": "a" * 257}, "TOKEN_SUBJECT_MISSING"),
    ("unknown key", {"kid": "nobody"}, "TOKEN_KEY_UNKNOWN"),
    ("key id a number", {"kid": 7}, "TOKEN_MALFORMED"),
    ("signed by another key", {"key": RSA_OTHER}, "TOKEN_SIGNATURE_INVALID"),
    ("algorithm not allowed", {"alg": "RS512"}, "TOKEN_ALGORITHM_NOT_ALLOWED"),
    ("algorithm unheard of", {"header": {"alg": "XX999"}}, "TOKEN_ALGORITHM_NOT_ALLOWED"),
    ("algorithm a number", {"header": {"alg": 7}}, "TOKEN_MALFORMED"),
    ("no algorithm", {"header": {"alg": ...}}, "TOKEN_MALFORMED"),
    ("algorithm of another key type", {"alg": "ES256", "key": EC, "kid": "rsa-1"}, "TOKEN_KEY_CONFUSION"),
    ("critical extension", {"header": {"crit": ["exp"]}}, "TOKEN_EXTENSION_UNKNOWN"),
    ("empty crit", {"header": {"crit": []}}, "TOKEN_EXTENSION_UNKNOWN"),
    ("payload not encoded", {"header": {"b64": False}}, "TOKEN_EXTENSION_UNKNOWN"),
]


@pytest.mark.parametrize(("changes", "reason"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_each_fault_has_its_reason(desk: Desk, make_verifier: Make, changes: dict[str, Any], reason: str) -> None:
    assert await reason_of(make_verifier(), desk.token(**changes)) == reason


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
async def test_an_unsigned_token_is_refused(desk: Desk, make_verifier: Make, alg: str) -> None:
    signed, _, signature = desk.token(header={"alg": alg}).rpartition(".")
    assert await reason_of(make_verifier(), f"{signed}.") == "TOKEN_UNSIGNED"
    assert await reason_of(make_verifier(), f"{signed}.{signature}") == "TOKEN_UNSIGNED"
    assert desk.fetches == 0


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256"])
async def test_a_public_key_is_no_secret(desk: Desk, make_verifier: Make, alg: str) -> None:
    public = RSA.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = desk.token(header={"alg": alg}).rpartition(".")[0]
    hash_ = getattr(hashlib, f"sha{alg[2:]}")
    forged = f"{signed}.{b64(hmac.new(public, signed.encode(), hash_).digest())}"
    assert await reason_of(make_verifier(), forged) == "TOKEN_KEY_CONFUSION"
    assert desk.fetches == 0


async def test_a_key_inside_the_token_is_never_used(desk: Desk, make_verifier: Make) -> None:
    mine = RSA_OTHER.as_dict(private=False)
    for header in ({"jwk": mine}, {"jku": desk.url}, {"x5u": desk.url}):
        token = desk.token(key=RSA_OTHER, kid="rsa-1", header=header)
        assert await reason_of(make_verifier(), token) == "TOKEN_SIGNATURE_INVALID"


async def test_changed_claims_break_the_signature(desk: Desk, make_verifier: Make) -> None:
    head, _, signature = desk.token().split(".")
    claims = b64(json.dumps(desk.claims(sub="mallory")).encode())
    assert await reason_of(make_verifier(), f"{head}.{claims}.{signature}") == "TOKEN_SIGNATURE_INVALID"
    assert await reason_of(make_verifier(), f"{head}.{claims}.") == "TOKEN_SIGNATURE_INVALID"


@pytest.mark.parametrize(
    "token",
    [
        "..",
        "a.b",
        "a.b.c",
        "é.b.c",
        "a.b.c\n",
        "=.=.=",
        "\ud800.b.c",
        "e30.e30.e30.e30",
        f"{b64(b'[]')}.{b64(b'{}')}.x",
        f"{b64(b'{' * 3000)}.e30.x",
        f"{b64(b'[' * 3000)}.e30.x",
        f"{b64(b'{}')}.{b64(bytes(range(128, 200)))}.x",
    ],
)
async def test_what_is_no_jwt_is_malformed(make_verifier: Make, token: str) -> None:
    assert await reason_of(make_verifier(), token) == "TOKEN_MALFORMED"


async def test_a_token_too_long_is_not_even_read(desk: Desk, make_verifier: Make) -> None:
    token = desk.token(pad="x" * LONGEST_TOKEN)
    with pytest.raises(Unauthenticated, match="longer than 8192"):
        await make_verifier().verify(token)
    assert desk.fetches == 0


async def test_leeway_stretches_every_time(desk: Desk, make_verifier: Make) -> None:
    verifier = make_verifier()
    now = desk.clock.now
    await verifier.verify(desk.token(exp=now - 9))
    await verifier.verify(desk.token(nbf=now + 10, iat=now + 10))
    assert await reason_of(verifier, desk.token(exp=now - 10)) == "TOKEN_EXPIRED"


async def test_a_verified_token_is_remembered_until_it_ends(desk: Desk, make_verifier: Make, clock: Clock) -> None:
    verifier = make_verifier(leeway=0.0)
    token = desk.token()
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    desk.keys = []
    clock.now += 599
    assert await verifier.verify(token) is first
    clock.now += 1
    assert await reason_of(verifier, token) == "TOKEN_EXPIRED"


async def test_the_memory_is_of_the_whole_token_and_bounded(desk: Desk, make_verifier: Make) -> None:
    verifier = make_verifier(cached_tokens=3)
    token = desk.token()
    await verifier.verify(token)
    for forged in (token[:-5] + ("B" if token[-5] == "A" else "A") + token[-4:], token + "AAAA"):
        assert await reason_of(verifier, forged) == "TOKEN_SIGNATURE_INVALID"
    for number in range(10):
        await verifier.verify(desk.token(sub=f"user-{number}"))
    assert len(verifier._verified) == 3
