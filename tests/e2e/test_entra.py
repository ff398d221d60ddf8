"""Azure with Entra's tokens in place of a key: where they come from, how long they are kept, what lacking one means."""

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import grpc
import pytest
from aignehub.admin.v1 import provider_service_pb2 as pb
from aiohttp import web

from server.errors import ConfigError
from tests.fake_embeddings import ask as ask_embeddings
from tests.fake_embeddings import embeds
from tests.fake_provider import DONE, FakeProvider, chunk, completion
from tests.running import RunningHub, ask, failure, running_hub

TENANT, CLIENT = "contoso.onmicrosoft.com", "00001111-aaaa-2222-bbbb-3333cccc4444"
SECRET = "Q~8-client.secret-of-the-application"
AZURE_SCOPE, FOUNDRY_SCOPE = "https://cognitiveservices.azure.com/.default", "https://ai.azure.com/.default"


class Azure:
    """Entra, the metadata service, App Service's and a resource that takes the tokens they gave, on one port."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        """Every request for a token: its path, its fields, and what proves it."""
        self.valid: set[str] = set()
        self.accepts = True
        self.seconds: Any = 3600
        self.refusal: tuple[int, Any] | None = None
        self.seen: list[dict[str, str]] = []
        """Headers of every call."""

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/token"):
            return await self._token(request)
        self.seen.append({name.lower(): value for name, value in request.headers.items()})
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.valid or not self.accepts:
            told = {"code": "401", "message": f"Unauthorized. Access token {token} is missing, invalid or expired."}
            return web.json_response({"error": told}, status=401)
        if "embeddings" in request.path:
            return await embeds()(request)
        body = await request.json()
        if request.path.endswith("/messages"):
            return web.json_response({"content": [{"type": "text", "text": "Hi"}], "usage": {"input_tokens": 1}})
        if body.get("stream"):
            response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
            await response.prepare(request)
            await response.write(chunk({"content": "Hello there"}, "stop") + DONE)
            return response
        return web.json_response(completion())

    async def _token(self, request: web.Request) -> web.StreamResponse:
        body = (await request.read()).decode()
        told = {name: request.headers[name] for name in ("Metadata", "X-IDENTITY-HEADER") if name in request.headers}
        fields = dict(parse_qsl(body or urlsplit(request.raw_path).query))
        self.asked.append({"path": request.path, **told, **fields})
        await asyncio.sleep(0.01)
        if self.refusal is not None:
            status, answer = self.refusal
            return web.json_response(answer, status=status)
        token = f"token-{len(self.asked)}"
        self.valid.add(token)
        answer = {"token_type": "Bearer", "access_token": token}
        if request.path == "/msi/token":  # App Service tells the second at which it ends, and that alone
            return web.json_response({**answer, "expires_on": str(int(time.time()) + 86_400), "client_id": CLIENT})
        return web.json_response({**answer, "expires_in": self.seconds})


def entry(fake: FakeProvider, kind: str = "azure", keys: tuple[str, ...] = (), **options: str) -> dict[str, Any]:
    return {"name": "a", "kind": kind, "base_url": fake.base_url, "api_keys": list(keys), "options": options}


def with_secret(fake: FakeProvider, kind: str = "azure") -> dict[str, Any]:
    """An instance whose key is a secret of the application."""
    root = fake.base_url.removesuffix("/v1")
    told = {"credentials": "client_secret", "tenant_id": TENANT, "client_id": CLIENT, "authority": root}
    return entry(fake, kind, (SECRET,), **told)


async def call(hub: RunningHub, streamed: bool = False) -> Any:
    """The last message of a chat."""
    if not streamed:
        return await hub.chat.CreateChatCompletion(ask(model="a/gpt-5"), metadata=hub.auth, timeout=5)
    stream = hub.chat.StreamChatCompletion(ask(model="a/gpt-5"), metadata=hub.auth, timeout=5)
    return [message async for message in stream][-1]


async def refusal(hub: RunningHub) -> tuple[str, str, str]:
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        await call(hub)
    told = failure(raised.value)
    return told.code.name, told.reason, told.message


@pytest.mark.parametrize(
    ("kind", "scope"),
    [("azure", AZURE_SCOPE), ("azure-foundry", FOUNDRY_SCOPE), ("azure-anthropic", FOUNDRY_SCOPE)],
)
async def test_a_secret_of_an_application(tmp_path: Path, kind: str, scope: str) -> None:
    azure = Azure()
    async with (
        FakeProvider(azure) as fake,
        running_hub(tmp_path, providers=[with_secret(fake, kind)]) as hub,
    ):
        await asyncio.gather(*(call(hub) for _ in range(5)))
        if kind != "azure-anthropic":
            await hub.embeddings.CreateEmbeddings(ask_embeddings("a", model="a/e"), metadata=hub.auth, timeout=5)
    # Once for all of them.
    assert azure.asked == [
        {
            "path": f"/{TENANT}/oauth2/v2.0/token",
            "grant_type": "client_credentials",
            "client_id": CLIENT,
            "client_secret": SECRET,
            "scope": scope,
        }
    ]
    assert {seen["authorization"] for seen in azure.seen} == {"Bearer token-1"}
    assert not any("api-key" in seen or "x-api-key" in seen for seen in azure.seen)


async def test_a_workload_of_kubernetes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("server.transport.credentials.tokens.monotonic", lambda: now)
    azure, file = Azure(), tmp_path / "token"
    file.write_text("first\n")
    async with FakeProvider(azure) as fake:
        environ = {
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": CLIENT,
            "AZURE_AUTHORITY_HOST": fake.base_url.removesuffix("v1"),
            "AZURE_FEDERATED_TOKEN_FILE": str(file),
        }
        settings = [entry(fake, credentials="workload_identity")]
        async with running_hub(tmp_path, environ, providers=settings) as hub:
            await call(hub)
            file.write_text("second")
            now += 3290
            await call(hub)
            now += 20  # five minutes before its end
            await call(hub)
            file.unlink()
            now += 3400
            await call(hub)  # it cannot be renewed, and is good for some time yet
            now += 300
            assert (await refusal(hub))[:2] == ("UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID")
    assert [seen["authorization"] for seen in azure.seen] == [f"Bearer token-{one}" for one in (1, 1, 2, 2)]
    assert [asked["client_assertion"] for asked in azure.asked] == ["first", "second"]
    for asked in azure.asked:
        assert asked["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        assert (asked["path"], asked["client_id"]) == (f"/{TENANT}/oauth2/v2.0/token", CLIENT)
        assert (asked["grant_type"], asked["scope"]) == ("client_credentials", AZURE_SCOPE)


@pytest.mark.parametrize("app_service", [False, True])
@pytest.mark.parametrize("client_id", ["", CLIENT])
async def test_a_managed_identity(tmp_path: Path, app_service: bool, client_id: str) -> None:
    azure = Azure()
    azure.seconds = "86399"  # the metadata service writes numbers as texts
    async with FakeProvider(azure) as fake:
        root = fake.base_url.removesuffix("/v1")
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": root}
        if app_service:
            environ = {"IDENTITY_ENDPOINT": f"{root}/msi/token", "IDENTITY_HEADER": "app-service-secret"}
        more = {"client_id": client_id} if client_id else {}
        settings = [entry(fake, "azure", (), credentials="managed_identity", **more)]
        async with running_hub(tmp_path, environ, providers=settings) as hub:
            await call(hub)
            await call(hub, streamed=True)
    expected = {
        "path": "/msi/token" if app_service else "/metadata/identity/oauth2/token",
        "api-version": "2019-08-01" if app_service else "2018-02-01",
        "resource": "https://cognitiveservices.azure.com",
        **({"X-IDENTITY-HEADER": "app-service-secret"} if app_service else {"Metadata": "true"}),
        **more,
    }
    assert azure.asked == [expected]
    assert {seen["authorization"] for seen in azure.seen} == {"Bearer token-1"}


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_token_that_is_refused_is_renewed_once(tmp_path: Path, streamed: bool) -> None:
    azure = Azure()
    async with FakeProvider(azure) as fake, running_hub(tmp_path, providers=[with_secret(fake)]) as hub:
        await call(hub)
        azure.valid.clear()
        told = await call(hub, streamed)
        assert [one.status.code for one in told.gateway.attempts] == [grpc.StatusCode.UNAVAILABLE.value[0], 0]
        assert "access token" in told.gateway.attempts[0].status.message
        assert [seen["authorization"][-1] for seen in azure.seen] == ["1", "1", "2"]
        azure.accepts = False
        code, reason, message = await refusal(hub)
        assert (code, reason) == ("UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID")
        assert "token-" not in message
        assert [seen["authorization"][-1] for seen in azure.seen] == ["1", "1", "2", "2", "3"]


@pytest.mark.parametrize(
    ("status", "answer", "reason", "words"),
    [
        (
            401,
            {"error": "invalid_client", "error_description": f"AADSTS7000215: Invalid secret {SECRET} provided."},
            "PROVIDER_CREDENTIAL_INVALID",
            "no token (invalid_client, AADSTS7000215); tell the operator",
        ),
        (400, {"error": {"code": SECRET}}, "PROVIDER_CREDENTIAL_INVALID", "Entra gave the hub no token; tell"),
        (200, {"expires_in": 3600}, "PROVIDER_CREDENTIAL_INVALID", "no token"),
        (200, {"access_token": "t", "expires_in": "soon"}, "PROVIDER_CREDENTIAL_INVALID", "no token"),
        (200, [SECRET], "PROVIDER_CREDENTIAL_INVALID", "no token"),
        (503, {"error": "temporarily_unavailable"}, "PROVIDER_UNAVAILABLE", "Entra answered with status 503"),
        (429, {}, "PROVIDER_UNAVAILABLE", "Entra answered with status 429"),
    ],
)
async def test_without_a_token_a_call_ends_as_with_a_bad_key(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], status: int, answer: Any, reason: str, words: str
) -> None:
    azure = Azure()
    azure.refusal = (status, answer)
    async with FakeProvider(azure) as fake, running_hub(tmp_path, providers=[with_secret(fake)]) as hub:
        code, told, message = await refusal(hub)
    assert (code, told) == ("UNAVAILABLE", reason)
    assert words in message
    assert not azure.seen
    logged = "".join(capfd.readouterr())
    assert reason in logged
    assert SECRET not in message + logged


async def test_a_service_that_gives_none_is_asked_by_one_of_those_who_wait(tmp_path: Path) -> None:
    azure = Azure()
    azure.refusal = (401, {"error": "invalid_client", "error_description": "AADSTS7000215"})
    async with FakeProvider(azure) as fake, running_hub(tmp_path, providers=[with_secret(fake)]) as hub:
        told = await asyncio.gather(*(refusal(hub) for _ in range(10)))
        assert {one[:2] for one in told} == {("UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID")}
        assert all("AADSTS7000215" in message for _, _, message in told)
        assert len(azure.asked) == 1


async def test_no_token_and_no_secret_is_logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    azure = Azure()
    async with (
        FakeProvider(azure) as fake,
        running_hub(tmp_path, providers=[with_secret(fake)], log_level="debug") as hub,
    ):
        await call(hub)
        azure.accepts = False
        await refusal(hub)
    logged = "".join(capfd.readouterr())
    assert "PROVIDER_CREDENTIAL_INVALID" in logged
    assert SECRET not in logged
    assert not any(token in logged for token in azure.valid)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (400, "PROVIDER_CREDENTIAL_INVALID", "invalid_request"),
        (404, "PROVIDER_UNAVAILABLE", "status 404"),
        (410, "PROVIDER_UNAVAILABLE", "status 410"),
        (0, "PROVIDER_CREDENTIAL_INVALID", "no managed identity"),
    ],
)
async def test_a_machine_without_an_identity(tmp_path: Path, status: int, reason: str, words: str) -> None:
    azure = Azure()
    azure.refusal = (status, {"error": "invalid_request", "error_description": "Identity not found"})
    async with FakeProvider(azure) as fake:
        root = fake.base_url.removesuffix("/v1") if status else "http://127.0.0.1:1"
        environ = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": root}
        settings = [entry(fake, credentials="managed_identity")]
        async with running_hub(tmp_path, environ, providers=settings) as hub:
            code, told, message = await refusal(hub)
    assert (code, told) == ("UNAVAILABLE", reason)
    assert words in message


FULL = {"credentials": "client_secret", "tenant_id": TENANT, "client_id": CLIENT}


@pytest.mark.parametrize(
    ("options", "keys", "words"),
    [
        ({"credentials": "entra"}, [], "providers[0].options.credentials: entra is no way to prove oneself"),
        ({"tenant_id": TENANT}, ["k"], "providers[0].options.tenant_id: is for Entra; set options.credentials"),
        ({"credentials": "client_secret"}, ["k"], "options.tenant_id: is needed for client_secret; write it, or set"),
        ({**FULL, "client_id": "app"}, ["k"], "options.client_id: 'app' is no client id"),
        ({**FULL, "tenant_id": "a/b"}, ["k"], "options.tenant_id: 'a/b' is no tenant"),
        ({**FULL, "scope": "https://x"}, ["k"], "options.scope: 'https://x' is no scope"),
        ({**FULL, "authority": "login"}, ["k"], "options.authority: must begin with https://"),
        (FULL, [], "providers[0].api_keys: write a secret of the application, or set AZURE_CLIENT_SECRET"),
        ({**FULL, "credentials": "workload_identity"}, [], "options.token_file: is needed for workload_identity"),
        ({"credentials": "managed_identity"}, ["k"], "providers[0].api_keys: managed_identity takes none"),
    ],
)
async def test_options_are_checked_at_start(
    tmp_path: Path, options: dict[str, str], keys: list[str], words: str
) -> None:
    instance = {"name": "a", "kind": "azure", "base_url": "https://x.test", "api_keys": keys, "options": options}
    with pytest.raises(ConfigError) as caught:
        async with running_hub(tmp_path, providers=[instance]):
            pass
    assert words in str(caught.value)


async def test_the_secret_may_be_where_azures_own_clients_read_it(tmp_path: Path) -> None:
    azure = Azure()
    async with FakeProvider(azure) as fake:
        instance = with_secret(fake)
        environ = {"AZURE_CLIENT_SECRET": SECRET}
        async with running_hub(tmp_path, environ, providers=[{**instance, "api_keys": []}]) as hub:
            await call(hub)
            listed = str(await hub.providers.ListProviders(pb.ListProvidersRequest(), metadata=hub.auth, timeout=5))
    assert azure.asked[0]["client_secret"] == SECRET
    assert SECRET not in listed
