"""How an operator says that the hub proves itself to Azure by Microsoft Entra ID in place of a key.

The option ``credentials`` says the way: ``client_secret``, where the keys of the instance (or AZURE_CLIENT_SECRET) are
secrets of an application; ``workload_identity``, by the token file that Kubernetes mounts; ``managed_identity``, by the
identity of the virtual machine, App Service or container. ``tenant_id`` and ``client_id`` name the application or the
assigned identity, ``authority`` another cloud's login service, ``scope`` what tokens are for, ``token_file`` the file;
what is left out is taken from the variables that Azure's own clients read (_FROM_ENVIRONMENT). Azure Arc and Service
Fabric, whose identities are asked for in other ways, are not served, nor are certificates in place of secrets.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from server.providers.kind import Site
from server.transport.credentials import entra
from server.transport.endpoint import Authorize, Credential, check_base_url

AZURE_SCOPE = "https://cognitiveservices.azure.com/.default"
"""https://learn.microsoft.com/azure/ai-foundry/openai/how-to/managed-identity"""
FOUNDRY_SCOPE = "https://ai.azure.com/.default"
"""https://learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/configure-entra-id"""

OPTIONS = frozenset({"credentials", "tenant_id", "client_id", "authority", "scope", "token_file"})

_SECRET, _WORKLOAD, _MACHINE = "client_secret", "workload_identity", "managed_identity"
_WAYS = (_SECRET, _WORKLOAD, _MACHINE)
_SECRET_ENV = "AZURE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
_HEADER_ENV = "IDENTITY_HEADER"
# https://learn.microsoft.com/python/api/overview/azure/identity-readme#environment-variables
_FROM_ENVIRONMENT: Mapping[str, str] = {
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "authority": "AZURE_AUTHORITY_HOST",
    "token_file": "AZURE_FEDERATED_TOKEN_FILE",
    "identity_endpoint": "IDENTITY_ENDPOINT",
    "metadata_host": "AZURE_POD_IDENTITY_AUTHORITY_HOST",
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    _SECRET: ("tenant_id", "client_id"),
    _WORKLOAD: ("tenant_id", "client_id", "token_file"),
    _MACHINE: (),
}
_FORMS: Mapping[str, tuple[re.Pattern[str], str]] = {
    # An id, or a domain of the tenant's.
    "tenant_id": (re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,254}"), "tenant, such as its id or contoso.onmicrosoft.com"),
    "client_id": (re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"), "client id, which is a UUID"),
    "scope": (re.compile(r"[!-~]+/\.default"), f"scope, such as {AZURE_SCOPE}"),
}


def settle(site: Site, environ: Mapping[str, str]) -> Site:
    """A kind's ``settle``."""
    way = site.options.get("credentials", "")
    if not way:
        for name in sorted(OPTIONS & site.options.keys()):
            raise ValueError(f"options.{name}: is for Entra; set options.credentials to one of {', '.join(_WAYS)}")
        return site
    if way not in _WAYS:
        raise ValueError(f"options.credentials: {way[:64]} is no way to prove oneself; there are {', '.join(_WAYS)}")
    options = {**_told(environ), **site.options}
    for name in _NEEDED[way]:
        if not options.get(name):
            raise ValueError(f"options.{name}: is needed for {way}; write it, or set {_FROM_ENVIRONMENT[name]}")
    _check(options)
    return Site(site.base_url, options)


def _told(environ: Mapping[str, str]) -> dict[str, str]:
    """What the environment says of the options."""
    told = {name: environ.get(variable, "").strip() for name, variable in _FROM_ENVIRONMENT.items()}
    # Azure Arc and Service Fabric have an endpoint of another form, without the header.
    unusable = () if environ.get(_HEADER_ENV) else ("identity_endpoint",)
    return {name: value for name, value in told.items() if value and name not in unusable}


def _check(options: Mapping[str, str]) -> None:
    for name, (form, words) in _FORMS.items():
        if (value := options.get(name, "")) and not form.fullmatch(value):
            raise ValueError(f"options.{name}: {value[:64]!r} is no {words}")
    for name in ("authority", "identity_endpoint", "metadata_host"):
        if name in options:
            check_base_url(f"options.{name}", options[name])


def credentials_from(options: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Credential, ...]:
    """See ProviderKind.credentials_from."""
    match options.get("credentials"):
        case "client_secret":
            if secret := environ.get(_SECRET_ENV, "").strip():
                return (Credential(_SECRET_ENV, secret),)
            raise ValueError(f"api_keys: write a secret of the application, or set {_SECRET_ENV}")
        case "workload_identity":
            return (Credential(_WORKLOAD),)
        case "managed_identity":
            header = environ.get(_HEADER_ENV, "") if "identity_endpoint" in options else ""
            return (Credential(_MACHINE, header),)
        case _:
            return ()


def takes_no_keys(options: Mapping[str, str]) -> bool:
    """See ProviderKind.takes_no_keys."""
    return options.get("credentials") in (_WORKLOAD, _MACHINE)


def authorizes(key: Authorize, scope: str) -> Callable[[Mapping[str, str]], Authorize]:
    """A kind's ``authorize``: ``key`` where no way of Entra's is configured; ``scope`` is what tokens are for."""

    def authorize(options: Mapping[str, str]) -> Authorize:
        way = options.get("credentials")
        if not way:
            return key
        wanted = options.get("scope", scope)
        client_id = options.get("client_id", "")
        if way == _MACHINE:
            endpoint = options.get("identity_endpoint", "")
            metadata = options.get("metadata_host", entra.METADATA).rstrip("/")
            return entra.by_machine(entra.Identity(wanted, client_id, endpoint, metadata))
        authority = options.get("authority", entra.LOGIN)
        application = entra.Application(options["tenant_id"], client_id, wanted, authority)
        if way == _WORKLOAD:
            return entra.by_workload(application, Path(options["token_file"]))
        return entra.by_secret(application)

    return authorize
