"""The egress guard: the one way to a URL that a caller named.

Only public addresses are reached, the connection goes to the very address that was judged, every redirect is judged
anew, and no credential is on this client to leave with it.
"""

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import quote, urlsplit

from yarl import URL

from server import __version__
from server.errors import (
    FieldViolation,
    InvalidArgument,
    ProviderBadResponse,
    ProviderTimeout,
    ProviderUnavailable,
    UrlRefused,
)
from server.transport.addresses import Network, is_local_name, is_public, literal
from server.transport.connections import Resolve, SessionSettings
from server.transport.conversation import Waits
from server.transport.endpoint import Timeouts
from server.transport.exchange import Exchange
from server.transport.session import HttpSession
from server.transport.settings import EgressSettings
from server.transport.sniff import sniff

# Space, control characters and the backslash, where two readers of one URL disagree about its host; and the
# surrogates that stand for bytes of a Location header that are no UTF-8.
_UNCLEAR = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2000-\u200f\u2028-\u202f\ufeff\ud800-\udfff]")
_NAME = re.compile(r"(?=.{1,253}\.?$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_-]{1,63})*\.?")
_KEPT = "".join(map(chr, range(0x21, 0x7F)))  # all that is visible in ASCII stays as the caller wrote it
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_PASSED_ON = frozenset(("https", "http", "gs", "s3"))
_PRIVATE_HOST_TTL = 60.0
_MAX_PRIVATE_HOSTS = 1024
_HEADERS: Mapping[str, str] = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": f"aignehub/{__version__}",
}
_WHO = "cannot be fetched"  # stands where a provider's name stands in an error, after the field's path
_MAX_HEADER_BYTES = 16 * 1024
_MAX_HEADERS = 100


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a URL held."""

    data: bytes
    mime_type: str
    """By its first bytes where those tell, else as the server said."""


class _Refused(Exception):
    """Why a URL may not be fetched, in words for the caller."""


class EgressGuard:
    """Fetches callers' URLs. Made anywhere; started inside the loop that uses it."""

    def __init__(self, settings: EgressSettings, *, resolve: Resolve | None = None) -> None:
        """``resolve`` stands in for the system's resolver; its answers are judged all the same."""
        self._settings = settings
        self._look_up = resolve or _system_resolve
        self._timeouts = Timeouts(settings.connect, settings.first_byte, settings.idle)
        self._session: HttpSession | None = None
        self._private: dict[str, tuple[float, bool]] = {}

    async def start(self) -> None:
        """Makes the client: a connection for each request, no proxy, no cookies, no credentials."""
        self._session = HttpSession(
            SessionSettings(
                ca_bundle=self._settings.ca_bundle,
                max_header_bytes=_MAX_HEADER_BYTES,
                max_headers=_MAX_HEADERS,
                keepalive=0,
            ),
            resolve=self._resolve,
        )

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def check_literal(self, url: str, *, field: str) -> None:
        """For a URL that a public provider is to fetch: raises UrlRefused where it plainly names a place inside.

        Nothing is looked up; the provider's own guard judges what a name leads to.
        """
        try:
            target = _parse(url, _PASSED_ON)
            if target.scheme in ("http", "https"):
                _judge_host(target, ())
        except _Refused as refused:
            raise _refusal(field, refused) from None

    async def fetch(
        self, url: str, *, field: str, deadline: float, max_bytes: int, accept: Sequence[str] = ()
    ) -> Fetched:
        """What ``url`` holds, if it is at most ``max_bytes`` and its media type starts with one of ``accept``.

        Raises UrlRefused where it may not be fetched, InvalidArgument where it cannot be (both name ``field``),
        ProviderTimeout where it is too slow.
        """
        try:
            target = _parse(url, self._schemes())
            for _ in range(self._settings.max_redirects + 1):
                self._judge(target)
                answer = await self._get(target, deadline, max_bytes)
                if isinstance(answer, Fetched):
                    return _accepted(answer, accept, field)
                target = _parse(answer, self._schemes())
        except _Refused as refused:
            raise _refusal(field, refused) from None
        except ProviderTimeout as error:
            raise ProviderTimeout(f"{field}: {error.message}") from None
        except (ProviderUnavailable, ProviderBadResponse) as error:
            raise InvalidArgument.field(field, error.message) from None
        raise InvalidArgument.field(field, f"redirects more than {self._settings.max_redirects} times")

    async def is_private_host(self, base_url: str) -> bool:
        """Whether an operator's provider is inside the operator's network: by its address, or one its name leads to.

        True as well where the name leads nowhere, since then nobody can say that it is outside.
        """
        now = asyncio.get_running_loop().time()
        known = self._private.get(base_url)
        if known is not None and now < known[0]:
            return known[1]
        private = await self._leads_inside(URL(base_url))
        if len(self._private) >= _MAX_PRIVATE_HOSTS:
            self._private.clear()
        self._private[base_url] = (now + _PRIVATE_HOST_TTL, private)
        return private

    async def _leads_inside(self, url: URL) -> bool:
        host = url.raw_host or ""
        if (address := literal(host)) is not None:
            return not is_public(address)
        try:
            addresses = await self._look_up(host, url.port or 443)
        except OSError:
            return True
        return not addresses or not all(is_public(ip_address(one)) for one in addresses)

    async def _get(self, target: URL, deadline: float, max_bytes: int) -> Fetched | str:
        """What is there, or where it redirects to."""
        if self._session is None:
            raise RuntimeError("the guard is not started")
        waits = Waits(_WHO, self._timeouts, deadline)
        ask = self._session.begin("GET", str(target), _HEADERS, b"", waits)
        async with Exchange(self._session.loop, set(), ask, waits, max_bytes, redirects=True) as exchange:
            if exchange.status in _REDIRECTS and (location := exchange.headers.get("Location")):
                return _joined(target, location)
            if exchange.status != 200:
                raise ProviderUnavailable(f"{_WHO}: it answered with status {exchange.status}")
            data = await exchange.body()
            declared = exchange.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Fetched(data, sniff(data) or declared)

    def _schemes(self) -> frozenset[str]:
        return frozenset(("https", "http")) if self._settings.allow_http else frozenset(("https",))

    def _judge(self, target: URL) -> None:
        if target.port not in self._settings.allowed_ports:
            raise _Refused(f"port {target.port} may not be fetched from")
        _judge_host(target, self._settings.allowed_networks)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        """The connector asks here, once for each connection, and connects to nothing but the answer."""
        addresses = await self._look_up(host, port)
        if not addresses:
            raise OSError("no address")
        for one in addresses:
            if not is_public(ip_address(one), self._settings.allowed_networks):
                raise _Refused("names a host with a private or reserved address")
        return addresses


async def _system_resolve(host: str, port: int) -> Sequence[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _parse(text: str, schemes: frozenset[str]) -> URL:
    """The URL as it will be used: host normalised, path and query byte for byte, since they may be signed."""
    if _UNCLEAR.search(text):
        raise _Refused("holds a space, a control character or a backslash; escape it with %")
    try:
        url, split = URL(text), urlsplit(text)
    except ValueError:
        raise _Refused("is no URL") from None
    if url.scheme not in schemes:
        raise _Refused(f"must begin with {' or '.join(sorted(f'{one}://' for one in schemes))}; send bytes as data")
    if url.raw_user is not None or url.raw_password is not None:
        raise _Refused("must not hold a user or a password")
    host = url.raw_host or ""
    if literal(host) is None and not _NAME.fullmatch(host):
        raise _Refused("names no host")
    query = f"?{split.query}" if split.query else ""
    path = quote(f"{split.path or '/'}{query}", safe=_KEPT)
    return URL(f"{url.scheme}://{url.host_port_subcomponent}{path}", encoded=True)


def _judge_host(target: URL, allowed: tuple[Network, ...]) -> None:
    host = target.raw_host or ""
    address = literal(host)
    if address is not None and not is_public(address, allowed):
        raise _Refused("names a private or reserved address")
    if address is None and is_local_name(host) and not allowed:
        raise _Refused("names a host that is not public")


def _joined(base: URL, location: str) -> str:
    if _UNCLEAR.search(location):
        raise _Refused("redirects to what is no URL")
    try:
        return str(base.join(URL(location, encoded=True)))
    except ValueError:
        raise _Refused("redirects to what is no URL") from None


def _accepted(fetched: Fetched, accept: Sequence[str], field: str) -> Fetched:
    if accept and not fetched.mime_type.startswith(tuple(accept)):
        wanted = " or ".join(f"{one}*" if one.endswith("/") else one for one in accept)
        found = (
            fetched.mime_type if re.fullmatch(r"[a-z0-9.+-]+/[a-z0-9.+-]+", fetched.mime_type) else "of no known type"
        )
        raise InvalidArgument.field(field, f"is {found}, not {wanted}")
    return fetched


def _refusal(field: str, refused: _Refused) -> UrlRefused:
    why = str(refused)
    return UrlRefused(f"{field}: {why}", fields=(FieldViolation(field, why, UrlRefused.reason),))
