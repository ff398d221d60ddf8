"""Where a provider lives and how the hub proves itself there."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from urllib.parse import SplitResult, urlsplit

from server.wire.http import HttpResponse

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, 5.6.2
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")  # RFC 9110, 5.5, without obs-text
_URL = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Credential:
    """One key of a provider. ``name`` may be told to anyone; ``secret`` is left out of every repr.

    White space around the secret is dropped, since a secret file ends in a newline; a secret that is a JSON object,
    such as the credential files of clouds, may have lines. Raises ValueError where what is left cannot travel in a
    header; the message names the credential and never quotes it.
    """

    name: str
    secret: str = field(default="", repr=False)
    weight: int = 100
    """Its share of the calls, beside the weights of the provider's other keys."""

    def __post_init__(self) -> None:
        secret = self.secret.strip()
        # Within JSON a line break stands between values alone.
        object.__setattr__(self, "secret", " ".join(secret.splitlines()) if secret.startswith("{") else secret)
        if not _HEADER_VALUE.fullmatch(self.secret):
            raise ValueError(
                f"credential {self.name!r}: the secret holds a line break, a control character or a character "
                "outside ASCII, which no HTTP header can carry; copy it again from the provider"
            )


class Fetch(Protocol):
    """Asks a token service, within the deadline of the call that needs the token."""

    async def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """The whole answer, whatever its status. Raises HubError where there is none."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request about to be sent, as far as a proof of identity may rest on it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | tuple[bytes, ...]
    """Whole, or in the pieces that are sent one after the other."""
    fetch: Fetch


Authorize = Callable[[Credential, Outgoing], Mapping[str, str] | Awaitable[Mapping[str, str]]]
"""The headers that prove who the hub is: at once, or awaited where a token must be fetched first."""


@runtime_checkable
class KeepsTokens(Protocol):
    """An Authorize that keeps what it fetched."""

    def forget(self, credential: Credential, authorization: str) -> bool:
        """The host refused a request with that Authorization header; empty where it was fetched for this request.

        True where a further request may have another one.
        """


@dataclass(frozen=True, slots=True)
class Settled:
    """An Authorize whose headers follow from the credential and the request's other headers alone.

    What it gave once serves every later request with the same.
    """

    headers: Callable[[Credential, Mapping[str, str]], Mapping[str, str]]
    """The headers for a credential beside others."""

    def __call__(self, credential: Credential, outgoing: Outgoing) -> Mapping[str, str]:
        """See Authorize."""
        return self.headers(credential, outgoing.headers)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Longest waits in seconds; the caller's deadline ends all of them sooner."""

    connect: float = 5.0
    """To connect, TLS included."""
    first_byte: float = 120.0
    """From the request sent to the answer's first header."""
    idle: float = 60.0
    """Between two reads of the body."""

    def __post_init__(self) -> None:
        for name in ("connect", "first_byte", "idle"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"timeouts.{name}: must be a number of seconds above 0")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One instance of a provider.

    Raises ValueError, written for the operator, where the URL or a header could never be sent.
    """

    name: str
    """The operator's name for the instance; it is the prefix of its models."""
    base_url: str
    """Where every path is appended; a slash at the end is dropped."""
    authorize: Authorize
    """Headers that carry the credential; see transport.credentials."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Sent with every request, such as OpenAI-Organization."""
    timeouts: Timeouts = Timeouts()
    proxy: str | None = None
    """An http:// proxy for this provider."""

    def forget(self, credential: Credential, authorization: str) -> bool:
        """See KeepsTokens; False where nothing is kept."""
        return isinstance(self.authorize, KeepsTokens) and self.authorize.forget(credential, authorization)

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/"))
        object.__setattr__(self, "headers", {name: value.strip() for name, value in self.headers.items()})
        check_base_url(f"provider {self.name!r}: base_url", self.base_url)
        for name, value in self.headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"provider {self.name!r}: {name!r} is no HTTP header name")
            if not _HEADER_VALUE.fullmatch(value):
                raise ValueError(
                    f"provider {self.name!r}: the value of header {name} holds a line break, a control character "
                    "or a character outside ASCII"
                )
        if self.proxy is not None:
            check_proxy(f"provider {self.name!r}: proxy", self.proxy)


def check_base_url(path: str, url: str) -> None:
    """Raises ValueError, beginning with ``path``, where ``url`` cannot be the start of a provider's URLs.

    The URL itself is not quoted: it may hold a password.
    """
    parts = _split(path, url, "https", "http")
    if "@" in parts.netloc:
        raise ValueError(f"{path}: must not hold a user or a password; give the key under api_keys")
    if "?" in url or "#" in url:
        raise ValueError(f"{path}: must end before any ? or #")


def check_proxy(path: str, url: str) -> None:
    """Raises ValueError, beginning with ``path``, where ``url`` is no http:// proxy."""
    _split(path, url, "http")


def _split(path: str, url: str, *schemes: str) -> SplitResult:
    if not _URL.fullmatch(url):
        raise ValueError(f"{path}: {'holds a space or a character outside ASCII' if url else 'is empty'}")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{path}: is no URL") from None
    if parts.scheme not in schemes:
        raise ValueError(f"{path}: must begin with {' or '.join(f'{one}://' for one in schemes)}")
    if not host:
        raise ValueError(f"{path}: names no host")
    return parts
