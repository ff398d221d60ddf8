"""The stand-in for every provider: answers each exchange's own path with its recorded bytes, cut at random places."""

import asyncio
import contextlib
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType

import orjson
from aiohttp import web

from tests.wire.recording import Json, Recording

# Bodies were stored whole and decompressed (the format's README), so these would no longer be true of them.
_FRAMING = frozenset({"transfer-encoding", "content-length", "content-encoding", "connection", "keep-alive"})

# Piece sizes in bytes: some split characters and field names, some hold several events.
_PIECES = ((1, 3), (4, 40), (41, 400), (401, 4000))


@dataclass(frozen=True, slots=True)
class Captured:
    """A request as it reached the provider."""

    method: str
    path: str
    """Path and query below the exchange's own prefix."""
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json | None:
        """The parsed body, or None where it is no JSON."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None


@dataclass(slots=True)
class _Exchange:
    recording: Recording
    requests: list[Captured] = field(default_factory=list)


class ReplayServer:
    """Serves recordings on a free loopback port; ``/<name>/…`` is one exchange, whatever comes after.

    It is a forward proxy too, in that it reads a whole URL in the request line and answers for every host.
    """

    def __init__(self, recordings: Mapping[str, Recording], seed: int) -> None:
        """``recordings`` by the name of their path; ``seed`` decides where streams are cut."""
        self._exchanges = {name: _Exchange(recording) for name, recording in recordings.items()}
        self._seed = seed
        app = web.Application(client_max_size=256 * 1024 * 1024)
        app.router.add_route("*", "/{name}/{tail:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        self.port = 0

    async def __aenter__(self) -> "ReplayServer":
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    def requests(self, name: str) -> list[Captured]:
        """What reached this exchange, in order."""
        return self._exchanges[name].requests

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        exchange = self._exchanges.get(request.match_info["name"])
        if exchange is None:
            return web.Response(status=404, text="no such exchange")
        prefix = "/" + request.match_info["name"]
        path = request.rel_url.raw_path_qs.removeprefix(prefix)
        exchange.requests.append(Captured(request.method, path, dict(request.headers), await request.read()))
        return await self._play(request, exchange.recording)

    async def _play(self, request: web.Request, recording: Recording) -> web.StreamResponse:
        headers = {name: text for name, text in recording.response_headers.items() if name not in _FRAMING}
        if "content-type" not in headers:
            headers["content-type"] = "text/event-stream" if recording.streaming else "application/json"
        response = web.StreamResponse(status=recording.status, headers=headers)
        await response.prepare(request)
        # The hub hangs up where it has read enough, such as an error in the stream.
        with contextlib.suppress(ConnectionResetError):
            for piece in cut(recording.response_body, random.Random(f"{self._seed}:{recording.id}")):
                await response.write(piece)
                await asyncio.sleep(0)
            await response.write_eof()
        return response


def cut(body: bytes, dice: random.Random) -> Iterator[bytes]:
    """The same bytes in pieces of random sizes, inside characters, field names and line ends too."""
    start = 0
    while start < len(body):
        low, high = dice.choice(_PIECES)
        end = start + dice.randint(low, high)
        yield body[start:end]
        start = end
