"""multipart/form-data (RFC 7578) in pieces: what is large is handed on as it is, never copied into one body."""

import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass

from server.wire.http import HttpRequest

_ESCAPES = str.maketrans({mark: f"%{ord(mark):02X}" for mark in ('"', *map(chr, range(32)), "\x7f")})
"""What https://html.spec.whatwg.org/#multipart-form-data has for a name or file name, and the other control characters,
which no header may hold (RFC 9110, 5.5)."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of the form; ``pieces`` joined are its bytes."""

    name: str
    filename: str
    mime_type: str
    pieces: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """A form ready to be sent: in pieces, or as a flow where its last file is still coming."""

    content_type: str
    pieces: tuple[bytes, ...] = ()
    flow: AsyncIterator[bytes] | None = None

    def to(self, path: str, adjusted: Iterable[str]) -> HttpRequest:
        """The request that sends it; ``adjusted`` are HttpRequest.adjusted_fields."""
        headers = {"Content-Type": self.content_type}
        return HttpRequest(path, headers=headers, pieces=self.pieces, flow=self.flow, adjusted_fields=tuple(adjusted))


def multipart(fields: Iterable[tuple[str, str]], files: Iterable[FilePart]) -> tuple[str, list[bytes]]:
    """The Content-Type and the body in pieces: the fields in order, then the files."""
    boundary = f"hub-{secrets.token_hex(16)}"
    pieces: list[bytes] = []
    for name, value in fields:
        pieces.append(f"{_opening(boundary, name)}\r\n\r\n{value}\r\n".encode())
    for file in files:
        mime_type = file.mime_type.translate(_ESCAPES)
        about = f'; filename="{file.filename.translate(_ESCAPES)}"\r\nContent-Type: {mime_type}\r\n\r\n'
        pieces.append((_opening(boundary, file.name) + about).encode())
        pieces += file.pieces
        pieces.append(b"\r\n")
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", pieces


def form_of(fields: Iterable[tuple[str, str]]) -> Form:
    """The fields in order, and no file."""
    content_type, pieces = multipart(fields, ())
    return Form(content_type, tuple(pieces))


def form_with_file(fields: Iterable[tuple[str, str]], file: FilePart, coming: AsyncIterator[bytes] | None) -> Form:
    """The fields in order, then the one file; with ``coming``, that is its bytes and ``file.pieces`` is empty."""
    content_type, pieces = multipart(fields, [file])
    if coming is None:
        return Form(content_type, tuple(pieces))
    return Form(content_type, flow=_around(pieces[:-2], coming, pieces[-2:]))


async def _around(
    before: Sequence[bytes], coming: AsyncIterator[bytes], after: Sequence[bytes]
) -> AsyncIterator[bytes]:
    for piece in before:
        yield piece
    async for piece in coming:
        yield piece
    for piece in after:
        yield piece


def _opening(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
