"""What the bytes of a recording tell without decoding."""

import struct

import pytest
from aignehub.v1 import audio_pb2
from hypothesis import given
from hypothesis import strategies as st

from server.wire import sound, wav
from server.wire.wav_join import WavJoin

FORMATS = audio_pb2.AudioFormat


def ogg(granule: int, body: bytes = b"") -> bytes:
    return b"OggS\0\2" + struct.pack("<q", granule) + bytes(14) + body


def flac(rate: int, channels: int, samples: int) -> bytes:
    packed = rate << 44 | channels - 1 << 41 | 15 << 36 | samples
    return b"fLaC\x80\0\0\x22" + bytes(10) + packed.to_bytes(8, "big") + bytes(16)


def mp4(scale: int, length: int) -> bytes:
    return b"\0\0\0\x1cftypM4A " + bytes(16) + b"mvhd" + bytes(12) + struct.pack(">II", scale, length) + bytes(80)


CASES = [
    (wav.write_header(16000, 2, 64000) + bytes(64000), "WAV", 16000, 2, 1.0),
    (wav.write_header(16000, 1, None) + bytes(16000), "WAV", 16000, 1, 0.5),
    (wav.write_header(8000, 1, 8000, tag=wav.MULAW) + bytes(8000), "WAV", 8000, 1, 1.0),
    (flac(44100, 2, 88200), "FLAC", 44100, 2, 2.0),
    (ogg(0, b"OpusHead\1\2\x38\1" + bytes(8)) + ogg(48000 + 312), "OPUS", 48000, 2, 1.0),
    (mp4(1000, 2500), "MP4_AAC", 0, 0, 2.5),
    # MPEG 2 layer III, 64 kbit/s, 24 kHz, one channel: 8,000 bytes a second.
    (b"\xff\xf3\x84\xc4" + bytes(15996), "MP3", 24000, 1, 2.0),
    (b"ID3\4\0\0\0\0\0\x0a" + bytes(10) + b"\xff\xf3\x84\xc4" + bytes(15996), "MP3", 24000, 1, 2.0),
    (b"\xff\xfb\x90\x64" + bytes(32) + b"Xing\0\0\0\1" + (100).to_bytes(4, "big") + bytes(400), "MP3", 44100, 2, 2.612),
    (b"\xff\xf1\x50\x80" + bytes(60), "AAC", 44100, 2, None),
    (b"\x1a\x45\xdf\xa3webm\x2a\xd7\xb1\x83\x0f\x42\x40\x44\x89\x88" + struct.pack(">d", 1500), "WEBM_OPUS", 0, 0, 1.5),
    (b"no sound at all", "UNSPECIFIED", 0, 0, None),
]  # fmt: skip


@pytest.mark.parametrize(("data", "name", "rate", "channels", "seconds"), CASES)
def test_it_is_told(data: bytes, name: str, rate: int, channels: int, seconds: float | None) -> None:
    for pieces in ((data,), tuple(data[place : place + 7] for place in range(0, len(data), 7))):
        told = sound.describe(pieces)
        assert FORMATS.Name(told.format) == f"AUDIO_FORMAT_{name}"
        assert (told.rate, told.channels) == (rate, channels)
        assert told.seconds == (None if seconds is None else pytest.approx(seconds, abs=0.001))


@given(st.binary(max_size=300), st.sampled_from([case[0][:40] for case in CASES]))
def test_nothing_raises(tail: bytes, head: bytes) -> None:
    for data in (tail, head[: len(tail)] + tail):
        told = sound.describe((data,))
        assert told.seconds is None or told.seconds >= 0


def test_files_are_joined_whatever_follows_their_samples() -> None:
    one = wav.write_header(24000, 1, 4) + b"abcd" + b"LIST\4\0\0\0junk"
    other = wav.write_header(24000, 1, None) + b"efgh"
    join = WavJoin()
    out = b"".join(join.feed(one[place : place + 3]) for place in range(0, len(one), 3))
    join.next()
    out += b"".join(join.feed(other[place : place + 5]) for place in range(0, len(other), 5))
    header = wav.read_header(out)
    assert header is not None
    assert header.data_size is None
    assert out[header.data_at :] == b"abcdefgh"


def test_a_file_is_told_its_length() -> None:
    known = wav.write_header(24000, 1, 4) + b"abcd"
    assert wav.sized(wav.write_header(24000, 1, None) + b"abcd") == known
    for other in (known, b"", b"ID3", known[:20]):
        assert wav.sized(other) == other


@pytest.mark.parametrize("head", [b"MP3?", b"RIFF\0\0\0\0WAVX", wav.write_header(8000, 1, 0)[:12] + b"data\0\0\0\0"])
def test_no_wav_file(head: bytes) -> None:
    with pytest.raises(ValueError, match="WAV"):
        wav.read_header(head)
