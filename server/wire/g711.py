"""G.711, both laws, both ways. See https://www.itu.int/rec/T-REC-G.711."""

from array import array
from functools import cache

_BIAS, _CLIP = 0x84, 32635


def encode(samples: "array[int]", *, alaw: bool) -> bytes:
    """A byte a sample."""
    one = _alaw if alaw else _mulaw
    return bytes(map(one, samples))


def decode(data: bytes, *, alaw: bool) -> "array[int]":
    """16-bit samples."""
    table = _table(alaw=alaw)
    return array("h", [table[byte] for byte in data])


@cache
def _table(*, alaw: bool) -> list[int]:
    return [_from_alaw(byte) if alaw else _from_mulaw(byte) for byte in range(256)]


@cache
def _mulaw(sample: int) -> int:
    sign = 0x80 if sample < 0 else 0
    size = min(abs(sample), _CLIP) + _BIAS
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | (size >> exponent + 3) & 15) & 0xFF


def _from_mulaw(byte: int) -> int:
    byte = ~byte & 0xFF
    size = (((byte & 15) << 3) + _BIAS << (byte >> 4 & 7)) - _BIAS
    return -size if byte & 0x80 else size


@cache
def _alaw(sample: int) -> int:
    sign = 0x80 if sample >= 0 else 0
    size = min(abs(sample), _CLIP) >> 3
    exponent = max(0, size.bit_length() - 5)
    mantissa = size >> max(exponent, 1) & 15
    return (sign | exponent << 4 | mantissa) ^ 0x55


def _from_alaw(byte: int) -> int:
    byte ^= 0x55
    exponent, size = byte >> 4 & 7, (byte & 15) << 4 | 8
    if exponent:
        size = size + 0x100 << exponent - 1
    return size if byte & 0x80 else -size
