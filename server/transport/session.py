"""The seam to the HTTP library. Nothing of aiohttp is seen outside this file and ``faults``.

One ``begin`` is one request on the wire, one ``Conversation`` its answer.
"""

import asyncio
import io
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Self, cast

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.helpers import _EXC_SENTINEL
from typing_extensions import override
from yarl import URL

from server.errors import HubError, Internal
from server.transport import faults
from server.transport.endpoint import Timeouts
from server.transport.websocket import MAX_MESSAGE_BYTES, PING_SECONDS, WebSocket, refused

Body = bytes | tuple[bytes, ...] | AsyncIterator[bytes]
"""What is sent: whole, in pieces that are never put together, or as it comes, chunked."""
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port to the addresses that may be connected to."""

_READ_BUFFER = 64 * 1024  # reading pauses at twice this, so that a slow caller costs 128 KiB and no more
_WRITTEN_WHOLE = 256 * 1024
_SLICE = 64 * 1024
_EXACT = 1e9  # aiohttp rounds waits above this many seconds up to whole ones; the hub wants them as they are
_EARLY = 0.001  # uvloop's timers count whole milliseconds and may go off this much too soon
_CLOSING = 0.25  # how long an answer that is whole may take to say so before its connection is given up


@dataclass(frozen=True, slots=True)
class Waits:
    """How long one exchange may take, and whose fault it is then."""

    who: str
    timeouts: Timeouts
    deadline: float
    """On the event loop's clock."""


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


class HttpSession:
    """One pool of connections. Made inside a running loop, closed once."""

    def __init__(self, settings: SessionSettings, *, resolve: Resolve | None = None) -> None:
        """With ``resolve``, every name is looked up through it each time and only its answer is connected to."""
        self._loop = asyncio.get_running_loop()
        connector = aiohttp.TCPConnector(
            limit=settings.max_connections,
            limit_per_host=settings.max_connections_per_host,
            force_close=settings.keepalive == 0,
            keepalive_timeout=settings.keepalive or None,
            use_dns_cache=resolve is None,
            ttl_dns_cache=settings.dns_ttl,
            resolver=None if resolve is None else _Resolver(resolve),
            ssl=ssl.create_default_context(cafile=settings.ca_bundle) if settings.ca_bundle else True,
            timeout_ceil_threshold=_EXACT,
        )
        # aiohttp has no public way to name the protocol of its connections.
        connector._factory = partial(cast("type[ResponseHandler]", _Protocol), loop=self._loop)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
            read_bufsize=_READ_BUFFER,
            max_line_size=settings.max_header_bytes,
            max_field_size=settings.max_header_bytes,
            max_headers=settings.max_headers,
        )
        # aiohttp repeats a GET or PUT whose pooled connection had gone stale. Here one call is one request on the
        # wire, whatever its method. (POST it never repeats: client.py, IDEMPOTENT_METHODS.)
        self._session._retry_connection = False

    async def close(self) -> None:
        """Closes every connection, used or idle."""
        await self._session.close()

    async def begin(
        self, method: str, url: str, headers: Mapping[str, str], body: Body, waits: Waits, proxy: str | None = None
    ) -> "Conversation":
        """Sends the request and waits for the head of the answer. ``url`` goes on the wire byte for byte.

        With a body in pieces, ``headers`` hold its Content-Length. A body that comes is taken as the provider reads it.
        Raises HubError, and whatever ``resolve`` or such a body raised. Cancelled, or out of time, it drops the
        connection.
        """
        payload = _payload(body)
        given = waits.deadline - self._loop.time()
        if given <= 0:
            raise faults.out_of_time(waits.who, given)
        try:
            async with asyncio.timeout_at(waits.deadline) as scope:
                response = await self._session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=payload,
                    allow_redirects=False,
                    proxy=proxy,
                    timeout=_client_timeout(waits.timeouts),
                )
        except aiohttp.ConnectionTimeoutError:
            raise faults.slow_to_connect(waits.who, waits.timeouts.connect) from None
        except aiohttp.SocketTimeoutError:
            raise faults.slow_to_answer(waits.who, waits.timeouts.first_byte) from None
        except faults.EXPECTED as error:
            if isinstance(payload, _Flow) and payload.failure is not None:
                raise payload.failure from None
            if scope.expired():
                raise faults.out_of_time(waits.who, given) from None
            raise faults.told(waits.who, error) from None
        except ValueError:
            raise Internal(f"{waits.who}: the request holds a header that cannot be sent") from None
        return Conversation(response, waits, given, self._loop)

    async def connect_websocket(
        self, url: str, headers: Mapping[str, str], waits: Waits, proxy: str | None = None
    ) -> WebSocket:
        """Opens a WebSocket. Raises HubError, or WebSocketRefused where the answer is no handshake."""
        longest = waits.timeouts.connect + waits.timeouts.first_byte
        until = min(waits.deadline, self._loop.time() + longest)
        given = until - self._loop.time()
        try:
            async with asyncio.timeout_at(until) as scope:
                socket = await self._session.ws_connect(
                    URL(url, encoded=True),
                    headers=headers,
                    proxy=proxy,
                    heartbeat=PING_SECONDS,
                    max_msg_size=MAX_MESSAGE_BYTES,
                )
        except aiohttp.WSServerHandshakeError as error:
            raise refused(error) from None
        except (TimeoutError, *faults.EXPECTED) as error:
            if scope.expired():
                raise faults.out_of_time(waits.who, given) from None
            raise faults.told(waits.who, error) from None
        return WebSocket(socket, waits.who)


class Conversation:
    """An answer whose head has come. Its body is read with ``read``; then ``finish``, ``linger`` or ``abort``."""

    __slots__ = ("_content", "_given", "_loop", "_response", "_timer", "_waiting_since", "_waits", "headers", "status")

    def __init__(
        self, response: aiohttp.ClientResponse, waits: Waits, given: float, loop: asyncio.AbstractEventLoop
    ) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._content = response.content
        self._waits = waits
        self._given = given
        self._loop = loop
        self._waiting_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        if (connection := response.connection) is not None and (protocol := connection.protocol) is not None:
            # From here on the waits are counted below, where a pause of our own reader is not held against the peer.
            protocol.read_timeout = None
            protocol.start_timeout()

    @property
    def complete(self) -> bool:
        """Whether the end of the body has arrived, read or not."""
        return self._content.is_eof()

    async def read(self) -> bytes:
        """Everything that has arrived since the last read; waits for some. Empty at the end of the body.

        Raises HubError. What had arrived before a connection broke is delivered first.
        """
        now = self._loop.time()
        if now >= self._waits.deadline:
            raise faults.out_of_time(self._waits.who, self._given)
        self._waiting_since = now
        if self._timer is None:
            self._timer = self._loop.call_at(min(now + self._waits.timeouts.idle, self._waits.deadline), self._look)
        try:
            return await self._content.readany()
        except faults.EXPECTED as error:
            # StreamReader raises a fault before it hands out what it had received until then.
            if rest := self._content._read_nowait(-1):
                return rest
            raise faults.told(self._waits.who, error) from None
        finally:
            self._waiting_since = None

    def _look(self) -> None:
        """One timer for all reads: it is set once and looks, when it goes off, whether a read has waited too long."""
        self._timer = None
        if self._waiting_since is None:
            return  # the next read sets it again
        waits = self._waits
        idle_until = self._waiting_since + waits.timeouts.idle
        due = min(idle_until, waits.deadline)
        if self._loop.time() < due - _EARLY:
            self._timer = self._loop.call_at(due, self._look)
        elif idle_until < waits.deadline:
            self._fail(faults.fell_silent(waits.who, waits.timeouts.idle))
        else:
            self._fail(faults.out_of_time(waits.who, self._given))

    def _fail(self, error: HubError) -> None:
        self._content.set_exception(error)

    def finish(self) -> None:
        """The body was read to its end: the connection is free already, unless the request is still being sent."""
        self._stop()
        if self._response.connection is not None:
            self.abort()

    def linger(self) -> None:
        """Nothing more is wanted of the body, though its end is not in: it is given a moment, in which nobody waits.

        A provider's last event and the mark that ends the body are often two segments; dropping the connection
        between them would cost the next call a TLS handshake.
        """
        self._stop()
        timer = self._loop.call_later(_CLOSING, self.abort)
        self._content.on_eof(timer.cancel)

    def abort(self) -> None:
        """Drops the connection at once, whatever is still to be sent or read."""
        self._stop()
        _drop(self._response.connection)
        self._response.close()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Response(aiohttp.ClientResponse):
    """Drops the connection at once where the wait for the head ends early; aiohttp would first flush what is unsent."""

    @override
    async def start(self, connection: aiohttp.connector.Connection) -> Self:
        try:
            await super().start(connection)
        except BaseException:
            _drop(connection)
            raise
        return self


class _Protocol(ResponseHandler):
    """Tells the reader of a body that it cannot be parsed further; aiohttp 3.14.5 would leave it waiting for ever."""

    @override
    def set_exception(self, exc: BaseException, exc_cause: BaseException = _EXC_SENTINEL) -> None:
        body = self._payload
        super().set_exception(exc, exc_cause)
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(aiohttp.ClientPayloadError())


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


class _Flow:
    """A body that comes while it is sent, in slices; remembers why it ended early, which the client library forgets."""

    def __init__(self, body: AsyncIterator[bytes]) -> None:
        self._body = body
        self.failure: HubError | None = None

    async def __aiter__(self) -> AsyncIterator[memoryview]:
        try:
            async for piece in self._body:
                for part in _parts(piece):
                    yield part
        except HubError as error:
            self.failure = error
            raise


def _payload(body: Body) -> bytes | io.BytesIO | _Flow | AsyncIterator[memoryview] | None:
    """Large bodies go out piece by piece: given whole, they would all lie in the socket's buffer when a call ends."""
    if isinstance(body, tuple):
        return _slices(body)
    if not isinstance(body, bytes):
        return _Flow(body)
    if len(body) > _WRITTEN_WHOLE:
        return io.BytesIO(body)
    return body or None


async def _slices(pieces: tuple[bytes, ...]) -> AsyncIterator[memoryview]:
    """The pieces in slices without a copy; the writer waits for the socket between two of them."""
    for piece in pieces:
        for part in _parts(piece):
            yield part


def _parts(piece: bytes) -> Iterator[memoryview]:
    view = memoryview(piece)
    for start in range(0, len(view), _SLICE):
        yield view[start : start + _SLICE]


def _drop(connection: aiohttp.connector.Connection | None) -> None:
    if connection is not None and (protocol := connection.protocol) is not None:
        protocol.abort()


@lru_cache(maxsize=256)
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    """The waits up to the head. sock_read begins when the request is out, so it is the wait for the first byte."""
    return aiohttp.ClientTimeout(
        total=None, connect=timeouts.connect, sock_read=timeouts.first_byte, ceil_threshold=_EXACT
    )
