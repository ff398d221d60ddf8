"""The tokenizer and the image reader by themselves."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.sandbox import tokens
from server.wire.image_facts import ImageFacts, probe


@given(st.text())
def test_tokens_make_up_the_text(text: str) -> None:
    split = tokens.split(text)
    assert "".join(split) == text
    assert tokens.count(text) == len(split)
    assert all(split)


@given(st.text(), st.integers(0, 20))
def test_the_first_tokens_stay_as_many(text: str, count: int) -> None:
    first = tokens.split(text)[:count]
    assert tokens.count("".join(first)) == len(first)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("one", 1), ("one two", 2), ("a, b.", 4), ("x" * 33, 3), ("世界 你好", 2), ("  ", 1), ("a ", 2)],
)
def test_tokens_are_words_and_punctuation(text: str, count: int) -> None:
    assert tokens.count(text) == count


def _segment(marker: int, data: bytes) -> bytes:
    return bytes((0xFF, marker)) + struct.pack(">H", len(data) + 2) + data


_EXIF = _segment(0xE1, b"Exif\0\0" + b"\xff\xc0" * 400)  # what looks like a frame header inside another segment
_TABLE = _segment(0xC4, b"\0" * 20)
_FRAME = b"\x08" + struct.pack(">HH", 480, 640) + b"\x03" + b"\0" * 9

IMAGES = {
    "jpeg": (b"\xff\xd8" + _EXIF + b"\xff" + _TABLE + _segment(0xC0, _FRAME), ImageFacts("JPEG", 640, 480)),
    "progressive jpeg": (b"\xff\xd8" + _segment(0xC2, _FRAME), ImageFacts("JPEG", 640, 480)),
    "gif87": (b"GIF87a" + struct.pack("<HH", 1, 65535), ImageFacts("GIF", 1, 65535)),
    "png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 70000, 2), ImageFacts("PNG", 70000, 2)),
    "webp extended": (
        b"RIFF\0\0\0\0WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff\x0f\0" + b"\x01\0\x01",
        ImageFacts("WebP", 4096, 65538),
    ),
    "webp lossless": (
        b"RIFF\0\0\0\0WEBPVP8L" + struct.pack("<I", 5) + b"\x2f" + struct.pack("<I", (300 - 1) | (200 - 1) << 14),
        ImageFacts("WebP", 300, 200),
    ),
    "webp lossy": (
        b"RIFF\0\0\0\0WEBPVP8 " + struct.pack("<I", 10) + b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 0x4000 | 320, 240),
        ImageFacts("WebP", 320, 240),
    ),
}


@pytest.mark.parametrize("name", IMAGES)
def test_images_are_read(name: str) -> None:
    data, facts = IMAGES[name]
    assert probe(data) == facts
    assert probe(data + b"\0" * 100) == facts


@pytest.mark.parametrize("name", IMAGES)
def test_images_cut_short_are_none_or_right(name: str) -> None:
    data, facts = IMAGES[name]
    for length in range(len(data)):
        assert probe(data[:length]) in {None, facts}
    assert probe(data[:8]) is None


@given(st.binary(max_size=64), st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a"]))
def test_any_bytes_are_read_without_fault(tail: bytes, head: bytes) -> None:
    probe(head + tail)
