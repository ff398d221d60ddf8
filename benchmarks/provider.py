"""The provider of the benchmarks where no C compiler is: the same plays from asyncio protocols on uvloop.

``python -m benchmarks.provider PLAYS`` prints its port on 127.0.0.1 and serves until it is ended.
"""

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import uvloop
from typing_extensions import override

from benchmarks.plays import Play, read_plays

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Player(asyncio.Protocol):
    """One connection: whole requests in, one play after another out."""

    def __init__(self, plays: list[tuple[bytes, Play]]) -> None:
        self._plays = plays
        self._held = bytearray()
        self._timer: asyncio.Handle | None = None

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()

    @override
    def data_received(self, data: bytes) -> None:
        self._held += data
        length = self._whole()
        if not length:
            return
        request = bytes(self._held[:length])
        del self._held[:length]
        play = next((play for mark, play in self._plays if mark in request), None)
        if play is None:
            self._transport.write(_NOT_FOUND)
        else:
            self._send(play, 0, asyncio.get_running_loop().time())

    def _whole(self) -> int:
        end = self._held.find(b"\r\n\r\n")
        if end < 0:
            return 0
        head = bytes(self._held[: end + 2])
        if b"transfer-encoding" in head.lower():
            last = self._held.find(b"\r\n0\r\n\r\n", end)
            return last + 7 if last >= 0 else 0
        found = _LENGTH.search(head)
        whole = end + 4 + (int(found[1]) if found else 0)
        return whole if len(self._held) >= whole else 0

    def _send(self, play: Play, place: int, due: float) -> None:
        self._transport.write(play.pieces[place])
        if place + 1 == len(play.pieces):
            return
        loop, due = asyncio.get_running_loop(), due + play.interval / 1e6
        if play.interval:
            self._timer = loop.call_at(due, self._send, play, place + 1, due)
        else:
            self._timer = loop.call_soon(self._send, play, place + 1, due)


async def _serve(path: Path) -> None:
    plays = [(play.mark.encode(), play) for play in read_plays(path)]
    server = await asyncio.get_running_loop().create_server(lambda: Player(plays), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(Path(sys.argv[1])))
