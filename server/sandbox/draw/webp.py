"""Lossless WebP by hand, every pixel a literal of eight bits a channel: RFC 9649, sections 2 and 3.

The files are as long as their pixels: good for trying out large images.
"""

import struct

from server.sandbox.draw.canvas import Canvas

_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))  # prefix codes are written first bit first
_CODED_ORDER = (1, 0, 2, 3)  # green, red, blue, alpha


class _Bits:
    """Bits of a header, the first the lowest."""

    def __init__(self) -> None:
        self.value = 0
        self.length = 0

    def put(self, value: int, width: int) -> None:
        self.value |= value << self.length
        self.length += width


def write_webp(canvas: Canvas) -> bytes:
    """The picture; alpha takes no room where every pixel is opaque."""
    alpha = canvas.transparent
    bits = _Bits()
    bits.put(0x2F, 8)
    bits.put(canvas.width - 1, 14)
    bits.put(canvas.height - 1, 14)
    bits.put(int(alpha), 1)
    bits.put(0, 3)  # version
    bits.put(0, 1)  # no transform
    bits.put(0, 1)  # no colour cache
    bits.put(0, 1)  # one group of prefix codes
    _literals(bits, 256 + 24)  # green, and the lengths of copies that never come
    _literals(bits, 256)  # red
    _literals(bits, 256)  # blue
    if alpha:
        _literals(bits, 256)
    else:
        _only(bits, 255)
    _only(bits, 0)  # distance
    written = {row: _coded(row, alpha) for row in set(canvas.rows)}
    pixels = b"".join([written[row] for row in canvas.rows])
    length = (bits.length + 8 * len(pixels) + 7) // 8
    stream = (bits.value | int.from_bytes(pixels, "little") << bits.length).to_bytes(length, "little")
    chunk = b"VP8L" + struct.pack("<I", length) + stream + b"\0" * (length % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _literals(bits: _Bits, symbols: int) -> None:
    """A prefix code that gives symbols 0 to 255 eight bits each, and the rest none (section 3.7.2.1)."""
    bits.put(0, 1)  # a normal code
    bits.put(12 - 4, 4)  # code lengths of 17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8 follow: those of 0 and 8 are 1
    for symbol in (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8):
        bits.put(int(symbol in (0, 8)), 3)
    bits.put(0, 1)  # every symbol's length is told
    bits.put((1 << 256) - 1, symbols)  # a one stands for eight, a zero for none


def _only(bits: _Bits, symbol: int) -> None:
    """A code of one symbol, which takes no bits at all."""
    bits.put(1, 1)  # a simple code
    bits.put(0, 1)  # of one symbol
    bits.put(int(symbol > 1), 1)  # told in eight bits, or in one
    bits.put(symbol, 8 if symbol > 1 else 1)


def _coded(row: bytes, alpha: bool) -> bytes:
    width, channels = len(row) // 4, 4 if alpha else 3
    out = bytearray(width * channels)
    for at, channel in enumerate(_CODED_ORDER[:channels]):
        out[at::channels] = row[channel::4]
    return bytes(out).translate(_REVERSED)
