"""multipart/form-data as it was recorded or sent, read without the hub's help: RFC 7578."""

import re
from dataclasses import dataclass, field

_BOUNDARY = re.compile(r'boundary="?([^";]+)')


@dataclass(slots=True)
class Form:
    """Fields by name, arrays without their brackets, and the one file."""

    fields: dict[str, list[str]] = field(default_factory=dict)
    file: bytes = b""
    filename: str = ""
    last: str = ""
    """The name of the last part."""


def read_form(content_type: str, body: bytes) -> Form:
    """Raises ValueError where it is no form."""
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise ValueError("no boundary")
    form = Form()
    for part in (b"\r\n" + body).split(b"\r\n--" + found.group(1).encode())[1:]:
        if part.startswith(b"--"):
            break
        head, _, value = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        if name is None:
            raise ValueError("a part without a name")
        form.last = name.group(1).decode().removesuffix("[]")
        if form.last == "file":
            filename = re.search(rb'filename="([^"]*)"', head)
            form.file, form.filename = value, filename.group(1).decode() if filename else ""
        else:
            form.fields.setdefault(form.last, []).append(value.decode())
    return form
