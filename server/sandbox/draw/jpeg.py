"""Baseline JPEG by hand, one flat colour a block of 8 x 8: https://www.w3.org/Graphics/JPEG/itu-t81.pdf.

What the sandbox draws is made of large even fields, so that the DC coefficient alone says nearly all.
"""

import struct

from server.sandbox.draw.canvas import Canvas, Color

_BLOCK = 8
_CATEGORIES = 12
_END_OF_BLOCK = "0"  # the only code of the AC table


def write_jpeg(canvas: Canvas, quality: int) -> bytes:
    """``quality`` is 0 to 100; less of it means fewer shades."""
    step = 1 + (100 - quality) // 10
    head = b"".join(
        (
            b"\xff\xd8",
            _segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            _segment(0xDB, b"\0" + bytes([_BLOCK * step]) * 64),
            _segment(0xC0, struct.pack(">BHHB", 8, canvas.height, canvas.width, 3) + b"\1\x11\0\2\x11\0\3\x11\0"),
            _segment(0xC4, b"\x00" + _lengths(4, _CATEGORIES) + bytes(range(_CATEGORIES))),
            _segment(0xC4, b"\x10" + _lengths(1, 1) + b"\0"),
            _segment(0xDA, b"\3\1\0\2\0\3\0\0\x3f\0"),
        )
    )
    return head + _scan(canvas, step) + b"\xff\xd9"


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def _lengths(length: int, codes: int) -> bytes:
    """How many codes there are of each length, 1 to 16: ``codes`` of one length."""
    return bytes(codes if at == length else 0 for at in range(1, 17))


def _scan(canvas: Canvas, step: int) -> bytes:
    codes: dict[int, str] = {}
    shades: dict[Color, tuple[int, int, int]] = {}
    before = [0, 0, 0]
    bits: list[str] = []
    for top in range(0, canvas.height, _BLOCK):
        y = min(top + _BLOCK // 2, canvas.height - 1)
        for left in range(0, canvas.width, _BLOCK):
            color = canvas.pixel(min(left + _BLOCK // 2, canvas.width - 1), y)
            if color not in shades:
                shades[color] = _shade(color, step)
            for at, value in enumerate(shades[color]):
                difference = value - before[at]
                before[at] = value
                if difference not in codes:
                    codes[difference] = _code(difference) + _END_OF_BLOCK
                bits.append(codes[difference])
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")


def _shade(color: Color, step: int) -> tuple[int, int, int]:
    """Y, Cb and Cr of a block as its quantised DC: https://www.w3.org/Graphics/JPEG/jfif3.pdf."""
    alpha = color[3]
    red, green, blue = ((channel * alpha + 255 * (255 - alpha)) // 255 for channel in color[:3])  # over white
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    shifted = (luma - 128, (blue - luma) / 1.772, (red - luma) / 1.402)
    # The DC of an even block is eight times its value, and the table divides by eight.
    first, second, third = (round(value / step) for value in shifted)
    return first, second, third


def _code(difference: int) -> str:
    """Category in four bits, then the difference in as many as the category says (section F.1.2.1)."""
    category = abs(difference).bit_length()
    if not category:
        return "0000"
    value = difference if difference > 0 else difference + (1 << category) - 1
    return f"{category:04b}{value:0{category}b}"
