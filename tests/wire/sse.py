"""Server-sent events of a whole body, by https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, empty where it has none, and its data lines joined."""

    name: str
    data: str


def events(body: bytes) -> Iterator[Event]:
    """Every event that has data; the last one counts although its blank line was lost in recording."""
    name = ""
    data: list[str] = []
    for line in [*_LINE_END.split(body.decode("utf-8", "replace").removeprefix("\ufeff")), ""]:
        if not line:
            if data:
                yield Event(name, "\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
