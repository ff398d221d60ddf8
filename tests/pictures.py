"""Image decoders for tests: written from the specifications, apart from everything the server writes or reads."""

import struct
import zlib
from dataclasses import dataclass

Pixel = tuple[int, int, int, int]


@dataclass
class Decoded:
    kind: str
    width: int
    height: int
    pixels: bytes
    """RGBA."""

    def at(self, x: int, y: int) -> Pixel:
        start = 4 * (y * self.width + x)
        red, green, blue, alpha = self.pixels[start : start + 4]
        return red, green, blue, alpha


def decode(data: bytes) -> Decoded:
    if data.startswith(b"\x89PNG"):
        return _png(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    assert data[:4] == b"RIFF"
    return _webp(data)


def encode_png(
    width: int, height: int, raw: bytes, color: int = 6, filters: int | None = None, **chunks: bytes
) -> bytes:
    """A PNG of unfiltered ``raw`` rows; ``filters`` applies that filter to every row, None each in turn."""
    step = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    stride = width * step
    out = b""
    above = bytes(stride)
    for y in range(height):
        row = raw[y * stride : (y + 1) * stride]
        kind = y % 5 if filters is None else filters
        out += bytes([kind]) + bytes(
            (value - _predict(kind, row, above, at, step)) & 255 for at, value in enumerate(row)
        )
        above = row
    more = b"".join(_chunk(name.encode(), value) for name, value in chunks.items())
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    body = _chunk(b"IHDR", header) + more + _chunk(b"IDAT", zlib.compress(out)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def solid_png(width: int, height: int, pixel: Pixel) -> bytes:
    return encode_png(width, height, bytes(pixel) * (width * height), filters=0)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _predict(kind: int, row: bytes, above: bytes, at: int, step: int) -> int:
    left = row[at - step] if at >= step else 0
    up = above[at]
    corner = above[at - step] if at >= step else 0
    if kind < 3:
        return (0, left, up)[kind]
    if kind == 3:
        return (left + up) // 2
    guess = left + up - corner
    return min((left, up, corner), key=lambda value: abs(guess - value))


def _png(data: bytes) -> Decoded:
    at, kind, packed = 8, b"", b""
    width = height = color = 0
    while kind != b"IEND":
        (length,), kind = struct.unpack(">I", data[at : at + 4]), data[at + 4 : at + 8]
        content = data[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(data[at + 8 + length : at + 12 + length], "big")
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", content[:10])
            assert depth == 8
        elif kind == b"IDAT":
            packed += content
        at += 12 + length
    raw, step = zlib.decompress(packed), {2: 3, 6: 4}[color]
    stride = 1 + width * step
    assert all(raw[y * stride] == 0 for y in range(height)), "the server writes unfiltered rows"
    rows = [raw[y * stride + 1 : (y + 1) * stride] for y in range(height)]
    if step == 3:
        rows = [b"".join(row[x : x + 3] + b"\xff" for x in range(0, len(row), 3)) for row in rows]
    return Decoded("png", width, height, b"".join(rows))


class _LowBits:
    def __init__(self, data: bytes) -> None:
        self.value, self.at, self.length = int.from_bytes(data, "little"), 0, 8 * len(data)

    def take(self, count: int) -> int:
        found = self.value >> self.at & ((1 << count) - 1)
        self.at += count
        assert self.at <= self.length
        return found


_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
_Codes = dict[tuple[int, int], int]


def _canonical(lengths: list[int]) -> _Codes:
    codes: _Codes = {}
    code = 0
    for length in range(1, 16):
        for symbol, own in enumerate(lengths):
            if own == length:
                codes[length, code] = symbol
                code += 1
        code <<= 1
    return codes


def _symbol(bits: _LowBits, codes: _Codes) -> int:
    if len(codes) == 1:
        return next(iter(codes.values()))
    code = 0
    for length in range(1, 16):
        code = code << 1 | bits.take(1)
        if (length, code) in codes:
            return codes[length, code]
    raise AssertionError("no such code")


def _prefix_code(bits: _LowBits, alphabet: int) -> _Codes:
    if bits.take(1):
        assert bits.take(1) == 0, "one symbol"
        return {(1, 0): bits.take(8 if bits.take(1) else 1)}
    lengths = [0] * 19
    for place in range(4 + bits.take(4)):
        lengths[_ORDER[place]] = bits.take(3)
    told = _canonical(lengths)
    assert bits.take(1) == 0
    return _canonical([_symbol(bits, told) for _ in range(alphabet)])


def _webp(data: bytes) -> Decoded:
    assert data[8:16] == b"WEBPVP8L"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    length = int.from_bytes(data[16:20], "little")
    # Bits are peeled off a small window: shifting a whole large image for each symbol would take minutes.
    bits = _LowBits(data[20 : 20 + length])
    assert bits.take(8) == 0x2F
    width, height = bits.take(14) + 1, bits.take(14) + 1
    bits.take(1)
    assert bits.take(3 + 3) == 0, "version, no transform, no cache, one group"
    green, red, blue, alpha, _ = (_prefix_code(bits, size) for size in (280, 256, 256, 256, 40))
    pixels = bytearray()
    for _ in range(width * height):
        values = [_symbol(bits, codes) for codes in (green, red, blue, alpha)]
        assert values[0] < 256
        pixels += bytes((values[1], values[0], values[2], values[3]))
    return Decoded("webp", width, height, bytes(pixels))


def _jpeg(data: bytes) -> Decoded:
    """Baseline, three components of one sampling each, blocks of which only the DC says something."""
    at, tables = 2, {}
    width = height = step = 0
    while data[at + 1] != 0xDA:
        marker, (length,) = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])
        content = data[at + 4 : at + 2 + length]
        if marker == 0xDB:
            step = content[1]
        elif marker == 0xC0:
            _, height, width, parts = struct.unpack(">BHHB", content[:6])
            assert parts == 3
        elif marker == 0xC4:
            tables[content[0]] = _jpeg_codes(content)
        at += 2 + length
    at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert data[-2:] == b"\xff\xd9"
    text = "".join(f"{byte:08b}" for byte in data[at:-2].replace(b"\xff\0", b"\xff"))
    place, before, blocks = 0, [0, 0, 0], []
    for _ in range(-(-width // 8) * -(-height // 8)):
        block = []
        for part in range(3):
            category, place = _jpeg_symbol(text, place, tables[0x00])
            bits, place = text[place : place + category], place + category
            if category:
                value = int(bits, 2)
                before[part] += value if bits[0] == "1" else value - (1 << category) + 1
            end, place = _jpeg_symbol(text, place, tables[0x10])
            assert end == 0
            block.append(before[part] * step / 8)
        blocks.append(block)
    assert len(text) - place < 8
    across = -(-width // 8)
    pixels = b"".join(_rgba(*blocks[y // 8 * across + x // 8]) for y in range(height) for x in range(width))
    return Decoded("jpeg", width, height, pixels)


def _jpeg_codes(content: bytes) -> dict[str, int]:
    codes, code, symbols = {}, 0, iter(content[17:])
    for length in range(1, 17):
        for _ in range(content[length]):
            codes[f"{code:0{length}b}"] = next(symbols)
            code += 1
        code <<= 1
    return codes


def _jpeg_symbol(text: str, place: int, codes: dict[str, int]) -> tuple[int, int]:
    for length in range(1, 17):
        if text[place : place + length] in codes:
            return codes[text[place : place + length]], place + length
    raise AssertionError("no such code")


def _rgba(luma: float, cb: float, cr: float) -> bytes:
    luma += 128
    parts = (luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb, 255)
    return bytes(max(0, min(255, round(part))) for part in parts)
