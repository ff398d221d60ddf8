"""Tokens of other issuers: what passes, and under which reason each fault ends."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwk
from joserfc.jws import JWSRegistry

from server.errors import FailedPrecondition, JwksUnavailable, Unauthenticated
from server.identity.issuer import Issuer
from server.identity.rights import Rights
from server.identity.tokens import LONGEST_TOKEN, JwtVerifier
from tests.unit.identity.conftest import Clock

ISSUER = "https://login.example/realm"
RSA = jwk.RSAKey.generate_key(2048, {"kid": "rsa-1", "use": "sig"})
RSA_OTHER = jwk.RSAKey.generate_key(2048, {"kid": "rsa-2"})
EC = jwk.ECKey.generate_key("P-256", {"kid": "ec-1"})
ED = jwk.OKPKey.generate_key("Ed25519", {"kid": "ed-1"})
CHAT = Rights(("aignehub.v1.ChatService/*",), ("openai/*",))
BOTH = Rights(("aignehub.v1.ChatService/*", "aignehub.v1.EmbeddingService/*"), ("openai/*", "mistral/*"))
SCOPES = {"chat": CHAT, "embed": Rights(("aignehub.v1.EmbeddingService/*",), ("mistral/*", "openai/*"))}


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _sign(signed: str, algorithm: str, key: jwk.Key) -> str:
    return f"{signed}.{_b64(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


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
        signed = f"{_b64(json.dumps(head).encode())}.{_b64(json.dumps(self.claims(**claims)).encode())}"
        return _sign(signed, alg if alg in JWSRegistry.algorithms else "RS256", key)


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


Make = Callable[..., JwtVerifier]


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


async def _reason(verifier: JwtVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as caught:
        await verifier.verify(token)
    assert token not in caught.value.message
    return caught.value.reason


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
    assert await _reason(make_verifier(), desk.token(**changes)) == reason


@pytest.mark.parametrize("alg", ["none", "None", "NONE"])
async def test_an_unsigned_token_is_refused(desk: Desk, make_verifier: Make, alg: str) -> None:
    signed, _, signature = desk.token(header={"alg": alg}).rpartition(".")
    assert await _reason(make_verifier(), f"{signed}.") == "TOKEN_UNSIGNED"
    assert await _reason(make_verifier(), f"{signed}.{signature}") == "TOKEN_UNSIGNED"
    assert desk.fetches == 0


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512", "hs256"])
async def test_a_public_key_is_no_secret(desk: Desk, make_verifier: Make, alg: str) -> None:
    public = RSA.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = desk.token(header={"alg": alg}).rpartition(".")[0]
    hash_ = getattr(hashlib, f"sha{alg[2:]}")
    forged = f"{signed}.{_b64(hmac.new(public, signed.encode(), hash_).digest())}"
    assert await _reason(make_verifier(), forged) == "TOKEN_KEY_CONFUSION"
    assert desk.fetches == 0


async def test_a_key_inside_the_token_is_never_used(desk: Desk, make_verifier: Make) -> None:
    mine = RSA_OTHER.as_dict(private=False)
    for header in ({"jwk": mine}, {"jku": desk.url}, {"x5u": desk.url}):
        token = desk.token(key=RSA_OTHER, kid="rsa-1", header=header)
        assert await _reason(make_verifier(), token) == "TOKEN_SIGNATURE_INVALID"


async def test_changed_claims_break_the_signature(desk: Desk, make_verifier: Make) -> None:
    head, _, signature = desk.token().split(".")
    claims = _b64(json.dumps(desk.claims(sub="mallory")).encode())
    assert await _reason(make_verifier(), f"{head}.{claims}.{signature}") == "TOKEN_SIGNATURE_INVALID"
    assert await _reason(make_verifier(), f"{head}.{claims}.") == "TOKEN_SIGNATURE_INVALID"


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
        f"{_b64(b'[]')}.{_b64(b'{}')}.x",
        f"{_b64(b'{' * 3000)}.e30.x",
        f"{_b64(b'[' * 3000)}.e30.x",
        f"{_b64(b'{}')}.{_b64(bytes(range(128, 200)))}.x",
    ],
)
async def test_what_is_no_jwt_is_malformed(make_verifier: Make, token: str) -> None:
    assert await _reason(make_verifier(), token) == "TOKEN_MALFORMED"


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
    assert await _reason(verifier, desk.token(exp=now - 10)) == "TOKEN_EXPIRED"


async def test_a_verified_token_is_remembered_until_it_ends(desk: Desk, make_verifier: Make, clock: Clock) -> None:
    verifier = make_verifier(leeway=0.0)
    token = desk.token()
    first = await verifier.verify(token)
    assert await verifier.verify(token) is first
    desk.keys = []
    clock.now += 599
    assert await verifier.verify(token) is first
    clock.now += 1
    assert await _reason(verifier, token) == "TOKEN_EXPIRED"


async def test_the_memory_is_of_the_whole_token_and_bounded(desk: Desk, make_verifier: Make) -> None:
    verifier = make_verifier(cached_tokens=3)
    token = desk.token()
    await verifier.verify(token)
    for forged in (token[:-5] + ("B" if token[-5] == "A" else "A") + token[-4:], token + "AAAA"):
        assert await _reason(verifier, forged) == "TOKEN_SIGNATURE_INVALID"
    for number in range(10):
        await verifier.verify(desk.token(sub=f"user-{number}"))
    assert len(verifier._verified) == 3


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
        assert await _reason(verifier, desk.token(kid=f"made-up-{number}")) == "TOKEN_KEY_UNKNOWN"
    assert desk.fetches == 1
    clock.now += 59
    await _reason(verifier, desk.token(kid="made-up"))
    assert desk.fetches == 1
    clock.now += 1
    for _ in range(3):
        await _reason(verifier, desk.token(kid="made-up"))
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
            assert await _reason(verifier, desk.token(**claims)) == reason
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
    assert await _reason(verifier, desk.token(sub="bob", key=RSA_OTHER)) == "TOKEN_SIGNATURE_INVALID"
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
    assert await _reason(verifier, desk.token(sub="later")) == "TOKEN_KEY_UNKNOWN"


async def test_a_token_without_a_key_id_is_tried_with_the_keys_that_fit(desk: Desk, make_verifier: Make) -> None:
    desk.keys = [EC, RSA_OTHER, RSA]
    verifier = make_verifier()
    await verifier.verify(desk.token(kid=...))
    await verifier.verify(desk.token(kid=..., alg="ES256", key=EC))
    stranger = jwk.RSAKey.generate_key(2048)
    assert await _reason(verifier, desk.token(kid=..., key=stranger)) == "TOKEN_SIGNATURE_INVALID"


async def test_keys_that_cannot_judge_are_left_out_of_the_set(desk: Desk, make_verifier: Make) -> None:
    weak = jwk.RSAKey.generate_key(2048).as_dict(private=False)
    weak["n"] = _b64(b"\x80" + bytes(127))
    entries: list[object] = [
        {"kty": "oct", "k": _b64(b"secret" * 8), "kid": "oct"},
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
        assert await _reason(verifier, desk.token(kid=kid, key=RSA_OTHER)) == "TOKEN_KEY_UNKNOWN"
    assert await _reason(verifier, desk.token(kid="rs512", key=RSA_OTHER)) == "TOKEN_KEY_CONFUSION"


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
    assert await _reason(verifier, desk.token(sub="bob")) == "TOKEN_KEY_UNKNOWN"
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
    assert await _reason(verifier, desk.token(iss="https://b.example", kid="same")) == "TOKEN_SIGNATURE_INVALID"


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
    ],
)
def test_settings_that_would_let_anything_in_are_refused(changes: dict[str, Any], said: str) -> None:
    settings: dict[str, Any] = {"issuer": ISSUER, "audiences": ("hub",), "jwks_url": "https://x/jwks", **changes}
    with pytest.raises(FailedPrecondition, match=said):
        Issuer(**settings)
