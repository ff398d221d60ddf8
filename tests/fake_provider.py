"""A provider for tests: a real HTTP server whose answers a test scripts and whose requests it can read."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    raw_path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class FakeProvider:
    """Answers every path with ``answer``; ``base_url`` ends in /v1."""

    answer: Answer
    seen: list[Seen] = field(default_factory=list)
    reads: bool = True
    """False leaves the body for ``answer`` to read as it comes; ``seen`` then has none."""
    disconnects: list[float] = field(default_factory=list)
    """When (loop time) a client went away before its answer was whole."""
    tls: ssl.SSLContext | None = None
    base_url: str = ""
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self.tls)
        await site.start()
        scheme = "http" if self.tls is None else "https"
        self.base_url = f"{scheme}://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read() if self.reads else b""
        self.seen.append(Seen(request.method, request.raw_path, dict(request.headers), body))
        try:
            return await self.answer(request)
        except (asyncio.CancelledError, ConnectionError):
            self.disconnects.append(asyncio.get_running_loop().time())
            raise


def completion(text: str = "Hello there", **message: Any) -> dict[str, Any]:
    """A whole answer in OpenAI's form."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1750000000,
        "model": "gpt-test",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **extra: Any) -> bytes:
    """One server-sent event of a streamed answer."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1750000000, "model": "gpt-test"}
    return b"data: " + json.dumps({**body, "choices": choices, **extra}).encode() + b"\n\n"


USAGE = chunk(usage={"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7})
DONE = b"data: [DONE]\n\n"


def answers(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    """Always the same JSON."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return answer


def streams(*pieces: bytes, pause: float = 0.0, then: Callable[[], Awaitable[None]] | None = None) -> Answer:
    """The pieces as a server-sent stream, each written at once; ``then`` runs before the end."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            if pause:
                await asyncio.sleep(pause)
        if then:
            await then()
        return response

    return answer


async def hangs(_request: web.Request) -> web.StreamResponse:
    """Never answers."""
    await asyncio.sleep(3600)
    raise AssertionError


async def breaks_off(request: web.Request) -> web.StreamResponse:
    """Two deltas, then the connection is gone."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(chunk({"role": "assistant", "content": "Hel"}) + chunk({"content": "lo"}))
    await asyncio.sleep(0.05)
    assert request.transport
    request.transport.abort()
    return response
