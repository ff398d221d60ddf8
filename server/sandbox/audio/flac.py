"""FLAC without compression: verbatim frames of one channel, written and read back. RFC 9639."""

import struct
from array import array
from collections.abc import Iterable, Iterator
from functools import cache

from server.wire.pcm import bytes_of

_SYNC = 0xFFF9  # 14 bits of sync, variable block size
_SIZE_16, _RATE_16, _MONO_16BIT = 0x70, 0x0D, 0x08


def begin(rate: int, samples: int, largest: int) -> bytes:
    """The mark and STREAMINFO; ``largest`` is the longest piece that will come."""
    packed = (rate << 44) | (0 << 41) | (15 << 36) | samples
    info = struct.pack(">HH", 16, max(16, largest)) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info


def frames(pieces: "Iterable[array[int]]", rate: int) -> Iterator[bytes]:
    """A frame for each piece. Rates are written in Hz up to 65535."""
    place = 0
    for piece in pieces:
        if piece:
            yield _frame(piece, place, rate)
            place += len(piece)


def read(data: bytes) -> "array[int]":
    """The samples of what ``frames`` wrote; empty where it is anybody else's."""
    samples: array[int] = array("h")
    place = 4
    while place + 4 <= len(data):
        last, size = data[place] & 0x80, int.from_bytes(data[place + 1 : place + 4], "big")
        place += 4 + size
        if last:
            break
    while place + 8 < len(data):
        head = _read_head(data, place)
        if head is None:
            return array("h")
        begin, count = head
        end = begin + 2 * count
        block = array("h", data[begin:end])
        block.byteswap()
        samples.extend(block)
        place = end + 2
    return samples


def _read_head(data: bytes, place: int) -> tuple[int, int] | None:
    if data[place : place + 2] != _SYNC.to_bytes(2, "big") or data[place + 2 : place + 4] != bytes(
        [_SIZE_16 | _RATE_16, _MONO_16BIT]
    ):
        return None
    number = place + 4
    first = data[number]
    number += 1 if first < 0x80 else 8 - (first ^ 0xFF).bit_length()
    count = int.from_bytes(data[number : number + 2], "big") + 1
    begin = number + 2 + 2 + 1 + 1  # size, rate, checksum, the kind of the subframe
    return (begin, count) if data[begin - 1] == 0x02 and begin + 2 * count + 2 <= len(data) else None


def _frame(piece: "array[int]", place: int, rate: int) -> bytes:
    head = _SYNC.to_bytes(2, "big") + bytes([_SIZE_16 | _RATE_16, _MONO_16BIT]) + _coded(place)
    head += (len(piece) - 1).to_bytes(2, "big") + rate.to_bytes(2, "big")
    head += bytes([_checksum(head, 0x07, 8)])
    swapped = array("h", bytes_of(piece))
    swapped.byteswap()
    body = head + b"\x02" + swapped.tobytes()
    return body + _checksum(body, 0x8005, 16).to_bytes(2, "big")


def _coded(number: int) -> bytes:
    """The number as UTF-8 would write it, up to 36 bits."""
    if number < 0x80:
        return bytes([number])
    length = 2
    while number >= 1 << (5 * length + 1):
        length += 1
    tail = [0x80 | number >> 6 * place & 0x3F for place in range(length - 1)]
    first = (0xFF00 >> length & 0xFF) | number >> 6 * (length - 1)
    return bytes([first, *reversed(tail)])


def _checksum(data: bytes, polynomial: int, width: int) -> int:
    table = _table(polynomial, width)
    value, mask, shift = 0, (1 << width) - 1, width - 8
    for byte in data:
        value = (value << 8 & mask) ^ table[value >> shift ^ byte]
    return value


@cache
def _table(polynomial: int, width: int) -> list[int]:
    top, mask = 1 << width - 1, (1 << width) - 1
    table = []
    for byte in range(256):
        value = byte << width - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table
