"""Which hub a command talks to, and with which key."""

import ipaddress
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from server.cli.failure import USAGE, CommandFailed
from server.cli.terminal import note

DEFAULT_ADDRESS = "127.0.0.1:50051"
_DEFAULT_PORT = 50051
_LONGEST_KEY = 16_384  # A JWT of an issuer with many groups takes some kilobytes; no header takes more than this.


@dataclass(frozen=True, slots=True)
class Address:
    """Where a hub listens: ``target`` as gRPC spells it, ``local`` where nothing leaves this machine."""

    target: str
    local: bool


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it was found, for error messages; the secret never shows in a repr."""

    secret: str = field(repr=False)
    source: str


@dataclass(frozen=True, slots=True)
class Target:
    """All that is needed to call a hub."""

    address: Address
    key: Key | None
    tls: bool
    root_certificates: bytes | None = field(default=None, repr=False)
    """PEM certificates to trust; None takes the system's."""


def find_target(address: str, key_file: Path | None, *, tls: bool, ca_file: Path | None, insecure: bool) -> Target:
    """Puts the options of a command and the environment together.

    Raises CommandFailed for an address or key that cannot be right, and where a key would travel in the open.
    """
    where = parse_address(address)
    key = _find_key(where, key_file)
    encrypted = tls or ca_file is not None
    if key and not (where.local or encrypted or insecure):
        raise CommandFailed(
            f"a key is not sent unencrypted to {where.target}",
            "add --tls (or HUB_TLS=1); on a network you trust, --insecure (or HUB_INSECURE=1) sends it all the same",
            status=USAGE,
        )
    return Target(where, key, encrypted, _read(ca_file, "--ca-file") if ca_file else None)


def parse_address(text: str) -> Address:
    """Reads ``host``, ``host:port``, ``[ipv6]:port`` or ``unix:/path``."""
    text = text.strip()
    if text.startswith("unix:"):
        if not text.removeprefix("unix:").strip("/"):
            raise _bad_address(text)
        return Address(text, local=True)
    host, port = _split(text)
    if not host or not host.isascii() or any(c in host for c in "/@?#% ") or not host.isprintable():
        raise _bad_address(text)
    if not port.isascii() or not port.isdigit() or not 0 < int(port[:6]) < 65536:
        raise _bad_address(text)
    return Address(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", _is_loopback(host))


def _split(text: str) -> tuple[str, str]:
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or not _is_ip(host) or (rest and not rest.startswith(":")):
            raise _bad_address(text)
        return host, rest[1:] if rest else str(_DEFAULT_PORT)
    if text.count(":") > 1:
        if not _is_ip(text):
            raise _bad_address(text)
        return text, str(_DEFAULT_PORT)
    host, colon, port = text.partition(":")
    return host, port if colon else str(_DEFAULT_PORT)


def _bad_address(text: str) -> CommandFailed:
    remedy = "write host:port, [ipv6]:port or unix:/path"
    if "://" in text:
        remedy += " without a scheme, and add --tls for https"
    return CommandFailed(f"{text!r} is not an address of a hub", remedy, status=USAGE)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    # RFC 6761 section 6.3: localhost and names below it never leave the machine.
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_ip(host) and ipaddress.ip_address(host).is_loopback


def _find_key(where: Address, key_file: Path | None) -> Key | None:
    if key_file is not None:
        return _key_of_file(key_file)
    from_environment = os.environ.get("HUB_API_KEY", "")
    if from_environment.strip():
        return _checked(from_environment, "HUB_API_KEY")
    # The key `make run` left belongs to the hub on this machine: it is not shown to any other.
    left_by_run = local_data_dir() / "key"
    return _key_of_file(left_by_run) if where.local and left_by_run.is_file() else None


def local_data_dir() -> Path:
    """Where the hub of this machine keeps its data: HUB_DATA_DIR, or ``.hub`` in the current folder."""
    return Path(os.environ.get("HUB_DATA_DIR") or ".hub")


def _key_of_file(path: Path) -> Key:
    content = _read(path, "the key file")
    if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        note(f"warning: other users can read the key in {path}; run: chmod 600 {path}")
    return _checked(content.decode("ascii", "replace"), str(path))


def _checked(text: str, source: str) -> Key:
    secret = text.strip()
    if not secret or len(secret) > _LONGEST_KEY or not all("!" <= c <= "~" for c in secret):
        raise CommandFailed(
            f"what {source} holds is not a key",
            "it should be one line without spaces, as `hub keys create` printed it",
            status=USAGE,
        )
    return Key(secret, source)


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CommandFailed(f"{what}: {path}: {why}", "name a file that you can read", status=USAGE) from None
