"""The secret that turns a stolen key database into nothing of use."""

import hmac
import os
import secrets
import stat
from pathlib import Path

from typing_extensions import override

from server.errors import FailedPrecondition
from server.identity.private_file import create_private

_BYTES = 32


class Pepper:
    """Makes the digests kept in place of keys: HMAC-SHA256 under a key that is not in the database.

    Keys hold 256 random bits, so a slow hash would add nothing but a way to keep the server busy.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        """``secret`` is exactly 32 bytes."""
        if len(secret) != _BYTES:
            raise ValueError(f"a pepper is {_BYTES} bytes")
        self._secret = secret

    @classmethod
    def load(cls, path: Path) -> "Pepper":
        """The pepper in this file, which the first call makes (32 random bytes, mode 0600).

        Raises ``FailedPrecondition`` (PEPPER_UNUSABLE), naming file and remedy, where it cannot be trusted.
        """
        try:
            if not path.exists():
                create_private(path, secrets.token_bytes(_BYTES))
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_BYTES + 1)
        except OSError as error:
            raise _unusable(path, "cannot be read or made; check the folder and its permissions") from error
        _check(path, mode, content)
        return cls(content)

    def digest(self, text: str) -> bytes:
        """32 bytes that stand for ``text``."""
        return hmac.digest(self._secret, text.encode(), "sha256")

    @override
    def __repr__(self) -> str:
        """Never the secret."""
        return "Pepper()"


def _check(path: Path, mode: int, content: bytes) -> None:
    # Group bits pass: Kubernetes sets them on every file of a volume with fsGroup, at each start of the pod
    # (https://kubernetes.io/docs/tasks/configure-pod-container/security-context/).
    if stat.S_IMODE(mode) & stat.S_IRWXO:
        raise _unusable(path, "is open to every user of this machine; run chmod 600 on it, and rotate the keys")
    if len(content) != _BYTES:
        size = "empty" if not content else "longer" if len(content) > _BYTES else "shorter"
        raise _unusable(
            path,
            f"must hold {_BYTES} bytes and is {size if size == 'empty' else size + ' than that'}; restore it from a "
            "backup, or remove it together with the key database to begin anew",
        )


def _unusable(path: Path, why: str) -> FailedPrecondition:
    return FailedPrecondition(f"pepper file {path} {why}", reason="PEPPER_UNUSABLE")
