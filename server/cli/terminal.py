"""What the terminal can show, and how to show it: colour, tables, text that others wrote."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TextIO

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.timestamp_pb2 import Timestamp

_DIM, _BOLD, _PLAIN = "\x1b[2m", "\x1b[1m", "\x1b[0m"

# A model's answer or a provider's error is text of strangers: an escape sequence in it could retitle the
# window, write the clipboard or hide what was said. Tab and line feed are all that text needs.
_CONTROLS = dict.fromkeys(c for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in (0x09, 0x0A))


def without_controls(text: str) -> str:
    """The text without terminal control characters; tabs and line feeds stay."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """The text as a single line without control characters."""
    return without_controls(" ".join(text.split()))


def takes_colour(stream: TextIO) -> bool:
    """True for a terminal, unless NO_COLOR (https://no-color.org) or TERM=dumb says otherwise."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def dim(text: str, stream: TextIO) -> str:
    """The text in a faint colour where the stream takes colour."""
    return f"{_DIM}{text}{_PLAIN}" if text and takes_colour(stream) else text


def bold(text: str, stream: TextIO) -> str:
    """The text in bold where the stream takes colour."""
    return f"{_BOLD}{text}{_PLAIN}" if text and takes_colour(stream) else text


def note(text: str) -> None:
    """One line beside the result: to standard error, so that pipes stay clean."""
    print(dim(one_line(text), sys.stderr), file=sys.stderr, flush=True)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints aligned columns; an empty cell is shown as ``-`` so that columns can be counted by a script."""
    cells = [[one_line(cell) or "-" for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(headings), *cells]) for i in range(len(headings))]
    for number, row in enumerate([list(headings), *cells]):
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        print(bold(line, sys.stdout) if number == 0 else line)


def spoken_time(stamp: Timestamp) -> str:
    """A time to the second in UTC, as ISO 8601; empty where it is unset."""
    if not stamp.seconds:
        return ""
    return datetime.fromtimestamp(stamp.seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def enum_word(enum: EnumDescriptor, number: int, prefix: str) -> str:
    """An enum's value for people: ``KEY_STATE_ACTIVE`` is ``active``; a newer hub's value is its number."""
    value = enum.values_by_number.get(number)
    if value is None:
        return str(number)
    word = value.name.removeprefix(prefix).lower().replace("_", " ")
    return "not known" if word == "unspecified" else word
