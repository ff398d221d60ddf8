"""What the providers at Amazon have in common: where they live, and how the hub proves itself to them.

A key is a Bedrock API key, or ``ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]``, which signs each request. Without
one the environment is asked (AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY and perhaps
AWS_SESSION_TOKEN), and with the option ``credentials: chain`` whatever AWS's own clients would find on the machine.
The option ``region``, AWS_REGION or AWS_DEFAULT_REGION says where.
"""

import re
from collections.abc import Callable, Mapping

from server.providers.kind import Site
from server.transport.credentials.aws import CHAIN, aws, machine_chain
from server.transport.endpoint import Authorize, Credential

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,2}-\d{1,2}")
_REGION_IN_HOST = re.compile(rf"\.({_REGION.pattern})\.")
_REGION_ENV = ("AWS_REGION", "AWS_DEFAULT_REGION")
_TOKEN_ENV = "AWS_BEARER_TOKEN_BEDROCK"  # noqa: S105 - the name of a variable
_CHAIN_OPTION = "chain"

OPTIONS = frozenset({"region", "credentials"})
SWITCHED_ON = "`AWS_REGION` with `AWS_BEARER_TOKEN_BEDROCK` or `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`"


def region_of(site: Site, environ: Mapping[str, str]) -> str:
    """The region that is configured, that the address names, or that the environment says; empty where none does.

    Raises ValueError where what is said is no region.
    """
    host = site.base_url.partition("://")[2].partition("/")[0]
    named = _REGION_IN_HOST.search(host)
    region = site.options.get("region") or (named[1] if named else "")
    region = region or next((environ[name] for name in _REGION_ENV if environ.get(name)), "")
    if region and not _REGION.fullmatch(region):
        raise ValueError(f"options.region: {region[:64]} is no region; write one such as us-east-1")
    return region


def settled(address: Callable[[str], str]) -> Callable[[Site, Mapping[str, str]], Site]:
    """A kind's ``settle``; ``address`` makes the base URL of a region."""

    def settle(site: Site, environ: Mapping[str, str]) -> Site:
        way = site.options.get("credentials", _CHAIN_OPTION)
        if way != _CHAIN_OPTION:
            raise ValueError(f"options.credentials: {way[:64]} is no way to find credentials; there is {_CHAIN_OPTION}")
        region = region_of(site, environ)
        if not region:
            raise ValueError("options.region: is needed to sign and to find the service; write one such as us-east-1")
        return Site(site.base_url or address(region), {**site.options, "region": region})

    return settle


def credentials_from(options: Mapping[str, str], environ: Mapping[str, str]) -> tuple[Credential, ...]:
    """See ProviderKind.credentials_from."""
    if options.get("credentials") == _CHAIN_OPTION:
        return (CHAIN,)
    if token := environ.get(_TOKEN_ENV, "").strip():
        return (Credential(_TOKEN_ENV, token),)
    key_id, secret, token = (
        environ.get(f"AWS_{name}", "").strip() for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
    )
    if not key_id or not secret:
        return ()
    return (Credential("AWS_ACCESS_KEY_ID", ":".join(part for part in (key_id, secret, token) if part)),)


def authorizes(service: str) -> Callable[[Mapping[str, str]], Authorize]:
    """A kind's ``authorize``; ``service`` is the name that AWS has requests signed for."""

    def authorize(options: Mapping[str, str]) -> Authorize:
        if options.get("credentials") != _CHAIN_OPTION:
            return aws(service, options["region"])
        try:
            return aws(service, options["region"], machine_chain())
        except ValueError as error:
            raise ValueError(f"options.credentials: {error}") from None

    return authorize
