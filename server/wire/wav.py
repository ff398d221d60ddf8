"""The header of a WAV file, both ways.

Chunks and tags: https://www.mmsp.ece.mcgill.ca/Documents/AudioFormats/WAVE/WAVE.html
"""

import struct
from dataclasses import dataclass

PCM, ALAW, MULAW = 1, 6, 7
_EXTENSIBLE = 0xFFFE
_UNKNOWN = 0xFFFFFFFF
"""The size that a writer puts who does not know it yet."""
LONGEST_HEADER = 64 * 1024
"""A file whose data has not begun by then is not read."""


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What a header says. ``data_at`` is where the samples begin."""

    tag: int
    """How a sample is coded: PCM, ALAW, MULAW or another."""
    channels: int
    rate: int
    bits: int
    data_at: int
    data_size: int | None
    """Bytes of samples; None where the writer did not know."""

    @property
    def frame(self) -> int:
        """Bytes of one sample of every channel."""
        return max(1, self.channels * self.bits // 8)


def write_header(rate: int, channels: int, size: int | None, *, tag: int = PCM) -> bytes:
    """44 bytes to put before ``size`` bytes of 16-bit samples, or 8-bit ones for ALAW and MULAW; None is not known."""
    width = 2 if tag == PCM else 1
    told = _UNKNOWN if size is None else size
    whole = _UNKNOWN if size is None else min(size + 36, _UNKNOWN)
    frame = channels * width
    form = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, width * 8)
    return (
        b"RIFF"
        + struct.pack("<I", whole)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", told)
    )


def read_header(head: bytes) -> WavHeader | None:
    """What ``head``, the beginning of a file, says; None while its samples have not begun.

    Raises ValueError where it is no WAV file, or its data does not begin within 64 KiB.
    """
    if not (b"RIFF" + head[4:8] + b"WAVE").startswith(head[:12]):
        raise ValueError("no WAV file")
    form: tuple[int, int, int, int] | None = None
    place = 12
    while place + 8 <= len(head):
        name, size = head[place : place + 4], int.from_bytes(head[place + 4 : place + 8], "little")
        begin = place + 8
        if name == b"data":
            if form is None:
                raise ValueError("a WAV file without a format")
            return WavHeader(*form, data_at=begin, data_size=None if size >= _UNKNOWN - 36 else size)
        if name == b"fmt " and size >= 16 and len(head) >= begin + 16:
            form = _form(head[begin : begin + size])
        place = begin + size + (size & 1)
    if len(head) > LONGEST_HEADER or place > LONGEST_HEADER:
        raise ValueError("a WAV file with a header that is too long")
    return None


def sized(file: bytes) -> bytes:
    """A whole file, with its length in a header that left it open; any other file as it is."""
    try:
        header = read_header(file)
    except ValueError:
        return file
    if header is None or header.data_size is not None:
        return file
    begin = header.data_at
    whole, data = (struct.pack("<I", min(size, _UNKNOWN)) for size in (len(file) - 8, len(file) - begin))
    return b"".join((file[:4], whole, file[8 : begin - 4], data, file[begin:]))


def _form(chunk: bytes) -> tuple[int, int, int, int]:
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
    if tag == _EXTENSIBLE and len(chunk) >= 26:
        tag = int.from_bytes(chunk[24:26], "little")
    if not channels or not rate or not bits:
        raise ValueError("a WAV file of nothing")
    return tag, channels, rate, bits
