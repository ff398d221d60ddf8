"""A form with files, RFC 7578, as pieces that are sent one after the other and never put together."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from secrets import token_hex


@dataclass(frozen=True, slots=True)
class FilePart:
    """One file of a form."""

    name: str
    filename: str
    mime_type: str
    data: bytes = field(repr=False)


def form(fields: Sequence[tuple[str, str]], files: Sequence[FilePart]) -> tuple[str, tuple[bytes, ...]]:
    """The Content-Type with its boundary, and the body in pieces; every file is a piece of its own, uncopied."""
    # 192 random bits: no file holds the boundary, and nobody could have written one that does.
    boundary = f"hub-{token_hex(24)}"
    pieces: list[bytes] = []
    head = ""
    for name, value in fields:
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
    for file in files:
        head += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(file.name)}"; '
            f'filename="{_quoted(file.filename)}"\r\nContent-Type: {file.mime_type}\r\n\r\n'
        )
        pieces += (head.encode(), file.data)
        head = "\r\n"
    pieces.append(f"{head}--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", tuple(pieces)


def _quoted(text: str) -> str:
    # https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
