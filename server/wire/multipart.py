"""multipart/form-data (RFC 7578) in pieces: what is large is handed on as it is, never copied into one body."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
"""What https://html.spec.whatwg.org/#multipart-form-data has for a name or file name."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file of the form; ``pieces`` joined are its bytes."""

    name: str
    filename: str
    mime_type: str
    pieces: Sequence[bytes]


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


def _opening(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_ESCAPES)}"'
