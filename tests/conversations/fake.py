"""All dialects on one real HTTP server, each below its name; usable without the conversations."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from aiohttp import web

from tests.conversations.dialects.base import Dialect, NotTaken, Reply, Request, StreamReply
from tests.conversations.neutral import Heard, Script, saying

Director = Callable[[str, Heard], Script]
"""Name of the instance and what it heard, to what is answered."""
_MAX_BODY = 64 * 2**20
PUBLIC = "http://8.8.8.8"
"""A provider at a public address, as most are, is told URLs of media; for one on loopback the hub would fetch them."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One chat request that was understood."""

    name: str
    heard: Heard
    request: Request


def _hello(name: str, heard: Heard) -> Script:
    return saying(f"Hello from {name}")


class Fake:
    """``async with Fake(DIALECTS) as fake:`` serves until the end of the block.

    ``script`` decides what is answered. ``cut``, where set, makes a fresh source of chance for each stream, whose bytes
    are then cut at places of its choosing; without it a stream goes out in the dialect's own pieces.
    """

    def __init__(
        self, dialects: Iterable[Dialect], script: Director = _hello, cut: Callable[[], random.Random] | None = None
    ) -> None:
        self.dialects = {dialect.name: dialect for dialect in dialects}
        """By name; a test may put another in its place while the server runs."""
        self.script = script
        self.cut = cut
        self.asked: list[Asked] = []
        """Every chat request that was understood, in order."""
        self.complaints: list[str] = []
        """Every request that was not, as NAME: why."""
        self.completed: Counter[str] = Counter()
        """By name, the answers, whole and streamed, that went out to their last byte."""
        self._address = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listens on a free port of loopback."""
        app = web.Application(client_max_size=_MAX_BODY)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._address = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """Closes every connection."""
        if self._runner is not None:
            await self._runner.cleanup()

    def base_url(self, name: str) -> str:
        """Where a client finds that instance on loopback."""
        return f"{self._address}/{name}{self.dialects[name].base_path}"

    def configuration(self) -> list[dict[str, object]]:
        """The hub's ``providers``: an instance of every dialect.

        All have a public address, and the fake as the proxy that leads there.
        """
        return [
            {**dialect.configuration(f"{PUBLIC}/{name}{dialect.base_path}"), "proxy": self._address}
            for name, dialect in self.dialects.items()
        ]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name, asked = await _read(request)
        dialect = self.dialects.get(name)
        if dialect is None:
            self.complaints.append(f"{name}: there is no such dialect")
            return web.Response(status=404)
        if (aside := dialect.aside(asked)) is not None:
            return _whole(aside)
        try:
            heard = dialect.hear(asked)
        except NotTaken as error:
            self.complaints.append(f"{name}: {error}")
            return _whole(dialect.refuse(str(error)))
        self.asked.append(Asked(name, heard, asked))
        script = dialect.tells(self.script(name, heard))
        if heard.stream:
            script = script if dialect.stream_usage else replace(script, usage=None)
            response: web.StreamResponse = await self._stream(request, dialect.stream(script, heard))
        else:
            response = _whole(dialect.answer(script, heard))
            await response.prepare(request)
            await response.write_eof()
        self.completed[name] += 1
        return response

    async def _stream(self, request: web.Request, reply: StreamReply) -> web.StreamResponse:
        response = web.StreamResponse(headers=dict(reply.headers))
        await response.prepare(request)
        pieces = recut(b"".join(reply.pieces), self.cut()) if self.cut else reply.pieces
        for piece in pieces:
            await response.write(piece)
            # The other end reads each piece by itself.
            await asyncio.sleep(0)
        await response.write_eof()
        return response


async def _read(request: web.Request) -> tuple[str, Request]:
    """The name and the request below its prefix; a proxy is told the whole URL in the request line."""
    path = request.raw_path.removeprefix(PUBLIC).partition("?")[0]
    name, _, rest = path.removeprefix("/").partition("/")
    headers: Mapping[str, str] = {name.lower(): value for name, value in request.headers.items()}
    return name, Request(request.method, f"/{rest}", dict(request.query), headers, await request.read())


def _whole(reply: Reply) -> web.Response:
    return web.Response(body=reply.body, status=reply.status, headers=dict(reply.headers))


def recut(data: bytes, chance: random.Random) -> list[bytes]:
    """The bytes in pieces of 1 to a third of the whole, small ones oftener."""
    pieces: list[bytes] = []
    at = 0
    while at < len(data):
        size = chance.choice((1, 2, 7, 40, 200, len(data) // 3 + 1))
        pieces.append(data[at : at + size])
        at += size
    return pieces
