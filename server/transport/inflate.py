"""Decompression that a hostile server cannot turn into memory.

The hub asks for ``identity``; this is for those that compress all the same.
"""

import zlib
from collections.abc import Iterator

_PIECE = 64 * 1024
_GZIP = 16 + zlib.MAX_WBITS


class CannotInflate(Exception):
    """The body is not what its Content-Encoding says, or the coding is unknown."""


class CutShort(Exception):
    """The body ended in the middle of its compressed data."""


def inflater_for(content_encoding: str) -> "Inflater | None":
    """What undoes ``content_encoding``; None where there is nothing to undo. Raises CannotInflate if unknown."""
    coding = content_encoding.strip().lower()
    if coding in ("", "identity"):
        return None
    if coding in ("gzip", "x-gzip", "deflate"):
        return Inflater(deflate=coding == "deflate")
    raise CannotInflate


class Inflater:
    """Decompresses one body piece by piece; never holds more than one piece and one read."""

    __slots__ = ("_begun", "_deflate", "_stream")

    def __init__(self, *, deflate: bool) -> None:
        self._deflate = deflate
        self._stream = zlib.decompressobj(zlib.MAX_WBITS if deflate else _GZIP)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` unfolds to, in pieces of at most 64 KiB, made as they are asked for."""
        if not self._begun and data:
            self._begun = True
            # "deflate" is zlib by RFC 9110, 8.4.1.2, and raw by the habit of some servers: the first byte tells.
            if self._deflate and data[0] & 0x0F != zlib.DEFLATED:
                self._stream = zlib.decompressobj(-zlib.MAX_WBITS)
        while data:
            if self._stream.eof:
                if self._deflate or not data.strip(b"\0"):
                    return  # padding after the end
                self._stream = zlib.decompressobj(_GZIP)  # the next member of a gzip file
            try:
                piece = self._stream.decompress(data, _PIECE)
            except zlib.error:
                raise CannotInflate from None
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if piece:
                yield piece
        # What the window still holds comes out with no further input.
        while not self._stream.eof and (piece := self._stream.decompress(b"", _PIECE)):
            yield piece

    def finish(self) -> None:
        """Raises CutShort where the compressed data has no end."""
        if self._begun and not self._stream.eof:
            raise CutShort
