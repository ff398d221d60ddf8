"""The sandbox's sound: what is sung is heard, whatever it was written as."""

from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.sandbox.audio import flac, melody
from server.sandbox.audio.hear import hear
from server.wire import g711


def samples(text: str, rate: int, speed: float, *, overtone: bool = False) -> "array[int]":
    made = array("h")
    for piece in melody.sing(text, rate, speed, overtone=overtone):
        made.extend(piece)
    return made


@pytest.mark.parametrize("rate", [8000, 16000, 24000, 44100])
@pytest.mark.parametrize("speed", [0.25, 1, 4])
def test_rates_and_speeds(rate: int, speed: float) -> None:
    text = "Every byte: \u00e4\u00f6\u20ac\x00\x7f~"
    made = samples(text, rate, speed, overtone=True)
    assert len(made) == melody.count(text, rate, speed)
    assert [one.text for one in melody.listen(made, rate)] == [text]


@settings(max_examples=25, deadline=None)
@given(st.text(min_size=1, max_size=12))
def test_any_text(text: str) -> None:
    text = text.encode("utf-8", "replace").decode()
    assert [one.text for one in melody.listen(samples(text, 16000, 2), 16000)] == [text]


def test_length_follows_text_and_speed() -> None:
    assert melody.count("a" * 200, 24000, 1) == pytest.approx(2 * melody.count("a" * 100, 24000, 1), rel=0.07)
    assert melody.count("a" * 200, 24000, 2) == pytest.approx(melody.count("a" * 200, 24000, 1) / 2, rel=0.03)


def test_two_melodies_are_two_texts_and_noise_is_none() -> None:
    two = samples("one", 24000, 1) + samples("two", 24000, 1)
    assert [one.text for one in melody.listen(two, 24000)] == ["one", "two"]
    spoilt = samples("one", 24000, 1)
    spoilt[6000:9000] = array("h", bytes(6000))
    assert melody.listen(spoilt, 24000) == []
    assert melody.listen(array("h", [20000, -20000] * 40000), 24000) == []


@pytest.mark.parametrize("alaw", [False, True])
def test_g711_keeps_what_counts(alaw: bool) -> None:
    wave = array("h", [0, 1, -1, 100, -100, 1000, -1000, 12345, -12345, 32767, -32768])
    back = g711.decode(g711.encode(wave, alaw=alaw), alaw=alaw)
    for one, other in zip(wave, back, strict=True):
        assert abs(one - other) <= max(16, abs(one) // 16)


def test_flac_there_and_back() -> None:
    pieces = [array("h", range(-500, 500)), array("h", [7] * 40000), array("h", [1])]
    data = flac.begin(44100, sum(map(len, pieces)), 40000) + b"".join(flac.frames(pieces, 44100))
    assert flac.read(data).tolist() == [value for piece in pieces for value in piece]
    assert flac.read(data[:60]).tolist() == []


@given(st.binary(max_size=200), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"fLaC", b"OggS", b"ID3"]))
def test_hearing_never_fails(data: bytes, head: bytes) -> None:
    heard = hear(head + data)
    assert heard is None or not heard.known
