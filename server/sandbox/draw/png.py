"""PNG by hand: https://www.w3.org/TR/png-3/."""

import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType

from server.sandbox.draw.canvas import Canvas, rgb

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Mapping[int, int] = MappingProxyType({0: 1, 2: 3, 3: 1, 4: 2, 6: 4})
"""By colour type: gray, RGB, palette, gray with alpha, RGBA."""
_OPAQUE = b"\xff"


class Unreadable(Exception):
    """A PNG that is not read here; the text says why."""


def write_png(canvas: Canvas) -> bytes:
    """RGB, or RGBA where a pixel is see-through; every row unfiltered."""
    alpha = canvas.transparent
    written: dict[bytes, bytes] = {row: b"\0" + (row if alpha else rgb(row)) for row in set(canvas.rows)}
    packed = zlib.compress(b"".join([written[row] for row in canvas.rows]), 6)
    header = struct.pack(">IIBBBBB", canvas.width, canvas.height, 8, 6 if alpha else 2, 0, 0, 0)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_png(data: bytes, *, max_pixels: int) -> Canvas:
    """The picture. Eight bits a channel, not interlaced; anything else is Unreadable, by name."""
    width, height, color = _header(data, max_pixels)
    chunks = _chunks(data)
    channels = _CHANNELS[color]
    stride = width * channels
    try:
        inflater = zlib.decompressobj()
        raw = inflater.decompress(b"".join(chunks.get(b"IDAT", [])), (stride + 1) * height + 1)
    except zlib.error:
        raise Unreadable("its pixels cannot be decompressed") from None
    if len(raw) != (stride + 1) * height:
        raise Unreadable("it holds more or fewer pixels than its header says")
    to_rgba = _reader(color, chunks)
    rows: list[bytes] = []
    above = bytes(stride)
    for y in range(height):
        start = y * (stride + 1)
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + stride], above, channels)
        rows.append(to_rgba(above))
    return Canvas(width, height, tuple(rows))


def _header(data: bytes, max_pixels: int) -> tuple[int, int, int]:
    if not data.startswith(SIGNATURE) or data[12:16] != b"IHDR" or len(data) < 33:
        raise Unreadable("it is no PNG")
    width, height, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", data[16:29])
    if color not in _CHANNELS:
        raise Unreadable("it has no colour type")
    if depth != 8:
        raise Unreadable(f"it has {depth} bits a channel, and only 8 are read here")
    if interlaced:
        raise Unreadable("it is interlaced, which is not read here")
    if not 0 < width * height <= max_pixels:
        raise Unreadable(f"it has {width * height} pixels, and at most {max_pixels} are read here")
    return width, height, color


def _chunks(data: bytes) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        length = int.from_bytes(data[place : place + 4], "big")
        kind = data[place + 4 : place + 8]
        found.setdefault(kind, []).append(data[place + 8 : place + 8 + length])
        place += 12 + length
    return found


def _reader(color: int, chunks: dict[bytes, list[bytes]]) -> Callable[[bytes], bytes]:
    """What makes RGBA of an unfiltered row."""
    if color == 6:
        return bytes
    if color == 3:
        return _palette_reader(b"".join(chunks.get(b"PLTE", [])), b"".join(chunks.get(b"tRNS", [])))
    channels = _CHANNELS[color]

    def read(row: bytes) -> bytes:
        out = bytearray(_OPAQUE * (len(row) // channels * 4))
        for channel in range(3):
            out[channel::4] = row[channel::3] if color == 2 else row[0::channels]
        if color == 4:
            out[3::4] = row[1::2]
        return bytes(out)

    return read


def _palette_reader(palette: bytes, alphas: bytes) -> Callable[[bytes], bytes]:
    if not palette or len(palette) % 3 or len(palette) > 768:
        raise Unreadable("it has no palette, or a broken one")
    # An index beyond the palette is an error of the file; it is shown as black.
    tables = [palette[channel::3].ljust(256, b"\0") for channel in range(3)]
    tables.append((alphas + _OPAQUE * 256)[:256])

    def read(row: bytes) -> bytes:
        out = bytearray(len(row) * 4)
        for channel, table in enumerate(tables):
            out[channel::4] = row.translate(table)
        return bytes(out)

    return read


def _unfiltered(kind: int, line: bytes, above: bytes, step: int) -> bytes:
    """Section 9.2 of the specification; ``step`` is the bytes of a pixel."""
    match kind:
        case 0:
            return line
        case 1:
            return _sub(line, step)
        case 2:
            return bytes([(value + up) & 255 for value, up in zip(line, above, strict=True)])
        case 3:
            return _average(line, above, step)
        case 4:
            return _paeth(line, above, step)
        case _:
            raise Unreadable(f"a row has the filter {kind}, which does not exist")


def _sub(line: bytes, step: int) -> bytes:
    out = bytearray(line)
    for at in range(step, len(out)):
        out[at] = (out[at] + out[at - step]) & 255
    return bytes(out)


def _average(line: bytes, above: bytes, step: int) -> bytes:
    out = bytearray(line)
    for at, up in enumerate(above):
        left = out[at - step] if at >= step else 0
        out[at] = (out[at] + (left + up) // 2) & 255
    return bytes(out)


def _paeth(line: bytes, above: bytes, step: int) -> bytes:
    out = bytearray(line)
    for at, up in enumerate(above):
        left, corner = (out[at - step], above[at - step]) if at >= step else (0, 0)
        to_left, to_up, to_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        other = up if to_up <= to_corner else corner
        near = left if to_left <= to_up and to_left <= to_corner else other
        out[at] = (out[at] + near) & 255
    return bytes(out)
