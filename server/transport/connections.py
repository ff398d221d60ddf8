"""The pool of connections under both ways of asking: what is connected to, and how much one read takes."""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from time import monotonic
from typing import Any, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.helpers import _EXC_SENTINEL, DEFAULT_CHUNK_SIZE
from aiohttp.http import HttpResponseParser
from typing_extensions import override

from server.transport.encryption import Encryption

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to the addresses that may be connected to."""

EARLY = 0.001  # uvloop's timers count whole milliseconds and may go off this much too soon
EXACT = 1e9  # aiohttp rounds waits above this many seconds up to whole ones; the hub wants them as they are
_LONGEST_READ = 128 * 1024


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """What is fixed for all exchanges of one session."""

    ca_bundle: str | None
    max_header_bytes: int
    max_headers: int
    max_connections: int = 0
    max_connections_per_host: int = 0
    keepalive: float = 15.0
    """Seconds an idle connection is kept; 0 for one connection per request."""
    dns_ttl: int = 10
    direct: bool = False
    """Plain requests are written to the connections themselves; see ``direct``."""


def connector_for(settings: SessionSettings, resolve: Resolve | None) -> "Connector":
    """With ``resolve``, every name is looked up through it each time and only its answer is connected to."""
    return Connector(
        limit=settings.max_connections,
        limit_per_host=settings.max_connections_per_host,
        force_close=settings.keepalive == 0,
        keepalive_timeout=settings.keepalive or None,
        use_dns_cache=resolve is None,
        ttl_dns_cache=settings.dns_ttl,
        resolver=None if resolve is None else _Resolver(resolve),
        ssl=ssl.create_default_context(cafile=settings.ca_bundle) if settings.ca_bundle else True,
        timeout_ceil_threshold=EXACT,
    )


class Connector(aiohttp.TCPConnector):
    """A pool whose connections read into one buffer they share, no more at once than their reader may hold."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # aiohttp has no public way to name the protocol of its connections.
        self._factory = partial(cast("type[ResponseHandler]", Connection), loop=self._loop)
        self._read_buffer = memoryview(bytearray(_LONGEST_READ))

    @override
    async def _wrap_create_connection(self, *args: Any, **more: Any) -> tuple[asyncio.Transport, ResponseHandler]:
        # uvloop reads 256 KiB at once for every protocol that is no BufferedProtocol.
        reading = partial(_Reading, self._factory, self._read_buffer)
        if getattr(more["req"], "sparing", False):
            return await self._sparing(reading, **more)
        transport, protocol = await super()._wrap_create_connection(reading, *args[1:], **more)
        return transport, cast(_Reading, protocol).connection

    async def _sparing(
        self, reading: "Callable[[], _Reading]", *, ssl: ssl.SSLContext, server_hostname: str | None, **more: Any
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        """The same over a TLS that holds no more than is asked for."""
        reader = reading()
        encryption = Encryption(reader, ssl, server_hostname)
        try:
            await super()._wrap_create_connection(lambda: encryption, **more)
            return await encryption.ready(more["req"].connection_key), reader.connection
        except BaseException:
            encryption.abort()
            raise

    def take(self, key: ConnectionKey) -> "Connection | None":
        """An idle connection, in use from now on until ``give_back``; None where there is none.

        Nothing has come on it unasked, which would be taken for the answer. It is the one used last: the peer is the
        least likely to have closed it meanwhile, and when there is less to do, the others get old and are let go.
        """
        idle = self._conns.get(key)
        if idle is None:
            return None
        oldest = monotonic() - (self._keepalive_timeout or 0)
        found: Any = None
        while idle and found is None:
            protocol, since = idle.pop()
            if since >= oldest and protocol.is_connected() and not protocol.should_close:
                found = protocol
            else:
                protocol.close()
        if not idle:
            del self._conns[key]
        if found is not None:
            self._acquired.add(found)
            if self._limit_per_host:
                self._acquired_per_host[key].add(found)
        taken: Connection | None = found
        return taken

    def give_back(self, key: ConnectionKey, protocol: "Connection") -> None:
        """The connection is idle again, or closed where it cannot serve another request."""
        self._release(key, protocol)

    def drop(self, key: ConnectionKey, protocol: "Connection") -> None:
        """Ends a connection in use without flushing what is unsent."""
        protocol.abort()
        self._release(key, protocol, should_close=True)


class Connection(ResponseHandler):
    """Tells the reader of a body that it cannot be parsed further; aiohttp 3.14.5 would leave it waiting for ever."""

    read_size = _LONGEST_READ
    reads = 0
    """How often something was read."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self._look: Callable[[], None] | None = None
        self._due = 0.0
        self._rings_at = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    def watch(self, due: float, look: Callable[[], None]) -> None:
        """Calls ``look`` once at ``due``, on the loop's clock, unless ``unwatch`` comes first.

        The timer is the connection's and outlives the request it was set for: later ones are due later, and find it
        set early enough.
        """
        self._look, self._due = look, due
        if self._alarm is not None:
            if self._rings_at <= due:
                return
            self._alarm.cancel()
        self._set_alarm(due)

    def unwatch(self) -> None:
        """Nobody waits any more."""
        self._look = None

    def _set_alarm(self, due: float) -> None:
        self._rings_at = due
        self._alarm = self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        look = self._look
        if look is None:
            return
        if self._loop.time() < self._due - EARLY:
            self._set_alarm(self._due)
            return
        self._look = None
        look()

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        super().connection_lost(exc)

    def expect(self, parser: HttpResponseParser, read_buffer: int) -> None:
        """What comes next is an answer for ``parser``, whose body waits in ``read_buffer`` bytes, twice at most."""
        self.read_size = min(2 * read_buffer, _LONGEST_READ)
        self._skip_payload = False
        self._read_bufsize = read_buffer
        self._read_timeout = None
        self._parser = parser
        if self._tail:
            self._drain_tail()

    @override
    def set_response_params(self, *, read_bufsize: int = DEFAULT_CHUNK_SIZE, **params: Any) -> None:
        # aiohttp pauses reading above twice read_bufsize: one read fills that and does not go beyond it.
        self.read_size = min(2 * read_bufsize, _LONGEST_READ)
        super().set_response_params(read_bufsize=read_bufsize, **params)

    @override
    def resume_reading(self, resume_parser: bool = True) -> None:
        # A reader says so after every read. aiohttp then parses nothing once more, although a parser holds something
        # back only while reading is paused.
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    @override
    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        body = self._payload
        super().set_exception(exc, exc_cause)
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError())


class _Reading(asyncio.BufferedProtocol):
    """Stands between the socket and a Connection.

    A loop fills the buffer and hands it over in one step, so that all connections can share one.
    """

    __slots__ = ("_buffer", "connection")

    def __init__(self, factory: Callable[[], ResponseHandler], buffer: memoryview) -> None:
        self.connection = cast(Connection, factory())
        self._buffer = buffer

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer[: self.connection.read_size]

    @override
    def buffer_updated(self, nbytes: int) -> None:
        self.connection.reads += 1
        self.connection.data_received(bytes(self._buffer[:nbytes]))

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.connection.connection_made(transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.connection.connection_lost(exc)

    @override
    def eof_received(self) -> None:
        self.connection.eof_received()

    @override
    def pause_writing(self) -> None:
        self.connection.pause_writing()

    @override
    def resume_writing(self) -> None:
        self.connection.resume_writing()


class _Resolver(AbstractResolver):
    """Hands the connector the addresses that ``resolve`` let through, and those only."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    @override
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET if ip_address(address).version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in await self._resolve(host, port)
        ]

    @override
    async def close(self) -> None:
        """Holds nothing."""
