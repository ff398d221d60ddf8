"""How the hub proves itself to Google Cloud: by an API key, or by an access token.

A token is made of what the credential holds (a service account's key, or another credential file of Google's) or of
what the machine has: https://cloud.google.com/docs/authentication/application-default-credentials.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from server.errors import HubError, ProviderCredentialInvalid
from server.transport.credentials import header
from server.transport.credentials.google_files import Info, file_text, load, parsed
from server.transport.credentials.tokens import ByToken, Source, Token
from server.transport.endpoint import Authorize, Credential, Fetch
from server.wire.http import HttpResponse

MACHINE = Credential("google-adc")
"""Stands for what the machine itself has: a credential file, or the account of the instance it runs on."""

_UNTOLD_SECONDS = 300.0
"""How long a token is taken to be good that does not tell."""
_LONGEST_SECONDS = 30.0
"""Longest wait for a token; it may take a file, a token service and an impersonation, each with waits of its own."""
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_METADATA_HOST = "metadata.google.internal"


def google() -> Authorize:
    """By the credential: a credential file of Google's (JSON, or that in base64) and MACHINE give tokens.

    Any other secret is an API key, which goes as ``x-goog-api-key`` and never into the address.
    """
    return ByToken(_source, header("x-goog-api-key"))


def _source(credential: Credential) -> Source | None:
    """None for an API key."""
    if not credential.secret:
        return MachineSource()
    text = file_text(credential.secret)
    return None if text is None else LibrarySource(lambda: parsed(text))


class LibrarySource:
    """Asks Google's own library, in a thread; what it sends goes through the hub's transport."""

    def __init__(self, read: Callable[[], Info]) -> None:
        """``read`` reads the credential file; it may raise ValueError or OSError."""
        self._read = read
        self._credentials: Any = None

    async def token(self, fetch: Fetch) -> Token:
        """See Source.token. Raises ProviderCredentialInvalid where the file is no good or its token is refused."""
        bridge = _Bridge(fetch, asyncio.get_running_loop())
        try:
            async with asyncio.timeout(_LONGEST_SECONDS):
                return await asyncio.to_thread(self._refresh, bridge)
        except Exception:  # whatever the library and the services behind it raise may quote a credential
            if bridge.failure is not None:
                raise bridge.failure from None
            raise _refused() from None

    def _refresh(self, bridge: "_Bridge") -> Token:
        if self._credentials is None:
            self._credentials = load(self._read())
        credentials = self._credentials
        credentials.refresh(bridge)
        # Naive, and in UTC.
        ends = credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else None
        seconds = (ends - datetime.now(UTC)).total_seconds() if ends else _UNTOLD_SECONDS
        if not credentials.token or seconds <= 0:
            raise ValueError
        # The project that calls are counted for, where a person's own account makes them.
        project = getattr(credentials, "quota_project_id", None)
        return Token(credentials.token, seconds, {"x-goog-user-project": project} if project else {})


class _Answer:
    """An answer as the library wants it."""

    def __init__(self, response: HttpResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.data = response.body


class _Bridge:
    """The library's way to ask, called in its thread; the asking itself is done on the loop."""

    def __init__(self, fetch: Fetch, loop: asyncio.AbstractEventLoop) -> None:
        self._fetch = fetch
        self._loop = loop
        self.failure: HubError | None = None
        """Why a service could not be asked at all."""

    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> _Answer:
        """See google.auth.transport.Request."""
        raw = body.encode() if isinstance(body, str) else body or b""
        asking = self._fetch(method, url, headers or {}, raw)
        try:
            return _Answer(asyncio.run_coroutine_threadsafe(_awaited(asking), self._loop).result(_LONGEST_SECONDS))
        except HubError as error:
            self.failure = error
            raise


async def _awaited(asking: Awaitable[HttpResponse]) -> HttpResponse:
    return await asking


class MachineSource:
    """The credential file of this machine where there is one, else the account of the instance it runs on."""

    def __init__(self) -> None:
        self._source: Source | None = None

    async def token(self, fetch: Fetch) -> Token:
        """See Source.token."""
        if self._source is None:
            path = await asyncio.to_thread(_machine_file)
            self._source = MetadataSource() if path is None else LibrarySource(lambda: parsed(path.read_text("utf-8")))
        return await self._source.token(fetch)


class MetadataSource:
    """The metadata server of a Google Cloud instance: https://cloud.google.com/compute/docs/access/authenticate-workloads."""

    async def token(self, fetch: Fetch) -> Token:
        """See Source.token."""
        host = os.environ.get("GCE_METADATA_HOST") or _METADATA_HOST
        try:
            response = await fetch("GET", f"http://{host}{_METADATA_PATH}", {"Metadata-Flavor": "Google"}, b"")
        except HubError:
            raise ProviderCredentialInvalid(
                "the hub has no Google credential: no key, no credential file, no instance account; tell the operator"
            ) from None
        try:
            told = orjson.loads(response.body)
            return Token(str(told["access_token"]), float(told["expires_in"]))
        except (ValueError, TypeError, KeyError):
            raise _refused() from None


def _machine_file() -> Path | None:
    """Where Google's own clients look for it."""
    if told := os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
        return Path(told)
    folder = os.environ.get("CLOUDSDK_CONFIG")
    usual = (Path(folder) if folder else Path.home() / ".config" / "gcloud") / "application_default_credentials.json"
    return usual if usual.is_file() else None


def _refused() -> ProviderCredentialInvalid:
    return ProviderCredentialInvalid("Google gave the hub no token for its credential; tell the operator")
