"""From settings to what goes out: the client for providers, and the guard for what callers name."""

import ssl
from collections.abc import Mapping

from server.config.settings import Settings
from server.errors import ConfigError
from server.transport.addresses import network as parse_network
from server.transport.settings import EgressSettings, TransportSettings

_PROXY_VARIABLES = ("HTTPS_PROXY", "https_proxy")


def transport_settings(settings: Settings, environ: Mapping[str, str]) -> TransportSettings:
    """Raises ConfigError where the proxy is none."""
    outgoing = settings.transport
    proxy = outgoing.proxy or next((environ[name] for name in _PROXY_VARIABLES if environ.get(name)), None)
    try:
        return TransportSettings(
            proxy=proxy,
            ca_bundle=_ca_bundle(settings),
            max_body_bytes=outgoing.max_response_bytes,
            max_connections=outgoing.max_connections,
        )
    except ValueError as error:
        raise ConfigError(f"transport.{error}") from None


def egress_settings(settings: Settings) -> EgressSettings:
    """The guard's own settings; callers' URLs never go through the proxy for providers."""
    return EgressSettings(
        allow_http=settings.egress.allow_http,
        allowed_networks=tuple(parse_network(text) for text in settings.egress.allowed_networks),
        allowed_ports=frozenset(settings.egress.allowed_ports),
        ca_bundle=_ca_bundle(settings),
        first_byte=settings.egress.timeout,
        idle=settings.egress.timeout,
    )


def _ca_bundle(settings: Settings) -> str | None:
    bundle = settings.transport.ca_file
    if bundle is None:
        return None
    if not bundle.is_file():
        raise ConfigError(f"transport.ca_file: there is no file {bundle}; name a PEM bundle")
    try:
        ssl.create_default_context(cafile=str(bundle))
    except OSError:
        raise ConfigError(f"transport.ca_file: {bundle} holds no PEM certificates; name a PEM bundle") from None
    return str(bundle)
