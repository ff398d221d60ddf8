"""Servers on loopback for the tests of outgoing HTTP: a recording one on raw sockets, and what they hand out."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

Conversation = Callable[["Peer"], Awaitable[None]]


@dataclass
class Peer:
    """One accepted connection, and what is known of its life."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    closed_at: float = 0.0

    async def request(self) -> tuple[str, dict[str, str], bytes]:
        """Request line, headers (lower-case names) and body of the next request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:-2])}
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return head[0], headers, body

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        await self.send(head.encode(errors="surrogateescape") + body)

    async def gone(self) -> None:
        """Returns when the other side has closed; notes when that was."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        self.closed_at = asyncio.get_running_loop().time()
        self.closed.set()

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.writer.transport.abort()


class RawServer:
    """Plays one conversation with each connection and counts them."""

    def __init__(self, converse: Conversation) -> None:
        self._converse = converse
        self._tasks: set[asyncio.Task[None]] = set()
        self.peers: list[Peer] = []
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.port = 0
        self._arrived = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def accepted(self, count: int) -> None:
        """Returns when so many connections have been made."""
        while len(self.peers) < count:
            self._arrived.clear()
            await self._arrived.wait()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        peer = Peer(reader, writer)
        self.peers.append(peer)
        self._arrived.set()
        try:
            await self._converse(peer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            pass  # the test is over; Python 3.11's streams would report it as an error
        finally:
            peer.closed.set()
            self._tasks.discard(task)
            writer.close()

    @contextlib.asynccontextmanager
    async def running(self, ssl: object = None) -> AsyncIterator["RawServer"]:
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0, ssl=ssl)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for peer in self.peers:
                peer.writer.close()
            await asyncio.sleep(0)


def serving(converse: Conversation, ssl: object = None) -> contextlib.AbstractAsyncContextManager[RawServer]:
    """A server on a free loopback port that plays ``converse`` with each connection."""
    return RawServer(converse).running(ssl)


def soon(seconds: float) -> float:
    """A deadline so many seconds from now."""
    return asyncio.get_running_loop().time() + seconds
