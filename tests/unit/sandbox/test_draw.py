"""The sandbox's own pictures: written so that another reader reads them, and read whatever another wrote."""

import random
from itertools import product

import pytest

from server.sandbox.draw.canvas import Canvas
from server.sandbox.draw.jpeg import write_jpeg
from server.sandbox.draw.paint import Motif, draw, edit, unfinished
from server.sandbox.draw.png import Unreadable, read_png, write_png
from server.sandbox.draw.webp import write_webp
from server.wire.image_facts import probe
from tests.pictures import decode, encode_png, solid_png

CAT = Motif("a cat")


def raw(canvas: Canvas) -> bytes:
    return b"".join(canvas.rows)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (33, 17), (64, 48), (128, 96)])
@pytest.mark.parametrize("transparent", [False, True])
def test_png_and_webp_hold_every_pixel(width: int, height: int, transparent: bool) -> None:
    canvas = draw(Motif("a cat", transparent=transparent), width, height)
    for data, name in ((write_png(canvas), "PNG"), (write_webp(canvas), "WebP")):
        seen = decode(data)
        assert (seen.width, seen.height, seen.pixels) == (width, height, raw(canvas))
        facts = probe(data)
        assert facts is not None
        assert (facts.format, facts.width, facts.height) == (name, width, height)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (33, 17), (128, 96)])
def test_jpeg_is_near_the_picture(width: int, height: int) -> None:
    canvas = draw(CAT, width, height)
    seen = decode(write_jpeg(canvas, 100))
    assert (seen.width, seen.height) == (width, height)
    for x, y in product(range(0, width, 8), range(0, height, 8)):
        middle = canvas.pixel(min(x + 4, width - 1), min(y + 4, height - 1))
        assert all(abs(one - other) <= 3 for one, other in zip(seen.at(x, y), middle, strict=True))


def test_less_quality_makes_a_smaller_jpeg() -> None:
    many = Canvas(
        64, 64, tuple(bytes((x * 4, y * 4, 128, 255)[at] for x in range(64) for at in range(4)) for y in range(64))
    )
    assert len(write_jpeg(many, 0)) < len(write_jpeg(many, 100))


def test_a_picture_follows_from_its_motif_alone() -> None:
    same = draw(Motif("a cat"), 64, 64)
    assert same == draw(CAT, 64, 64)
    others = [
        Motif("a dog"), Motif("a cat", 1), Motif("a cat", seed=5), Motif("a cat", style="natural"),
        Motif("a cat", quality="low"),
    ]  # fmt: skip
    assert all(draw(other, 64, 64) != same for other in others)
    assert len({raw(same)[n : n + 4] for n in range(0, len(raw(same)), 4)}) == 2


def test_a_preview_is_the_upper_part() -> None:
    canvas = draw(CAT, 40, 40)
    half = unfinished(canvas, 0.5)
    assert half.rows[:20] == canvas.rows[:20]
    assert set(half.rows[20:]) == {bytes((128, 128, 128, 255)) * 40}


@pytest.mark.parametrize("color", [0, 2, 3, 4, 6])
@pytest.mark.parametrize("filters", [None, 0, 1, 2, 3, 4])
def test_every_filter_and_colour_type_is_read(color: int, filters: int | None) -> None:
    dice = random.Random(f"{color} {filters}")
    step = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[color]
    width, height = 13, 11
    data = dice.randbytes(width * height * step)
    chunks = {"PLTE": dice.randbytes(768), "tRNS": dice.randbytes(100)} if color == 3 else {}
    canvas = read_png(encode_png(width, height, data, color, filters, **chunks), max_pixels=1000)
    assert raw(canvas) == b"".join(_rgba(data[at : at + step], color, chunks) for at in range(0, len(data), step))


def _rgba(pixel: bytes, color: int, chunks: dict[str, bytes]) -> bytes:
    if color == 3:
        alpha = (chunks["tRNS"] + b"\xff" * 256)[pixel[0]]
        return chunks["PLTE"][3 * pixel[0] : 3 * pixel[0] + 3] + bytes([alpha])
    return {0: pixel * 3 + b"\xff", 2: pixel + b"\xff", 4: pixel[:1] * 3 + pixel[1:], 6: pixel}[color]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"GIF89a", "it is no PNG"),
        (solid_png(4, 4, (0, 0, 0, 0))[:24] + b"\x10" + solid_png(4, 4, (0, 0, 0, 0))[25:], "16 bits a channel"),
        (solid_png(4, 4, (0, 0, 0, 0))[:28] + b"\x01" + solid_png(4, 4, (0, 0, 0, 0))[29:], "interlaced"),
        (solid_png(40, 40, (0, 0, 0, 0)), "at most 1000"),
        (solid_png(4, 4, (0, 0, 0, 0))[:40], "cannot be decompressed|more or fewer"),
        (encode_png(2, 2, b"\0\1\0\1", 3), "palette"),
        (encode_png(4, 2, bytes(32))[:20] + b"\0\0\0\4" + encode_png(4, 2, bytes(32))[24:], "more or fewer"),
    ],
)
def test_what_is_not_read_is_named(data: bytes, told: str) -> None:
    with pytest.raises(Unreadable, match=told):
        read_png(data, max_pixels=1000)


def test_an_edit_shows_its_sources_and_its_mask() -> None:
    red, blue = (read_png(solid_png(32, 32, one), max_pixels=2000) for one in ((255, 0, 0, 255), (0, 0, 255, 255)))
    both = edit(CAT, [red, blue], None, 64, 48, keep=False)
    assert (both.pixel(5, 5), both.pixel(60, 5)) == ((255, 0, 0, 255), (0, 0, 255, 255))
    pattern = draw(CAT, 64, 48)
    assert both.rows[-16:] == pattern.rows[-16:]
    assert both.rows[31] != pattern.rows[31]
    faithful = edit(CAT, [red], None, 64, 48, keep=True)
    assert faithful.pixel(5, 40) == (255, 0, 0, 255)
    # The left half of the mask is see-through.
    mask = Canvas(32, 32, (bytes((0, 0, 0, 0)) * 16 + bytes((0, 0, 0, 255)) * 16,) * 32)
    masked = edit(CAT, [red], mask, 64, 48, keep=False)
    assert [masked.pixel(x, y) for x, y in ((0, 0), (31, 20))] == [pattern.pixel(x, y) for x, y in ((0, 0), (31, 20))]
    assert {masked.pixel(x, y) for x in range(32, 64) for y in range(48)} == {(255, 0, 0, 255)}
