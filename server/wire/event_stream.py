"""AWS event streams out of the bytes of a body, however the network cut them.

A message is a prelude (length of all, length of the headers, checksum of both), headers, a payload and a checksum of
everything before it: https://smithy.io/2.0/aws/amazon-eventstream.html
"""

from collections.abc import Iterator, Mapping
from struct import Struct
from struct import error as StructError
from typing import NamedTuple
from zlib import crc32

from server.errors import ProviderBadResponse

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""Longest message that is put together: above the 24 MiB that AWS allows a payload."""

_PRELUDE = Struct(">III")
_LENGTH_OF_ALL_AND_CHECKSUMS = 16
_CHECKSUM = Struct(">I")
_LENGTH = Struct(">H")
_TRUE, _FALSE, _BYTES, _TEXT = 0, 1, 6, 7
# Header values of a fixed size by their type: byte, short, integer, long, moment, UUID.
_FIXED: Mapping[int, int] = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_CACHED = 64


class Event(NamedTuple):
    """One message. Headers that are no text (AWS sends none) are left out."""

    headers: Mapping[str, str]
    payload: bytes


class EventStreamParser:
    """Reads one body. ``feed`` it every read; it yields the messages that are whole, checked."""

    __slots__ = ("_headers", "_held", "_limit", "_size", "_wanted")

    def __init__(self, limit: int = MAX_MESSAGE_BYTES) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._wanted = _PRELUDE.size
        # Every piece of an answer comes with the same few headers.
        self._headers: dict[bytes, Mapping[str, str]] = {}

    def feed(self, data: bytes) -> Iterator[Event]:
        """Messages that this read completed, in order; take them all before the next call.

        Raises ProviderBadResponse at the first that is damaged, too long, or no such message at all.
        """
        self._held.append(data)
        self._size += len(data)
        if self._size < self._wanted:
            return
        data = b"".join(self._held)
        at = 0
        while (total := self._measure(data, at)) <= len(data) - at:
            yield self._read(memoryview(data)[at : at + total])
            at += total
        self._held = [data[at:]]
        self._size = len(data) - at
        self._wanted = total

    @property
    def inside(self) -> bool:
        """True where the body so far ends in the middle of a message."""
        return self._size > 0

    def _measure(self, data: bytes, at: int) -> int:
        """The length of the message at ``at``, or of a prelude where that has not come yet."""
        if len(data) - at < _PRELUDE.size:
            return _PRELUDE.size
        total, head, checksum = _PRELUDE.unpack_from(data, at)
        if crc32(data[at : at + 8]) != checksum or total < head + _LENGTH_OF_ALL_AND_CHECKSUMS:
            raise ProviderBadResponse("the provider sent something that is no event stream")
        if total > self._limit:
            raise ProviderBadResponse("the provider sent an event longer than the hub reads")
        return int(total)

    def _read(self, message: memoryview) -> Event:
        if crc32(message[:-4]) != _CHECKSUM.unpack(message[-4:])[0]:
            raise ProviderBadResponse("an event of the provider was damaged on its way")
        end = _PRELUDE.size + _PRELUDE.unpack_from(message)[1]
        raw = bytes(message[_PRELUDE.size : end])
        headers = self._headers.get(raw)
        if headers is None:
            headers = _read_headers(raw)
            if len(self._headers) < _CACHED:
                self._headers[raw] = headers
        return Event(headers, bytes(message[end:-4]))


def _read_headers(raw: bytes) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    at = 0
    try:
        while at < len(raw):
            end = at + 1 + raw[at]
            name, kind = raw[at + 1 : end].decode(), raw[end]
            size, at = _value(raw, kind, end + 1)
            if at + size > len(raw):
                raise ProviderBadResponse("an event of the provider has headers that cannot be read")
            if kind == _TEXT:
                headers[name] = raw[at : at + size].decode()
            at += size
    except (IndexError, KeyError, StructError, UnicodeDecodeError):
        raise ProviderBadResponse("an event of the provider has headers that cannot be read") from None
    return headers


def _value(raw: bytes, kind: int, at: int) -> tuple[int, int]:
    """The size of a header's value, and where it begins."""
    if kind in (_TRUE, _FALSE):
        return 0, at
    if kind in (_BYTES, _TEXT):
        return _LENGTH.unpack_from(raw, at)[0], at + _LENGTH.size
    return _FIXED[kind], at
