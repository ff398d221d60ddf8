"""Server-sent events out of the bytes of a body, however the network cut them.

The grammar is https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream, with one
leniency: an event whose closing blank line never came can still be had from ``rest``.
"""

from server.errors import ProviderBadResponse

Event = tuple[str, bytes]
"""The event's name (empty where it has none) and its data, lines joined by a line feed."""

MAX_EVENT_BYTES = 32 * 1024 * 1024
"""Longest event that is put together: a generated 4k image in base64, with headroom."""

_BOM = b"\xef\xbb\xbf"
_DATA = b"data: "
_END = b"\n\n"


class SseParser:
    """Reads one body. ``feed`` it every read; it yields the events that are whole."""

    __slots__ = ("_after_cr", "_begun", "_held", "_limit", "_size")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._after_cr = False
        self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        """Events that this read completed, in order. Raises ProviderBadResponse where one is too long."""
        fresh = self._begun and not self._held and not self._after_cr
        # Most reads are one line of data and the blank line after it.
        if (
            fresh
            and data.startswith(_DATA)
            and data.endswith(_END)
            and b"\r" not in data
            and data.find(b"\n", 0, -2) < 0
        ):
            return [("", data[len(_DATA) : -2])]
        if b"\r" in data or self._after_cr:
            data = self._unify_line_ends(data)
        if not data:
            return []
        if b"\n" not in data:
            self._hold(data)
            return []
        if self._held:
            data = b"".join((*self._held, data))
            self._held.clear()
            self._size = 0
        if not self._begun:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._hold(data)
                return []
            self._begun = True
            data = data.removeprefix(_BOM)
        *blocks, rest = data.split(b"\n\n")
        if rest:
            self._hold(rest)
        return [event for block in blocks if block and (event := _event(block))]

    def rest(self) -> Event | None:
        """The event that the end of the body left open; None where there is none."""
        block = b"".join(self._held)
        if not self._begun:
            block = block.removeprefix(_BOM)
        self._held.clear()
        return _event(block) if block else None

    def _hold(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._limit:
            raise ProviderBadResponse("the provider sent an event longer than the hub reads")
        self._held.append(data)

    def _unify_line_ends(self, data: bytes) -> bytes:
        # CR, LF and CRLF each end a line; a CRLF that was cut in two must not count twice.
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            if not data:
                self._after_cr = False
                return data
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _event(block: bytes) -> Event | None:
    if block.startswith(_DATA) and b"\n" not in block:
        return "", block[len(_DATA) :]
    name = ""
    lines: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
        # id, retry, unknown fields and comments (an empty field name) mean nothing here.
    return (name, b"\n".join(lines)) if lines else None
