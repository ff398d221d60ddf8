"""The values of one long JSON array out of the bytes of a body, however the network cut them.

It is how Google's servers stream where they are not asked for events.
"""

import re

from server.errors import ProviderBadResponse
from server.wire.sse import MAX_EVENT_BYTES

_TURNS = re.compile(rb'["\\{}\[\]]')


class JsonArrayParser:
    """Reads one body. ``feed`` it every read; it yields the objects of the array that are whole."""

    __slots__ = ("_depth", "_escaped", "_held", "_in_text", "_limit", "_size", "closed")

    def __init__(self, limit: int = MAX_EVENT_BYTES) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._depth = 0
        self._in_text = False
        self._escaped = False
        self.closed = False
        """True once the array has ended."""

    def feed(self, data: bytes) -> list[bytes]:
        """Objects that this read completed, in order. Raises ProviderBadResponse where one is too long."""
        found: list[bytes] = []
        start, place = 0, 0
        while not self.closed and (turn := self._next(data, place)) is not None:
            place = turn + 1
            mark = data[turn : turn + 1]
            if mark in b"{[":
                self._depth += 1
                if self._depth <= 2:
                    # What separates objects is no part of them.
                    start = turn
                    self._drop()
            elif mark in b"}]":
                self._depth -= 1
                self.closed = self._depth <= 0
                if self._depth == 1:
                    found.append(b"".join((*self._held, data[start:place])))
                    self._drop()
                    start = place
        self._hold(data[start:])
        return found

    def _next(self, data: bytes, place: int) -> int | None:
        """Where the next bracket outside any text is."""
        while True:
            if self._escaped and place < len(data):
                self._escaped = False
                place += 1
            turn = _TURNS.search(data, place)
            if turn is None:
                return None
            place = turn.end()
            mark = turn.group()
            if mark == b"\\":
                self._escaped = self._in_text
            elif mark == b'"':
                self._in_text = not self._in_text
            elif not self._in_text:
                return turn.start()

    def _drop(self) -> None:
        self._held.clear()
        self._size = 0

    def _hold(self, rest: bytes) -> None:
        # Between objects there is nothing but commas and white space.
        if self._depth < 2 or not rest:
            return
        self._size += len(rest)
        if self._size > self._limit:
            raise ProviderBadResponse("the provider sent an event longer than the hub reads")
        self._held.append(rest)
