"""Format and size of an image, read from its first bytes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """``format`` is PNG, JPEG, GIF or WebP; the size is in pixels."""

    format: str
    width: int
    height: int


def probe(data: bytes) -> ImageFacts | None:
    """What the image is; None where it is none of the four formats, or too short to say its size."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png(data)
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith((b"GIF87a", b"GIF89a")):
        return _facts("GIF", data[6:8], data[8:10])
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return _webp(data)
    return None


def _facts(form: str, width: bytes, height: bytes) -> ImageFacts | None:
    """From little-endian numbers; None where they are cut off, or beyond what PNG allows: 2^31 - 1."""
    if not width or len(width) != len(height):
        return None
    across, down = int.from_bytes(width, "little"), int.from_bytes(height, "little")
    return ImageFacts(form, across, down) if max(across, down) < 2**31 else None


def _png(data: bytes) -> ImageFacts | None:
    # https://www.w3.org/TR/png-3/#11IHDR: always the first chunk, sizes big-endian.
    return _facts("PNG", data[16:20][::-1], data[20:24][::-1]) if data[12:16] == b"IHDR" else None


def _jpeg(data: bytes) -> ImageFacts | None:
    # https://www.w3.org/Graphics/JPEG/itu-t81.pdf B.1, B.2: markers follow each other up to the frame header.
    place = 2
    while place + 9 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # a fill byte
            place += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a segment
            place += 2
        elif 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return _facts("JPEG", data[place + 7 : place + 9][::-1], data[place + 5 : place + 7][::-1])
        else:
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
    return None


def _webp(data: bytes) -> ImageFacts | None:
    # https://developers.google.com/speed/webp/docs/riff_container
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return ImageFacts("WebP", 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little"))
    if kind == b"VP8L" and len(data) >= 25 and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], "little")
        return ImageFacts("WebP", 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    if kind == b"VP8 " and len(data) >= 30 and data[23:26] == b"\x9d\x01\x2a":
        # The two highest bits of each are a scale for display: RFC 6386, 9.1.
        width, height = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        return ImageFacts("WebP", width & 0x3FFF, height & 0x3FFF)
    return None
