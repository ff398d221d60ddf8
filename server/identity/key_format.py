"""How a key looks: ``hub_<id>_<secret><checksum>``, told from garbage without asking anybody.

    hub_  fixed, so that secret scanners and people recognise one
    id        16 base62 characters, public: what the hub looks the key up by
    secret    43 base62 characters, 256 random bits
    checksum   6 base62 characters, CRC-32 of all that stands before them

After GitHub's tokens: https://github.blog/engineering/behind-githubs-new-authentication-token-formats/
"""

import re
import secrets
import string
from binascii import crc32
from dataclasses import dataclass, field

PREFIX = "hub_"
KEY_ID_LENGTH = 16

_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SECRET_LENGTH = 43  # 43 * log2(62) = 256.04 bits
_CHECKSUM_LENGTH = 6  # 62 ** 6 > 2 ** 32
KEY_LENGTH = len(PREFIX) + KEY_ID_LENGTH + 1 + _SECRET_LENGTH + _CHECKSUM_LENGTH

_SHAPE = re.compile(
    rf"({PREFIX}([0-9A-Za-z]{{{KEY_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}})([0-9A-Za-z]{{{_CHECKSUM_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """A key of the right form; whether it is anybody's is for the keyring to say."""

    id: str
    text: str = field(repr=False)
    """The whole key, which is the secret."""

    @property
    def redacted(self) -> str:
        """``hub_AbCd…wxYz``: of the id the beginning, of the checksum the end, of the secret nothing."""
        return f"{self.text[:8]}…{self.text[-4:]}"


def make() -> ParsedKey:
    """A new key, from the system's secure source of randomness."""
    return renew(_random(KEY_ID_LENGTH))


def renew(key_id: str) -> ParsedKey:
    """A new secret for a key that keeps its id."""
    body = f"{PREFIX}{key_id}_{_random(_SECRET_LENGTH)}"
    return ParsedKey(key_id, body + _checksum(body))


def parse(text: str) -> ParsedKey | None:
    """The key in ``text``; None where its form or checksum is wrong. The work is the same for every text."""
    if len(text) != KEY_LENGTH:
        return None
    match = _SHAPE.fullmatch(text)
    if match is None or match[3] != _checksum(match[1]):
        return None
    return ParsedKey(match[2], text)


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    rest = crc32(body.encode("ascii"))
    digits = []
    for _ in range(_CHECKSUM_LENGTH):
        rest, digit = divmod(rest, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
