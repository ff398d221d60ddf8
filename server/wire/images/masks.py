"""A mask of the contract, a PNG whose see-through pixels may change, painted as other formats want it: gray.

https://www.w3.org/TR/png-3/. Only the alpha channel is read: filters work on each channel by itself.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from operator import add

from server.errors import InvalidArgument

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_PIXELS = 4096 * 4096
"""A larger mask would take seconds to paint."""
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_PALETTE = 3
_WITH_ALPHA = {4: 2, 6: 4}
_INVERTED = bytes(range(255, -1, -1))
_WHITE_OR_BLACK = bytes(128) + b"\xff" * 128


class _Unreadable(Exception):
    """What is wrong with the mask, in words for the caller."""


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    color: int

    @property
    def pixel(self) -> int:
        """Bytes from one pixel to the next, at least one."""
        return max(1, _CHANNELS[self.color] * self.depth // 8)

    @property
    def stride(self) -> int:
        """Bytes of a row, without the one that names its filter."""
        return (self.width * _CHANNELS[self.color] * self.depth + 7) // 8


def painted(mask: bytes, *, marks: str, grays: bool = True) -> bytes:
    """A gray PNG of the same size: what may change is ``marks``, black or white, the rest the other.

    Pixels that are see-through in part are gray; where the vendor reads no ``grays``, the nearer of the two.
    Raises InvalidArgument naming ``mask`` where it has no see-through pixels, or cannot be read.
    """
    try:
        header, rows = _alphas(mask)
    except _Unreadable as error:
        raise InvalidArgument.field("mask", str(error)) from None
    table = _INVERTED if marks == "white" else None
    if not grays:
        table = _WHITE_OR_BLACK[::-1] if marks == "white" else _WHITE_OR_BLACK
    if all(row.count(255) == len(row) for row in rows):
        raise InvalidArgument.field("mask", "has no see-through pixels, so nothing may change")
    packed = zlib.compress(b"".join(b"\0" + row.translate(table) for row in rows))
    about = struct.pack(">IIBBBBB", header.width, header.height, 8, 0, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", about) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _alphas(mask: bytes) -> tuple[_Header, list[bytes]]:
    """How opaque each pixel is, row by row."""
    header = _header(mask)
    chunks = _chunks(mask)
    if header.color not in _WITH_ALPHA and not (header.color == _PALETTE and b"tRNS" in chunks):
        raise _Unreadable("has no alpha channel; send a PNG whose see-through pixels may change")
    size = (header.stride + 1) * header.height
    try:
        raw = zlib.decompressobj().decompress(chunks.get(b"IDAT", b""), size)
    except zlib.error:
        raise _Unreadable("cannot be decompressed") from None
    if len(raw) != size:
        raise _Unreadable("holds fewer pixels than it says")
    if header.color == _PALETTE:
        return header, _palette_rows(header, raw, chunks[b"tRNS"])
    # The last channel; of 16 bits the higher byte says enough.
    at = header.pixel - header.depth // 8
    return header, _unfiltered(raw, header.stride, at, header.pixel)


def _header(mask: bytes) -> _Header:
    if not mask.startswith(_SIGNATURE) or mask[12:16] != b"IHDR" or len(mask) < 33:
        raise _Unreadable("is no PNG")
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", mask[16:29])
    if color not in _CHANNELS or depth not in ((8, 16) if color in _WITH_ALPHA else (1, 2, 4, 8, 16)):
        raise _Unreadable("is a PNG of no known kind")
    if interlaced:
        raise _Unreadable("is interlaced; save it without")
    if not 0 < width * height <= _MAX_PIXELS:
        raise _Unreadable(f"has {width * height} pixels; at most {_MAX_PIXELS} are read")
    return _Header(width, height, depth, color)


def _chunks(mask: bytes) -> dict[bytes, bytes]:
    """By kind, the pieces of a kind joined."""
    found: dict[bytes, list[bytes]] = {}
    place = len(_SIGNATURE)
    while place + 12 <= len(mask):
        length = int.from_bytes(mask[place : place + 4], "big")
        found.setdefault(mask[place + 4 : place + 8], []).append(mask[place + 8 : place + 8 + length])
        place += 12 + length
    return {kind: b"".join(pieces) for kind, pieces in found.items()}


def _palette_rows(header: _Header, raw: bytes, alphas: bytes) -> list[bytes]:
    table = (alphas + b"\xff" * 256)[:256]
    if header.depth == 8:
        return [row.translate(table) for row in _unfiltered(raw, header.stride, 0, 1)]
    each, mask = 8 // header.depth, (1 << header.depth) - 1
    opened = [bytes(table[byte >> (8 - header.depth * (at + 1)) & mask] for at in range(each)) for byte in range(256)]
    packed = _unfiltered(raw, header.stride, 0, 1)
    return [b"".join([opened[byte] for byte in row])[: header.width] for row in packed]


def _unfiltered(raw: bytes, stride: int, at: int, step: int) -> list[bytes]:
    """The channel at ``at`` of pixels that are ``step`` bytes, row by row."""
    above = bytes(len(range(at, stride, step)))
    rows = []
    for start in range(0, len(raw), stride + 1):
        line = raw[start + 1 + at : start + 1 + stride : step]
        above = _row(raw[start], line, above)
        rows.append(above)
    return rows


def _row(kind: int, line: bytes, above: bytes) -> bytes:
    """Section 9.2 of the specification. Most rows of a mask repeat a pixel or the row above: those are quick."""
    match kind:
        case 0:
            return line
        case 1:
            return _bytes(accumulate(line))
        case 2 | 4 if not any(line):
            return above
        case 2:
            return _bytes(map(add, line, above))
        case 3:
            return _average(line, above)
        case 4:
            return _paeth(line, above)
        case _:
            raise _Unreadable("has a row of a filter that does not exist")


def _bytes(sums: Iterable[int]) -> bytes:
    return bytes(map((255).__and__, sums))


def _average(line: bytes, above: bytes) -> bytes:
    out = bytearray()
    left = 0
    for value, up in zip(line, above, strict=True):
        left = (value + (left + up) // 2) & 255
        out.append(left)
    return bytes(out)


def _paeth(line: bytes, above: bytes) -> bytes:
    out = bytearray()
    left = corner = 0
    for value, up in zip(line, above, strict=True):
        to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        other = up if to_up <= to_corner else corner
        near = left if to_left <= to_up and to_left <= to_corner else other
        left = (value + near) & 255
        out.append(left)
        corner = up
    return bytes(out)
