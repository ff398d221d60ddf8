"""The network that fails: one request a connection, spoiled by chance or let through."""

import asyncio
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from random import Random
from typing import Self

from tests.drill.faults import COSTLY, FAULTS, RETRY_AFTER, Wire, relay

_NUMBER = re.compile(rb"drill call (\d+) ")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_GRACE = 0.3
"""Seconds in which requests may still come that were sent before a 429 had arrived."""


@dataclass
class Journey:
    """What the proxy saw of one call: each request of it, in order."""

    faults: list[tuple[str, str]] = field(default_factory=list)
    """(instance, fault), an empty fault where there was none."""
    limited: bool = False
    """The other instance had asked to be left alone just then."""
    left_at: float | None = None
    """When the hub closed the connection of a request before its answer was whole."""


class FaultProxy:
    """``async with FaultProxy(port_of_the_providers, share, seed) as proxy`` listens on ``proxy.port``."""

    def __init__(self, provider_port: int, share: float, seed: int) -> None:
        self._provider_port = provider_port
        self._share = share
        self._random = Random(seed)
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._limited: dict[str, tuple[float, float]] = {}
        self.port = 0
        self.journeys: dict[int, Journey] = defaultdict(Journey)
        self.injected: Counter[str] = Counter()
        self.too_soon: list[str] = []
        """Requests that did not obey a Retry-After."""
        self._names = sorted(FAULTS)
        self._weights = [1 if name in COSTLY else 10 for name in self._names]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=2**20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _accept(self, up: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._running.add(task)
        try:
            await self._serve(up, down)
        except (ConnectionError, asyncio.IncompleteReadError, OSError):
            pass  # what a fault does to a connection
        finally:
            self._running.discard(task)
            down.transport.abort() if down.transport.is_closing() else down.close()

    async def _serve(self, up: asyncio.StreamReader, down: asyncio.StreamWriter) -> None:
        head = await up.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await up.readexactly(int(length[1]) if length else 0)
        target = head.split(b" ", 2)[1]
        instance = target.split(b"/")[1].decode()
        found = _NUMBER.search(body)
        journey = self.journeys[int(found[1]) if found else -1]
        fault = self._choose(instance, found[1] if found else b"")
        journey.faults.append((instance, fault))
        other = instance[:-1] + ("b" if instance.endswith("a") else "a")
        journey.limited |= asyncio.get_running_loop().time() < self._limited.get(other, (0.0, 0.0))[1]
        request = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1) + body
        provider: list[asyncio.StreamWriter] = []

        async def ask(request: bytes) -> asyncio.StreamReader:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._provider_port)
            provider.append(writer)
            writer.write(request)
            await writer.drain()
            return reader

        def drop() -> None:
            for writer in provider:
                writer.transport.abort()

        wire = Wire(request, down, ask, drop, self._random)
        began = asyncio.get_running_loop().time()
        work = asyncio.ensure_future((FAULTS[fault] if fault else relay)(wire))
        gone = asyncio.ensure_future(up.read(1))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done() and not work.done():
                journey.left_at = asyncio.get_running_loop().time()
            if fault == "status_429" and not gone.done():
                self._limit(instance, began)
        finally:
            for task in (work, gone):
                task.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)
            if work.cancelled():
                drop()
            for writer in provider:
                writer.close()

    def _choose(self, instance: str, number: bytes) -> str:
        now = asyncio.get_running_loop().time()
        said, until = self._limited.get(instance, (0.0, 0.0))
        if said + _GRACE < now < until - 0.01:
            self.too_soon.append(f"{instance} call {number.decode()}: {until - now:.2f} s too soon")
        if self._random.random() >= self._share:
            return ""
        fault = self._random.choices(self._names, self._weights)[0]
        self.injected[fault] += 1
        return fault

    def _limit(self, instance: str, began: float) -> None:
        """A Retry-After was told to a hub that was still there: one that left, its caller gone, has not heard it."""
        _, until = self._limited.get(instance, (0.0, 0.0))
        self._limited[instance] = (asyncio.get_running_loop().time(), max(until, began + RETRY_AFTER))
