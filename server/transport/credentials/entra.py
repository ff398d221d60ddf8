"""How the hub proves itself to Azure by Microsoft Entra ID: access tokens of an application or of a managed identity.

Two requests of OAuth and two of the machine's own services are all there is to it, and so no library is asked.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time
from urllib.parse import urlencode

import orjson

from server.errors import HubError, ProviderCredentialInvalid, ProviderUnavailable
from server.transport.credentials.tokens import ByToken, Source, Token
from server.transport.endpoint import Authorize, Credential, Fetch, Outgoing
from server.wire.http import HttpResponse

LOGIN = "https://login.microsoftonline.com"
METADATA = "http://169.254.169.254"

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_METADATA_PATH = "/metadata/identity/oauth2/token"
_METADATA_VERSION = "2018-02-01"
_APP_SERVICE_VERSION = "2019-08-01"
_ALL = "/.default"
_CODE = re.compile(r"AADSTS\d{4,9}")
_ERROR = re.compile(r"[a-z_]{1,60}")
_TOO_MANY = 429
_FAILED = 500
# The metadata service says 404 and 410 while it is being updated:
# https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#error-handling
_UPDATING = (404, 410)


@dataclass(frozen=True, slots=True)
class Application:
    """An application that is registered with Entra, and what its tokens are for."""

    tenant_id: str
    client_id: str
    scope: str
    authority: str = LOGIN


@dataclass(frozen=True, slots=True)
class Identity:
    """A managed identity: the machine's own, or with ``client_id`` one that was assigned to it."""

    scope: str
    client_id: str = ""
    endpoint: str = ""
    """Where App Service, Functions and Container Apps have it (IDENTITY_ENDPOINT); empty on a virtual machine."""
    metadata: str = METADATA


def by_secret(application: Application) -> Authorize:
    """A key is a secret of the application.

    https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow#get-a-token
    """

    def source(credential: Credential) -> Source:
        async def proof() -> Mapping[str, str]:
            return {"client_secret": credential.secret}

        return _ApplicationSource(application, proof)

    return ByToken(source, _no_key)


def by_workload(application: Application, file: Path) -> Authorize:
    """No key: a token that the cluster keeps in ``file`` and renews stands for the application.

    https://learn.microsoft.com/entra/workload-id/workload-identity-federation and
    https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html
    """

    async def proof() -> Mapping[str, str]:
        try:
            text = await asyncio.to_thread(file.read_text, "utf-8")
        except (OSError, UnicodeDecodeError):
            raise ProviderCredentialInvalid(
                "the hub cannot read the token file of its workload identity; tell the operator"
            ) from None
        return {"client_assertion_type": _ASSERTION_TYPE, "client_assertion": text.strip()}

    return ByToken(lambda _: _ApplicationSource(application, proof), _no_key)


def by_machine(identity: Identity) -> Authorize:
    """A managed identity; with an ``endpoint``, the key is what that wants to see (IDENTITY_HEADER).

    https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token#get-a-token-using-http
    and https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
    """
    return ByToken(lambda credential: _MachineSource(identity, credential), _no_key)


def _no_key(_credential: Credential, _outgoing: Outgoing) -> Mapping[str, str]:
    return {}


class _ApplicationSource:
    def __init__(self, application: Application, proof: Callable[[], Awaitable[Mapping[str, str]]]) -> None:
        self._application = application
        self._proof = proof

    async def token(self, fetch: Fetch) -> Token:
        """See Source.token."""
        application = self._application
        form = {
            "grant_type": "client_credentials",
            "client_id": application.client_id,
            "scope": application.scope,
            **await self._proof(),
        }
        url = f"{application.authority.rstrip('/')}/{application.tenant_id}/oauth2/v2.0/token"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return _read(await fetch("POST", url, headers, urlencode(form).encode()))


class _MachineSource:
    def __init__(self, identity: Identity, credential: Credential) -> None:
        self._identity = identity
        self._secret = credential.secret

    async def token(self, fetch: Fetch) -> Token:
        """See Source.token."""
        identity = self._identity
        query = {"resource": identity.scope.removesuffix(_ALL)}
        if identity.client_id:
            query["client_id"] = identity.client_id
        if identity.endpoint:
            told = urlencode({"api-version": _APP_SERVICE_VERSION, **query})
            return _read(await fetch("GET", f"{identity.endpoint}?{told}", {"X-IDENTITY-HEADER": self._secret}, b""))
        told = urlencode({"api-version": _METADATA_VERSION, **query})
        try:
            response = await fetch("GET", f"{identity.metadata}{_METADATA_PATH}?{told}", {"Metadata": "true"}, b"")
        except ProviderUnavailable:
            raise ProviderCredentialInvalid(
                "the hub has no managed identity: nothing here answers as Azure's metadata service; tell the operator"
            ) from None
        if response.status in _UPDATING:
            raise _failed(response.status)
        return _read(response)


def _read(response: HttpResponse) -> Token:
    """The token in an answer. Raises HubError; an answer is never quoted, but for the name and number of its error."""
    if response.status == _TOO_MANY or response.status >= _FAILED:
        raise _failed(response.status)
    try:
        told = orjson.loads(response.body)
    except ValueError:
        told = None
    fields = told if isinstance(told, dict) else {}
    value = fields.get("access_token")
    seconds = _seconds(fields)
    if response.status != 200 or not isinstance(value, str) or not value or seconds <= 0:
        raise _refused(fields)
    return Token(value, seconds)


def _seconds(fields: Mapping[str, object]) -> float:
    """How long a token is good for: told as that, or as the second at which it ends; 0 where neither is."""
    for name, since in (("expires_in", 0.0), ("expires_on", time())):
        told = fields.get(name)
        with suppress(ValueError):
            if isinstance(told, str | int | float):
                return float(told) - since
    return 0.0


def _failed(status: int) -> HubError:
    return ProviderUnavailable(f"Entra answered with status {status} when it was asked for a token")


def _refused(fields: Mapping[str, object]) -> HubError:
    name, description = fields.get("error"), fields.get("error_description")
    told = [name] if isinstance(name, str) and _ERROR.fullmatch(name) else []
    if isinstance(description, str) and (code := _CODE.search(description)):
        told.append(code[0])
    why = f" ({', '.join(told)})" if told else ""
    return ProviderCredentialInvalid(f"Entra gave the hub no token{why}; tell the operator")
