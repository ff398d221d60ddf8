"""What an operator may set of outgoing HTTP."""

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from server.transport.endpoint import check_proxy

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True)
class TransportSettings:
    """The client for providers. Sizes are in bytes, times in seconds."""

    proxy: str | None = None
    """An http:// proxy for every provider that names none of its own. The environment is not read."""
    ca_bundle: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""
    max_body_bytes: int = 64 * _MIB
    """Longest whole answer, decompressed; four 4K images as base64 JSON are about half of it."""
    max_header_bytes: int = 32 * _KIB
    """Longest status line and longest single header."""
    max_headers: int = 128
    """Most headers of one answer, and most trailers."""
    max_connections: int = 0
    """Most connections at once, 0 for no limit: admission already bounds the calls in progress."""
    max_connections_per_host: int = 0
    keepalive: float = 15.0
    """How long an idle connection is kept; shorter than servers keep theirs, so that few go stale in the pool."""
    dns_ttl: int = 10
    """How long a resolved address is used."""
    direct: bool = True
    """Write plain requests straight to the connections, which halves what asking costs; False, or another
    release of the client library than the one this was written for, leaves all to its session."""
    user_agent: str = ""
    """Empty is ``aignehub/<version>``."""

    def __post_init__(self) -> None:
        if self.proxy is not None:
            check_proxy("proxy", self.proxy)


@dataclass(frozen=True, slots=True)
class EgressSettings:
    """The guard for URLs that callers name. Sizes are in bytes, times in seconds."""

    allow_http: bool = False
    """Fetch http:// URLs too, which anyone on the way can read and change."""
    allowed_ports: frozenset[int] = frozenset({80, 443})
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    """Networks that may be fetched from although they are not public."""
    ca_bundle: str | None = None
    """A PEM file of the authorities to trust instead of the system's."""
    max_redirects: int = 3
    connect: float = 5.0
    first_byte: float = 10.0
    idle: float = 10.0
