"""What the bytes of a recording tell of it without decoding: encoding, rate, channels, length."""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from aignehub.v1 import audio_pb2
from google.protobuf.duration_pb2 import Duration

from server.wire import wav

LOOKED_AT = 64 * 1024
"""Bytes of either end that are read."""
_LONGEST = 30 * 24 * 3600.0  # what claims to be longer is not believed


@dataclass(frozen=True, slots=True)
class Sound:
    """0 and None stand for what the bytes do not tell."""

    format: audio_pb2.AudioFormat.ValueType = audio_pb2.AUDIO_FORMAT_UNSPECIFIED
    rate: int = 0
    channels: int = 0
    seconds: float | None = None


NOTHING = Sound()


def describe(pieces: Sequence[bytes]) -> Sound:
    """Reads the first and last 64 KiB of a recording; never raises."""
    return describe_ends(_head(pieces), _tail(pieces), sum(map(len, pieces)))


def describe_ends(head: bytes, tail: bytes, size: int) -> Sound:
    """The same of the two ends of a recording of ``size`` bytes."""
    try:
        sound = _describe(head, tail, size)
    except (struct.error, ValueError, IndexError, ZeroDivisionError):
        return NOTHING
    if sound.seconds is not None and not 0 <= sound.seconds <= _LONGEST:
        return Sound(sound.format, sound.rate, sound.channels)
    return sound


def duration(seconds: float) -> Duration:
    """Seconds as the contract has them; what is negative counts as 0."""
    told = Duration()
    told.FromMicroseconds(round(min(max(seconds, 0.0), _LONGEST) * 1_000_000))
    return told


def _head(pieces: Sequence[bytes]) -> bytes:
    head = b""
    for piece in pieces:
        head += piece[: LOOKED_AT - len(head)]
        if len(head) >= LOOKED_AT:
            break
    return head


def _tail(pieces: Sequence[bytes]) -> bytes:
    tail = b""
    for piece in reversed(pieces):
        tail = piece[-(LOOKED_AT - len(tail)) :] + tail
        if len(tail) >= LOOKED_AT:
            break
    return tail


def _describe(head: bytes, tail: bytes, size: int) -> Sound:
    if head.startswith(b"RIFF"):
        return _wav(head, size)
    if head.startswith(b"fLaC"):
        return _flac(head)
    if head.startswith(b"OggS"):
        return _ogg(head, tail)
    if head[4:8] == b"ftyp":
        return _mp4(head, tail)
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return _webm(head)
    return _mpeg(head, size)


def _wav(head: bytes, size: int) -> Sound:
    header = wav.read_header(head)
    if header is None:
        return NOTHING
    held = size - header.data_at
    samples = held if header.data_size is None else min(header.data_size, held)
    return Sound(audio_pb2.AUDIO_FORMAT_WAV, header.rate, header.channels, samples / header.frame / header.rate)


def _flac(head: bytes) -> Sound:
    """STREAMINFO is the first block: RFC 9639, section 8.2."""
    packed = int.from_bytes(head[18:26], "big")
    rate, channels, samples = packed >> 44, (packed >> 41 & 0b111) + 1, packed & (1 << 36) - 1
    return Sound(audio_pb2.AUDIO_FORMAT_FLAC, rate, channels, samples / rate if samples else None)


def _ogg(head: bytes, tail: bytes) -> Sound:
    """Opus counts in 48 kHz whatever went in (RFC 7845, section 4); Vorbis in its own rate."""
    last = tail.rfind(b"OggS")
    granule = struct.unpack_from("<q", tail, last + 6)[0] if last >= 0 else 0
    if (at := head.find(b"OpusHead", 0, 256)) >= 0:
        channels, skip = head[at + 9], struct.unpack_from("<H", head, at + 10)[0]
        return Sound(
            audio_pb2.AUDIO_FORMAT_OPUS, 48000, channels, max(0, granule - skip) / 48000 if granule > 0 else None
        )
    if (at := head.find(b"\x01vorbis", 0, 256)) >= 0:
        channels, rate = head[at + 11], struct.unpack_from("<I", head, at + 12)[0]
        return Sound(rate=rate, channels=channels, seconds=granule / rate if granule > 0 else None)
    return NOTHING


def _mp4(head: bytes, tail: bytes) -> Sound:
    """The movie header may stand at either end: ISO/IEC 14496-12, mvhd."""
    seconds = None
    for part in (head, tail):
        at = part.find(b"mvhd")
        if at < 0:
            continue
        if part[at + 4] == 1:
            scale, length = struct.unpack_from(">IQ", part, at + 24)
        else:
            scale, length = struct.unpack_from(">II", part, at + 16)
        seconds = length / scale
        break
    return Sound(audio_pb2.AUDIO_FORMAT_MP4_AAC, seconds=seconds)


def _webm(head: bytes) -> Sound:
    """Duration is counted in TimestampScale, a millisecond unless said: https://www.matroska.org/technical/elements.html."""
    at, seconds = head.find(b"\x44\x89"), None
    if at >= 0 and head[at + 2] in (0x84, 0x88):
        wide = head[at + 2] == 0x88
        length = struct.unpack_from(">d" if wide else ">f", head, at + 3)[0]
        scale = head.find(b"\x2a\xd7\xb1\x83", 0, at)
        nanoseconds = int.from_bytes(head[scale + 4 : scale + 7], "big") if scale >= 0 else 1_000_000
        seconds = length * nanoseconds / 1e9
    return Sound(audio_pb2.AUDIO_FORMAT_WEBM_OPUS, seconds=seconds)


# ISO/IEC 11172-3 and 13818-3: kbit/s of layer III by version, and rates by version.
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def _mpeg(head: bytes, size: int) -> Sound:
    begin = 0
    if head.startswith(b"ID3"):
        # Four bytes of seven bits: https://id3.org/id3v2.4.0-structure, 6.2.
        begin = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    frame = head[begin : begin + 200]
    if len(frame) < 4:
        return Sound(audio_pb2.AUDIO_FORMAT_MP3) if begin else NOTHING
    if frame[0] != 0xFF or frame[1] & 0xE0 != 0xE0:
        return NOTHING
    if frame[1] & 0xF6 == 0xF0:
        channels = (frame[2] & 1) << 2 | frame[3] >> 6
        return Sound(audio_pb2.AUDIO_FORMAT_AAC, _ADTS_RATES[frame[2] >> 2 & 0b1111], channels)
    return _mp3(frame, size - begin)


def _mp3(frame: bytes, size: int) -> Sound:
    version, layer = frame[1] >> 3 & 0b11, frame[1] >> 1 & 0b11
    bitrate, rate_index = frame[2] >> 4, frame[2] >> 2 & 0b11
    if version == 1 or layer != 1 or bitrate == 15 or rate_index == 3:
        return NOTHING
    rate = _RATES[version][rate_index]
    channels = 1 if frame[3] >> 6 == 3 else 2
    samples = 1152 if version == 3 else 576
    at = next((found for mark in (b"Xing", b"Info") if (found := frame.find(mark)) >= 0), -1)
    if at >= 0 and frame[at + 7] & 1:
        frames = int.from_bytes(frame[at + 8 : at + 12], "big")
        return Sound(audio_pb2.AUDIO_FORMAT_MP3, rate, channels, frames * samples / rate)
    kbits = (_KBITS_1 if version == 3 else _KBITS_2)[bitrate]
    return Sound(audio_pb2.AUDIO_FORMAT_MP3, rate, channels, size * 8 / (kbits * 1000) if kbits else None)
