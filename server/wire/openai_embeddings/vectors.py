"""Vectors from the form a host sends to the form the caller wants, without a float list where none is wanted."""

import sys
from array import array
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from aignehub.v1 import embedding_service_pb2 as pb
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsResponse

from server.errors import ProviderBadResponse
from server.wire.openai_embeddings.dialect import BINARY, FLOAT32, INT8, UBINARY, UINT8, Format

Numbers = bytes | list[float]
"""A vector as it was sent: base64 text decoded, or the numbers of an array."""

_FLOAT_BYTES = 4
_TYPE_CODES: Mapping[int, Literal["f", "b", "B"]] = {FLOAT32: "f", INT8: "b", UINT8: "B", BINARY: "b", UBINARY: "B"}
_BIT_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_OFFSET = bytes(byte ^ 0x80 for byte in range(256))  # offset binary is the unsigned byte less 128
_SWAPPED = sys.byteorder == "big"


def packed(numbers: Numbers, form: Format) -> bytes:
    """The vector in bytes of ``form.kind``, the first of eight bits the highest.

    Raises ProviderBadResponse for numbers that such a vector cannot hold.
    """
    if not isinstance(numbers, bytes):
        numbers = _bytes_of(numbers if form.kind == FLOAT32 else _whole(numbers), form.kind)
    elif form.kind == FLOAT32 and len(numbers) % _FLOAT_BYTES:
        raise ProviderBadResponse(f"the provider sent a vector of {len(numbers)} bytes, which are no floats")
    return numbers.translate(_BIT_REVERSED) if form.low_bit_first else numbers


def _bytes_of(numbers: Iterable[float], kind: int) -> bytes:
    try:
        made: array[Any] = array(_TYPE_CODES[kind], numbers)
    except (TypeError, OverflowError):
        raise ProviderBadResponse("the provider sent a vector of other numbers than it was asked for") from None
    if _SWAPPED:
        made.byteswap()
    return made.tobytes()


def _whole(numbers: Iterable[float]) -> Iterable[int]:
    for number in numbers:
        if number != int(number):
            raise ProviderBadResponse("the provider sent fractions where it was asked for whole numbers")
        yield int(number)


def length(vector: bytes, kind: int) -> int:
    """How many dimensions the bytes stand for."""
    if kind == FLOAT32:
        return len(vector) // _FLOAT_BYTES
    return len(vector) * 8 if kind in (BINARY, UBINARY) else len(vector)


def add(response: CreateEmbeddingsResponse, index: int, vector: bytes, kind: int) -> None:
    """Adds the vector as the response's encoding has it, into which ``kind`` can be turned without loss."""
    wanted = response.encoding
    if wanted == pb.EMBEDDING_ENCODING_FLOAT_LIST:
        response.embeddings.add(index=index).floats.values.extend(_floats(vector, kind))
        return
    if kind == INT8 and wanted == FLOAT32:
        vector = _bytes_of(_floats(vector, kind), FLOAT32)
    elif kind == UBINARY and wanted == BINARY:
        vector = vector.translate(_OFFSET)
    response.embeddings.add(index=index, packed=vector)


def _floats(vector: bytes, kind: int) -> "array[Any]":
    found: array[Any] = array(_TYPE_CODES[kind], vector)
    if _SWAPPED:
        found.byteswap()
    return found
