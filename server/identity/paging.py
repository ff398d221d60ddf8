"""Keys a page at a time."""

import base64
import binascii
import heapq
import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from server.errors import InvalidArgument
from server.identity.key_format import KEY_ID_LENGTH
from server.store.base import KeyRecord

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000

_CURSOR = struct.Struct(f">Bd{KEY_ID_LENGTH}s")
_CURSOR_FORM = 1  # first byte, so that a later form of token can tell


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys, and the token that asks for those after them; empty at the end."""

    records: tuple[KeyRecord, ...]
    next_token: str


def cut(records: Iterable[KeyRecord], page_size: int, page_token: str) -> Page:
    """The newest keys after the token's place. A key made or revoked meanwhile shifts nothing.

    0 asks for 100 keys. Raises ``InvalidArgument`` naming ``page_token`` for one not made here.
    """
    size = min(page_size, LARGEST_PAGE) if page_size > 0 else DEFAULT_PAGE
    after = _place_in(page_token) if page_token else (-math.inf, "")
    rest = (record for record in records if _place(record) > after)
    found = heapq.nsmallest(size + 1, rest, key=_place)
    more = len(found) > size
    return Page(tuple(found[:size]), _token(found[size - 1]) if more else "")


def _place(record: KeyRecord) -> tuple[float, str]:
    return (-record.created_at, record.id)


def _token(record: KeyRecord) -> str:
    packed = _CURSOR.pack(_CURSOR_FORM, record.created_at, record.id.encode())
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def _place_in(token: str) -> tuple[float, str]:
    try:
        packed = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        form, created_at, key_id = _CURSOR.unpack(packed)
        if form != _CURSOR_FORM or not math.isfinite(created_at):
            raise ValueError
        return (-created_at, key_id.decode("ascii"))
    except (ValueError, binascii.Error, struct.error):
        raise InvalidArgument.field(
            "page_token", "is not one of ours; pass next_page_token of the last answer unchanged, or leave it empty"
        ) from None
