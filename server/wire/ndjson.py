"""Objects of JSON out of the bytes of a body, one to a line, however it was cut: https://github.com/ndjson/ndjson-spec."""

from server.errors import ProviderBadResponse
from server.wire.sse import MAX_EVENT_BYTES


class NdjsonParser:
    """Reads one body. ``feed`` it every read; it yields the lines that are whole and not blank."""

    __slots__ = ("_held", "_limit", "_size")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Lines that this read completed, in order. Raises ProviderBadResponse where one is too long."""
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = b"".join((*self._held, whole[0]))
            self._held.clear()
            self._size = 0
        if rest:
            self._size += len(rest)
            if self._size > self._limit:
                raise ProviderBadResponse("the provider sent a line longer than the hub reads")
            self._held.append(rest)
        return [line for line in whole if line.strip()]

    def rest(self) -> bytes:
        """The line that the end of the body left open; empty where there is none."""
        line = b"".join(self._held)
        self._held.clear()
        return line if line.strip() else b""
