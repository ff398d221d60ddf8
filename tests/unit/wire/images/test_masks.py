"""Masks painted anew: read by a decoder of the tests' own, against alphas the tests chose."""

import struct
import zlib
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import InvalidArgument
from server.wire.images.masks import painted
from tests.pictures import encode_png, solid_png

SEE_THROUGH, OPAQUE = (9, 9, 9, 0), (9, 9, 9, 255)


def grays(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an unfiltered gray PNG."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height, depth, color = struct.unpack(">IIBB", png[16:26])
    assert (depth, color) == (8, 0)
    at, packed = 8, b""
    while at < len(png):
        (length,), kind = struct.unpack(">I", png[at : at + 4]), png[at + 4 : at + 8]
        content = png[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(png[at + 8 + length : at + 12 + length], "big")
        packed += content if kind == b"IDAT" else b""
        at += 12 + length
    raw = zlib.decompress(packed)
    rows = [raw[y * (width + 1) : (y + 1) * (width + 1)] for y in range(height)]
    assert all(row[0] == 0 for row in rows)
    return width, height, [row[1:] for row in rows]


def raw_png(width: int, height: int, depth: int, color: int, rows: bytes, **chunks: bytes) -> bytes:
    """A PNG of rows that are filtered already."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    more = b"".join(chunk(kind.encode(), data) for kind, data in chunks.items())
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )


@settings(deadline=None, max_examples=60)
@given(
    st.integers(1, 9),
    st.integers(1, 12),
    st.sampled_from([4, 6]),
    st.sampled_from([None, 0, 1, 2, 3, 4]),
    st.integers(),
)
def test_every_filter_gives_the_alphas_back(
    width: int, height: int, color: int, filters: int | None, seed: int
) -> None:
    dice = Random(seed)
    channels = {4: 2, 6: 4}[color]
    raw = bytearray(dice.choices((0, 0, 0, 7, 128, 255, 255), k=width * height * channels))
    raw[channels - 1] = 0  # something may change
    mask = encode_png(width, height, bytes(raw), color, filters)
    alphas = bytes(raw[channels - 1 :: channels])
    expected = [alphas[y * width : (y + 1) * width] for y in range(height)]
    assert grays(painted(mask, marks="black")) == (width, height, expected)
    inverted = [bytes(255 - value for value in row) for row in expected]
    assert grays(painted(mask, marks="white")) == (width, height, inverted)


def test_rows_that_repeat_are_as_right_as_others() -> None:
    # As encoders write flat areas: all residuals zero under every filter.
    first = bytes([1, 9, 9, 9, 0, *bytes(8)])  # sub: one pixel, then the same twice
    for filter_ in (2, 4):
        mask = raw_png(3, 2, 8, 6, first + bytes([filter_]) + bytes(12))
        assert grays(painted(mask, marks="white"))[2] == [b"\xff" * 3] * 2


def test_sixteen_bits_and_palettes() -> None:
    deep = raw_png(2, 1, 16, 6, b"\0" + bytes([1, 2, 3, 4, 5, 6, 0, 77]) + bytes([1, 2, 3, 4, 5, 6, 255, 255]))
    assert grays(painted(deep, marks="black"))[2] == [b"\x00\xff"]
    palette = bytes(9)
    eight = raw_png(3, 1, 8, 3, b"\0\x02\x01\x00", PLTE=palette, tRNS=b"\xff\x00")
    assert grays(painted(eight, marks="black"))[2] == [b"\xff\x00\xff"]
    two = raw_png(5, 1, 2, 3, b"\0" + bytes([0b00_01_10_01, 0b01_000000]), PLTE=palette, tRNS=b"\xff\x00")
    assert grays(painted(two, marks="white"))[2] == [b"\x00\xff\x00\xff\xff"]


BROKEN = [
    (b"", "is no PNG"),
    (b"\xff\xd8\xff", "is no PNG"),
    (solid_png(2, 2, OPAQUE), "no see-through pixels"),
    (encode_png(2, 2, bytes(12), 2), "no alpha channel"),
    (raw_png(2, 2, 8, 3, bytes(6), PLTE=bytes(3)), "no alpha channel"),
    (raw_png(2, 2, 8, 6, bytes(9)), "fewer pixels"),
    (raw_png(2, 1, 8, 6, b"\x09" + bytes(8)), "filter that does not exist"),
    (raw_png(2, 1, 3, 6, bytes(9)), "no known kind"),
    (raw_png(0, 1, 8, 6, b"\0"), "has 0 pixels"),
    (raw_png(5000, 5000, 8, 6, b"\0"), "has 25000000 pixels"),
    (solid_png(2, 2, SEE_THROUGH)[:33] + bytes(40), "fewer pixels"),
    (solid_png(2, 2, SEE_THROUGH).replace(b"\x78\x9c", b"\x00\x00"), "cannot be decompressed"),
]


@pytest.mark.parametrize(("mask", "says"), BROKEN)
def test_what_is_no_mask_is_refused_saying_why(mask: bytes, says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as raised:
        painted(mask, marks="white")
    assert raised.value.fields[0].field == "mask"


def test_an_interlaced_one_is_refused() -> None:
    mask = bytearray(solid_png(2, 2, SEE_THROUGH))
    mask[28] = 1
    with pytest.raises(InvalidArgument, match="interlaced"):
        painted(bytes(mask), marks="white")


def test_a_bomb_is_not_unfolded() -> None:
    mask = raw_png(4, 4, 8, 6, bytes(50_000_000))
    assert len(mask) < 100_000
    assert grays(painted(mask, marks="white"))[0] == 4
