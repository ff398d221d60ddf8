"""Which addresses and URLs are public. Pure rules, no look-up.

The networks are those of the IANA special-purpose registries that are not globally reachable, and the ones whose
addresses carry an IPv4 address inside, which would let a private one pass as public:
https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/iana-ipv6-special-registry
"""

import re
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata service is 100.100.100.200
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; most clouds' metadata service is 169.254.169.254
        "172.16.0.0/12",
        "192.0.0.0/24",  # Oracle's metadata service is 192.0.0.192
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's own: learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
    )
)
_PUBLIC_6 = IPv6Network(
    "2000::/3"
)  # all that is assigned as global unicast; ::ffff:0:0/96 and 64:ff9b::/96 are outside
_NOT_PUBLIC_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarking
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
# One to four numbers, each decimal, octal or hexadecimal: what inet_aton takes for an IPv4 address.
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "home.arpa")


def is_public(address: Address, allowed: tuple[Network, ...] = ()) -> bool:
    """Whether anyone on the internet may be behind ``address``, or it is in one of the ``allowed`` networks."""
    if any(address in network for network in allowed if network.version == address.version):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address.scope_id is None and address in _PUBLIC_6 and not any(address in net for net in _NOT_PUBLIC_6)


def literal(host: str) -> Address | None:
    """The address that ``host`` spells, in any spelling a resolver would take; None where it is a name."""
    bare = host.strip("[]")
    try:
        return ip_address(bare)
    except ValueError:
        pass
    if not _NUMERIC.fullmatch(bare):
        return None
    try:
        return IPv4Address(socket.inet_aton(bare.rstrip(".")))
    except OSError:
        return None


def is_local_name(host: str) -> bool:
    """Whether ``host`` is a name that only means something inside: localhost, a single label, .internal and such."""
    name = host.rstrip(".").lower()
    return "." not in name or name.endswith(tuple("." + local for local in _LOCAL_NAMES))


def network(text: str) -> Network:
    """An operator's network, such as ``10.1.0.0/16``. Raises ValueError naming it."""
    try:
        return ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"{text!r} is no network; write it as 10.1.0.0/16 or fd00::/8") from None
