"""Load: calls made from bytes that are ready, whose status and reply are looked at each time.

gRPC goes through grpc.aio without any serializer, so that a call costs the client about a third of what it costs the
server; HTTP through a bare asyncio protocol.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
from typing_extensions import override

OPTIONS = [
    ("grpc.max_receive_message_length", 2**26), ("grpc.max_send_message_length", 2**26),
    ("grpc.use_local_subchannel_pool", 1),
]  # fmt: skip
TIMEOUT = 60.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One call ready to be made, and how its reply is judged."""

    path: str
    body: bytes
    stream: bool = False
    marks: int = 0
    """How often ``#`` must stand in the reply at least; it does once a piece of text."""
    least_bytes: int = 0
    code: grpc.StatusCode = grpc.StatusCode.OK
    """How a gRPC call must end."""
    content: bytes = b"#"
    """What the first message with content holds."""


@dataclass(slots=True)
class Told:
    """What calls took, in seconds."""

    whole: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)


class WrongReply(Exception):
    """A reply that is not the one asked for; a figure got from it would mean nothing."""


Client = Callable[[Ask, Told], Awaitable[None]]


class GrpcClient:
    """Calls over so many connections in turn."""

    def __init__(self, address: str, key: str, connections: int = 1) -> None:
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._channels = [grpc.aio.insecure_channel(address, options=OPTIONS) for _ in range(connections)]
        self._calls: dict[str, list[Any]] = {}
        self._turn = 0

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()

    async def __call__(self, ask: Ask, told: Told) -> None:
        self._turn += 1
        calls = self._calls.get(ask.path) or self._open(ask)
        call = calls[self._turn % len(calls)]
        began = time.perf_counter()
        try:
            reply = await (self._stream(call, ask, told) if ask.stream else self._unary(call, ask))
        except grpc.aio.AioRpcError as error:
            if error.code() != ask.code:
                raise WrongReply(f"{error.code().name}: {error.details()}") from None
        else:
            if ask.code != grpc.StatusCode.OK:
                raise WrongReply(f"OK where {ask.code.name} was due")
            judge(ask, reply)
        told.whole.append(time.perf_counter() - began)

    def _open(self, ask: Ask) -> list[Any]:
        kind = "unary_stream" if ask.stream else "unary_unary"
        self._calls[ask.path] = [getattr(channel, kind)(ask.path) for channel in self._channels]
        return self._calls[ask.path]

    async def _unary(self, call: Any, ask: Ask) -> bytes:
        return bytes(await call(ask.body, metadata=self._metadata, timeout=TIMEOUT))

    async def _stream(self, call: Any, ask: Ask, told: Told) -> bytes:
        began, first, got = time.perf_counter(), False, []
        async for message in call(ask.body, metadata=self._metadata, timeout=TIMEOUT):
            if not first and ask.content in message:
                first = True
                told.first.append(time.perf_counter() - began)
            got.append(message)
        return b"".join(got)


def judge(ask: Ask, reply: bytes) -> None:
    """Raises WrongReply where the reply lacks what it must hold."""
    if len(reply) < ask.least_bytes or (ask.marks and reply.count(b"#") < ask.marks):
        raise WrongReply(f"{len(reply)} bytes with {reply.count(b'#')} pieces: {reply[:200]!r}")


class _Exchange(asyncio.Protocol):
    """One HTTP/1.1 connection, one request at a time."""

    def __init__(self) -> None:
        self._got = bytearray()
        self._done: asyncio.Future[bytes] | None = None
        self.first_at = 0.0
        self.alive = True
        self._content = b"#"

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.alive = False
        if self._done and not self._done.done():
            self._done.set_exception(WrongReply(f"the connection closed after {bytes(self._got[-200:])!r}"))

    async def send(self, request: bytes, content: bytes) -> bytes:
        self._got.clear()
        self.first_at, self._content = 0.0, content
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await asyncio.wait_for(self._done, TIMEOUT)

    def close(self) -> None:
        self._transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        if not self.first_at and self._content in data:
            self.first_at = time.perf_counter()
        self._got += data
        if self._done and not self._done.done() and self._is_whole():
            self._done.set_result(bytes(self._got))

    def _is_whole(self) -> bool:
        end = self._got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._got[:end]).lower()
        if b"transfer-encoding: chunked" in head:
            return self._got.endswith(b"0\r\n\r\n")
        length = head.partition(b"content-length:")[2].split(b"\r")[0]
        return len(self._got) - end - 4 >= int(length or 0)


class HttpClient:
    """Calls over as many connections as are in use at once."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._port = port
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._idle: list[_Exchange] = []

    async def close(self) -> None:
        for exchange in self._idle:
            exchange.close()

    async def __call__(self, ask: Ask, told: Told) -> None:
        head = f"POST {ask.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nContent-Type: application/json\r\n"
        request = f"{head}{self._headers}Content-Length: {len(ask.body)}\r\n\r\n".encode() + ask.body
        exchange = await self._take()
        began = time.perf_counter()
        reply = await exchange.send(request, ask.content)
        if not reply.startswith(b"HTTP/1.1 200"):
            first, _, said = reply.partition(b"\r\n\r\n")
            raise WrongReply((first.splitlines()[0] + b": " + said[:300]).decode(errors="replace"))
        judge(ask, reply)
        told.whole.append(time.perf_counter() - began)
        if exchange.first_at:
            told.first.append(exchange.first_at - began)
        self._idle.append(exchange)

    async def _take(self) -> _Exchange:
        while self._idle:
            exchange = self._idle.pop()
            if exchange.alive:
                return exchange
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Exchange, "127.0.0.1", self._port))[1]


async def drive(client: Client, ask: Ask, calls: int, at_once: int) -> Told:
    """Makes ``calls`` calls, ``at_once`` at any time. Raises WrongReply with the first that went wrong."""
    told, left = Told(), iter(range(calls))

    async def one_by_one() -> None:
        for _ in left:
            await client(ask, told)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, calls)):
            group.create_task(one_by_one())
    return told
