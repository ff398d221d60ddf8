"""What can go wrong between the hub and a provider."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from random import Random

DRIP = b"X-Drill-Drip"
"""Header that tells the fake provider to send its answer in drops."""
RETRY_AFTER = 1.0
"""Seconds that a 429 of the drill asks for."""
_STATUSES = (401, 408, 429, 500, 502, 503, 504, 529)
_PIECE = 256
_ENDLESS = 40 * 2**20
_BOMB = gzip.compress(bytes(80 * 2**20), 9)


@dataclass(frozen=True, slots=True)
class Wire:
    """One request at the proxy."""

    request: bytes
    """As the provider is to get it."""
    down: asyncio.StreamWriter
    """Towards the hub."""
    ask: Callable[[bytes], Awaitable[asyncio.StreamReader]]
    """Sends a request to the provider; its answer."""
    drop: Callable[[], None]
    """Ends the provider's connection at once, as a network would that fails on both sides."""
    random: Random


Fault = Callable[[Wire], Awaitable[None]]


async def relay(wire: Wire) -> None:
    """No fault at all."""
    await _copy(wire, await wire.ask(wire.request))


async def _copy(wire: Wire, answer: asyncio.StreamReader, piece: int = 65536, pause: float = 0.0) -> None:
    while data := await answer.read(piece):
        wire.down.write(data)
        await wire.down.drain()
        if pause:
            await asyncio.sleep(pause)


async def _latency(wire: Wire) -> None:
    await asyncio.sleep(wire.random.uniform(0.05, 0.4))
    await relay(wire)


async def _bandwidth(wire: Wire) -> None:
    await _copy(wire, await wire.ask(wire.request), _PIECE, 0.004)


async def _slow_drip(wire: Wire) -> None:
    # The provider itself is slow: what lies finished in a buffer would have been paid for.
    dripping = wire.request.replace(b"\r\n", b"\r\n" + DRIP + b": 1\r\n", 1)
    await _copy(wire, await wire.ask(dripping))


async def _timeout(_: Wire) -> None:
    await asyncio.sleep(60)


async def _reset(wire: Wire) -> None:
    wire.down.transport.abort()


async def _part(wire: Wire) -> None:
    """The head of the answer and a random part of what follows."""
    answer = await wire.ask(wire.request)
    wire.down.write(await answer.readuntil(b"\r\n\r\n"))
    left = wire.random.randrange(1, 600)
    while left > 0 and (data := await answer.read(min(left, 64))):
        wire.down.write(data)
        await wire.down.drain()
        left -= len(data)


async def _half_close(wire: Wire) -> None:
    await _part(wire)
    wire.drop()
    wire.down.write_eof()
    await asyncio.sleep(0.2)


async def _cut(wire: Wire) -> None:
    await _part(wire)
    wire.drop()
    wire.down.transport.abort()


def _status(status: int) -> Fault:
    async def fault(wire: Wire) -> None:
        body = b'{"error": {"message": "the drill says no", "type": "drill", "code": null}}'
        more = f"Retry-After: {RETRY_AFTER:g}\r\n".encode() if status == 429 else b""
        wire.down.write(_head(status, b"application/json", len(body), more) + body)
        await wire.down.drain()

    return fault


def _head(status: int, kind: bytes, length: int | None, more: bytes = b"") -> bytes:
    size = b"" if length is None else f"Content-Length: {length}\r\n".encode()
    line = f"HTTP/1.1 {status} Drill\r\n".encode()
    return line + b"Content-Type: " + kind + b"\r\n" + size + b"Connection: close\r\n" + more + b"\r\n"


async def _no_http(wire: Wire) -> None:
    wire.down.write(wire.random.randbytes(500) + b"\r\n\r\n")
    await wire.down.drain()


async def _garbage(wire: Wire) -> None:
    body = wire.random.randbytes(400)
    wire.down.write(_head(200, b"application/json", len(body)) + body)
    await wire.down.drain()


async def _gzip_bomb(wire: Wire) -> None:
    wire.down.write(_head(200, b"application/json", len(_BOMB), b"Content-Encoding: gzip\r\n") + _BOMB)
    await wire.down.drain()


async def _endless_line(wire: Wire) -> None:
    wire.down.write(_head(200, b"text/event-stream", None) + b"data: ")
    for _ in range(_ENDLESS // 65536):
        wire.down.write(b"x" * 65536)
        await wire.down.drain()


async def _wrong_length(wire: Wire) -> None:
    body = b'{"id": "half an answer'
    wire.down.write(_head(200, b"application/json", len(body) + 100) + body)
    await wire.down.drain()


FAULTS: Mapping[str, Fault] = {
    "latency": _latency,
    "bandwidth": _bandwidth,
    "slow_drip": _slow_drip,
    "timeout": _timeout,
    "reset": _reset,
    "half_close": _half_close,
    "cut": _cut,
    "no_http": _no_http,
    "garbage": _garbage,
    "gzip_bomb": _gzip_bomb,
    "endless_line": _endless_line,
    "wrong_length": _wrong_length,
    **{f"status_{status}": _status(status) for status in _STATUSES},
}
HARMLESS = frozenset({"latency", "bandwidth"})
"""They slow an answer down and do not spoil it."""
BEGUN = frozenset({"half_close", "cut", "garbage", "gzip_bomb", "endless_line", "wrong_length", "slow_drip"})
"""An answer with success has begun, so that a call which is answered whole ends there."""
COSTLY = frozenset({"gzip_bomb", "endless_line"})
"""Rarer than the others: each moves tens of megabytes."""
