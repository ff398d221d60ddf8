"""From settings to what tells callers apart."""

from asyncio import get_running_loop

from server.config.settings import IssuerSettings, Settings
from server.errors import ConfigError
from server.identity.authenticator import Authenticator, TokenVerifier, token_verifier
from server.identity.issuer import Issuer
from server.identity.registry import KeyRegistry
from server.identity.rights import Rights
from server.transport.client import Transport

_JWKS_SECONDS = 10.0
_JWKS_BYTES = 1024 * 1024


def build_tokens(settings: Settings, transport: Transport) -> TokenVerifier | None:
    """The verifier of the configured issuers; None where there are none. Raises ConfigError or HubError."""

    async def fetch(url: str) -> bytes:
        deadline = get_running_loop().time() + _JWKS_SECONDS
        return await transport.fetch_document(url, deadline=deadline, max_bytes=_JWKS_BYTES)

    names = [entry.issuer for entry in settings.auth.issuers]
    for index, entry in enumerate(settings.auth.issuers):
        if entry.issuer in names[:index]:
            raise ConfigError(f"auth.issuers[{index}].issuer: {entry.issuer} is listed twice; merge the two")
        if entry.jwks_file and not entry.jwks_file.is_file():
            raise ConfigError(f"auth.issuers[{index}].jwks_file: there is no file {entry.jwks_file}")
    return token_verifier([_issuer(entry) for entry in settings.auth.issuers], fetch)


def build_authenticator(registry: KeyRegistry, tokens: TokenVerifier | None) -> Authenticator:
    """Keys of the registry beside tokens."""
    return Authenticator(registry.keyring, tokens)


def _issuer(entry: IssuerSettings) -> Issuer:
    return Issuer(
        issuer=entry.issuer,
        audiences=entry.audiences,
        algorithms=entry.algorithms,
        leeway=entry.leeway,
        jwks_url=entry.jwks_url,
        jwks_file=entry.jwks_file,
        scopes={name: Rights(rights.methods, rights.models) for name, rights in entry.scopes.items()},
        scope_claim=entry.scope_claim,
    )
