"""A text as a melody, and back: each half of a byte is a note, so that a length, a pitch and a checksum survive.

A note is 30 ms at speed 1, its last fifth silent; its pitch is 400 Hz and 100 Hz for each step. What is sung is a mark,
the text in UTF-8 and a checksum. Silence of 100 ms stands before and 200 ms after.
"""

import binascii
import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_MARK = b"\xa1"
_NOTE = 0.03
_SOUNDING = 0.8
_LOWEST, _STEP = 400.0, 100.0
_BEFORE, _AFTER = 0.1, 0.2
_AMPLITUDE = 13000
_LOUD = 1600
_BREAK = 0.0005  # seconds of silence between two notes at the highest speed, and more than within a note
_PAUSE = 0.13  # seconds of silence between two melodies; at the lowest speed notes are 24 ms apart
_LONGEST_NOTE = 0.2


@dataclass(frozen=True, slots=True)
class Sung:
    """A text that was heard. ``times`` are begin and end, in seconds, of each of its bytes."""

    text: str
    times: Sequence[tuple[float, float]]


def sing(text: str, rate: int, speed: float, *, overtone: bool = False) -> "Iterator[array[int]]":
    """The melody in samples, a piece for each byte."""
    length = max(8, round(rate * _NOTE / speed))
    notes = [_note(step, rate, length, overtone=overtone) for step in range(16)]
    yield array("h", bytes(2 * int(rate * _BEFORE)))
    for byte in framed(text):
        yield notes[byte >> 4] + notes[byte & 15]
    yield array("h", bytes(2 * int(rate * _AFTER)))


def count(text: str, rate: int, speed: float) -> int:
    """How many samples ``sing`` makes."""
    length = max(8, round(rate * _NOTE / speed))
    return 2 * length * len(framed(text)) + int(rate * _BEFORE) + int(rate * _AFTER)


def framed(text: str) -> bytes:
    """The bytes that are sung."""
    body = text.encode("utf-8", "replace")
    return _MARK + body + binascii.crc_hqx(body, 0).to_bytes(2, "big")


def listen(samples: "array[int]", rate: int) -> list[Sung]:
    """The texts of every melody in the samples; empty where there is something else in them."""
    found: list[Sung] = []
    group: list[_Heard] = []
    for note in _notes(samples, rate):
        if note.ended - note.began > _LONGEST_NOTE:
            return found
        if group and note.began - group[-1].ended > _PAUSE:
            found += _read(group)
            if not found:
                return found
            group = []
        group.append(note)
    return found + _read(group)


@dataclass(frozen=True, slots=True)
class _Heard:
    began: float
    ended: float
    pitch: float


def _note(step: int, rate: int, length: int, *, overtone: bool) -> "array[int]":
    turn = 2 * math.pi * (_LOWEST + _STEP * step) / rate
    sounding = int(length * _SOUNDING)
    # A third harmonic this weak adds colour and no further crossing of zero, which is what pitch is told by.
    colour = 0.25 if overtone else 0.0
    wave = (math.sin(turn * at) + colour * math.sin(3 * turn * at) for at in range(sounding))
    samples = array("h", [int(_AMPLITUDE * value) for value in wave])
    samples.extend(array("h", bytes(2 * (length - sounding))))
    return samples


def _notes(samples: "array[int]", rate: int) -> Iterator[_Heard]:
    patience = max(2, int(rate * _BREAK))
    begin = last = -1
    for place, value in enumerate(samples):
        if -_LOUD < value < _LOUD:
            if begin >= 0 and place - last > patience:
                yield _heard(samples, begin, last, rate)
                begin = -1
        else:
            if begin < 0:
                begin = place
            last = place
    if begin >= 0:
        yield _heard(samples, begin, last, rate)


def _heard(samples: "array[int]", begin: int, end: int, rate: int) -> _Heard:
    """The pitch by the first and last crossing of zero and how many there are."""
    crossings = 0
    first = final = 0.0
    stop = min(end + 1, begin + int(rate * _LONGEST_NOTE) + 2)
    for place in range(begin + 1, stop):
        one, two = samples[place - 1], samples[place]
        if (one < 0) != (two < 0):
            at = place - 1 + one / (one - two)
            first = first if crossings else at
            final = at
            crossings += 1
    pitch = (crossings - 1) / 2 / (final - first) * rate if crossings > 1 else 0.0
    return _Heard(begin / rate, (end + 1) / rate, pitch)


def _read(group: list[_Heard]) -> list[Sung]:
    steps = [round((note.pitch - _LOWEST) / _STEP) for note in group]
    if len(steps) % 2 or len(steps) < 6 or not all(0 <= step < 16 for step in steps):
        return []
    data = bytes(high << 4 | low for high, low in zip(steps[::2], steps[1::2], strict=True))
    body = data[len(_MARK) : -2]
    if not data.startswith(_MARK) or binascii.crc_hqx(body, 0) != int.from_bytes(data[-2:], "big"):
        return []
    times = [(high.began, low.ended) for high, low in zip(group[::2], group[1::2], strict=True)]
    return [Sung(body.decode("utf-8", "replace"), times[len(_MARK) : -2])]
