"""Access tokens of Google's, made by Google's own library of every kind of credential file, and by the machine."""

import asyncio
import base64
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from joserfc import jwt
from joserfc.jwk import RSAKey
from typing_extensions import override

from server.errors import ProviderCredentialInvalid, ProviderTimeout, ProviderUnavailable
from server.transport.client import Transport
from server.transport.credentials.google import MACHINE, google
from server.transport.endpoint import Authorize, Credential, Endpoint, Outgoing
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest, HttpResponse
from tests.unit.transport.servers import Peer, serving, soon

USER = {
    "type": "authorized_user",
    "client_id": "c",
    "client_secret": "s",
    "refresh_token": "r",
    "quota_project_id": "q",
}


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def account(key: RSAPrivateKey) -> dict[str, str]:
    """A service account's key file."""
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return {
        "type": "service_account",
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "client_email": "hub@p.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


class Service:
    """What a token service answers; ``asked`` is every request there was."""

    def __init__(self, *answers: Any, status: int = 200) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self._answers = list(answers)
        self._status = status

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        self.asked.append((method, url, body))
        await asyncio.sleep(0)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return HttpResponse(self._status, {}, json.dumps(answer).encode())


def outgoing(service: Any) -> Outgoing:
    return Outgoing("POST", "https://aiplatform.googleapis.com/x", {}, b"", service)


async def headers(authorize: Authorize, credential: Credential, service: Any) -> Mapping[str, str]:
    proof = authorize(credential, outgoing(service))
    return proof if isinstance(proof, Mapping) else await proof


def tokens(value: str, seconds: int = 3600) -> dict[str, Any]:
    return {"access_token": value, "expires_in": seconds, "token_type": "Bearer", "issued_token_type": "t"}


def secret(info: Mapping[str, Any]) -> Credential:
    return Credential("k", json.dumps(info, indent=2))


def test_an_api_key_travels_in_a_header_of_its_own() -> None:
    authorize = google()
    for text in ("AIzaSyKey", "AQ.Ab8RN6", "ya"):
        assert authorize(Credential("k", text), outgoing(None)) == {"x-goog-api-key": text}


async def test_a_service_account_signs_its_own_token(account: dict[str, str], key: RSAPrivateKey) -> None:
    service = Service(AssertionError("nothing is to be asked"))
    authorize = google()
    written = Credential("k", json.dumps(account, indent=2))
    packed = Credential("b", base64.b64encode(json.dumps(account).encode()).decode())
    for credential in (written, packed):
        told = await headers(authorize, credential, service)
        scheme, _, token = told["Authorization"].partition(" ")
        assert scheme == "Bearer"
        claims = jwt.decode(token, RSAKey.import_key(key.public_key())).claims
        assert (claims["iss"], claims["sub"]) == (account["client_email"],) * 2
        assert claims["scope"] == "https://www.googleapis.com/auth/cloud-platform"
        # Once made it is at hand.
        assert authorize(credential, outgoing(service)) == told
    assert not service.asked


async def test_a_users_file_asks_the_token_service_and_names_who_pays() -> None:
    service = Service(tokens("t1"))
    told = await headers(google(), secret(USER), service)
    assert told == {"Authorization": "Bearer t1", "x-goog-user-project": "q"}
    [(method, url, body)] = service.asked
    assert (method, url) == ("POST", "https://oauth2.googleapis.com/token")
    assert b"refresh_token=r" in body


async def test_a_workload_trades_its_own_token_and_speaks_for_an_account(tmp_path: Path) -> None:
    subject = tmp_path / "subject"
    subject.write_text("who-i-am")
    url = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/x@y.iam.gserviceaccount.com:generateAccessToken"
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(subject)},
        "service_account_impersonation_url": url,
    }
    service = Service(tokens("mine"), {"accessToken": "theirs", "expireTime": "2099-01-01T00:00:00Z"})
    assert await headers(google(), secret(info), service) == {"Authorization": "Bearer theirs"}
    assert b"who-i-am" in service.asked[0][2]
    assert service.asked[1][1] == url
    source = {key: value for key, value in USER.items() if key != "quota_project_id"}
    borrowed = {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": url,
        "source_credentials": source,
    }
    service = Service(tokens("mine"), {"accessToken": "theirs", "expireTime": "2099-01-01T00:00:00Z"})
    assert await headers(google(), secret(borrowed), service) == {"Authorization": "Bearer theirs"}


async def test_nothing_needs_the_librarys_own_http_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    subject = tmp_path / "subject"
    subject.write_text("x")
    info = {
        "type": "external_account",
        "audience": "//a",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": str(subject)},
    }
    assert await headers(google(), secret(info), Service(tokens("t"))) == {"Authorization": "Bearer t"}


async def test_a_token_is_fetched_once_for_all_who_wait_and_again_before_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr("server.transport.credentials.tokens.monotonic", lambda: now)
    service = Service(tokens("t1", 3600), tokens("t2", 3600), tokens("t3", 100))
    authorize, credential = google(), secret(USER)
    found = await asyncio.gather(*(headers(authorize, credential, service) for _ in range(5)))
    assert {one["Authorization"] for one in found} == {"Bearer t1"}
    now += 3290
    assert (await headers(authorize, credential, service))["Authorization"] == "Bearer t1"
    now += 20
    assert (await headers(authorize, credential, service))["Authorization"] == "Bearer t2"
    assert len(service.asked) == 2
    now += 3400
    assert (await headers(authorize, credential, service))["Authorization"] == "Bearer t3"
    now += 40
    assert (await headers(authorize, credential, service))["Authorization"] == "Bearer t3"


async def test_who_gives_up_waiting_spoils_nothing_for_the_others() -> None:
    gate = asyncio.Event()

    class Slow(Service):
        @override
        async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
            await gate.wait()
            return await super().__call__(method, url, headers, body)

    service = Slow(tokens("t1"))
    authorize, credential = google(), secret(USER)
    first = asyncio.ensure_future(headers(authorize, credential, service))
    second = asyncio.ensure_future(headers(authorize, credential, service))
    await asyncio.sleep(0.01)
    first.cancel()
    gate.set()
    assert (await asyncio.wait_for(second, 5))["Authorization"] == "Bearer t1"


@pytest.mark.parametrize(
    "info",
    [
        {"type": "service_account", "private_key": "sekret", "client_email": "e", "token_uri": "u"},
        {"type": "nonsense", "private_key": "sekret"},
        {"refresh_token": "sekret"},
        USER,
    ],
)
async def test_a_credential_that_is_no_good_is_refused_without_quoting_it(info: dict[str, str]) -> None:
    service = Service({"error": "invalid_grant", "error_description": "sekret"}, status=400)
    with pytest.raises(ProviderCredentialInvalid, match="tell the operator") as caught:
        await headers(google(), secret(info), service)
    assert "sekret" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.metadata}"
    with pytest.raises(ProviderCredentialInvalid):
        await headers(google(), Credential("k", '{"type": "authorized_user",'), service)


async def test_a_service_that_cannot_be_reached_is_no_bad_credential() -> None:
    with pytest.raises(ProviderTimeout, match="slow"):
        await headers(google(), secret(USER), Service(ProviderTimeout("slow")))


async def test_the_machines_file_is_where_googles_own_clients_look(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    (tmp_path / "application_default_credentials.json").write_text(json.dumps(USER))
    assert (await headers(google(), MACHINE, Service(tokens("t1"))))["Authorization"] == "Bearer t1"
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(ProviderCredentialInvalid):
        await headers(google(), MACHINE, Service(tokens("t1")))


async def test_an_instance_asks_its_metadata_server_and_no_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    seen: list[Any] = []

    async def serve(peer: Peer) -> None:
        line, told, _ = await peer.request()
        seen.append((line.split()[1], told.get("metadata-flavor"), told.get("authorization")))
        inside = line.split()[1].startswith("/computeMetadata")
        await peer.answer(json.dumps(tokens("t1") if inside else {}).encode())

    async with serving(serve) as server:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.port}")
        settings = TransportSettings(proxy="http://127.0.0.1:1")
        async with Transport(settings) as transport:
            endpoint = Endpoint("vertex", server.url, google())
            # The call itself would go through the proxy, where nobody listens; its proof does not.
            with pytest.raises(ProviderUnavailable, match="vertex"):
                await transport.send(endpoint, HttpRequest("/call"), credential=MACHINE, deadline=soon(5))
    assert seen == [("/computeMetadata/v1/instance/service-accounts/default/token", "Google", None)]


@pytest.mark.parametrize("answer", [{}, [], {"access_token": "t"}, {"access_token": "t", "expires_in": "soon"}])
async def test_a_metadata_server_without_an_account(
    answer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    with pytest.raises(ProviderCredentialInvalid):
        await headers(google(), MACHINE, Service(answer))
    with pytest.raises(ProviderCredentialInvalid, match="no Google credential"):
        await headers(google(), MACHINE, Service(ProviderTimeout("nobody there")))
