"""The seam to the HTTP library: one ``begin`` is one request on the wire, one ``Conversation`` its answer.

Nothing of aiohttp is seen outside this file, ``direct``, ``connections``, ``conversation``, ``websocket`` and
``faults``.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import lru_cache
from typing import Self, cast

import aiohttp
from typing_extensions import override
from yarl import URL

from server.errors import HubError, Internal
from server.transport import faults
from server.transport.connections import EXACT, Resolve, SessionSettings, connector_for
from server.transport.conversation import Conversation, Waits
from server.transport.direct import DirectPath, Written, known_release
from server.transport.endpoint import Timeouts
from server.transport.websocket import MAX_MESSAGE_BYTES, PING_SECONDS, WebSocket, refused

Body = bytes | tuple[bytes, ...] | AsyncIterator[bytes]
"""What is sent: whole, in pieces that are never put together, or as it comes, chunked."""

READ_BUFFER = 64 * 1024
"""Reading pauses at twice this, so that a slow caller costs 128 KiB and no more."""

_WRITTEN_WHOLE = 256 * 1024
_SLICE = 64 * 1024


class HttpSession:
    """One pool of connections. Made inside a running loop, closed once."""

    def __init__(self, settings: SessionSettings, *, resolve: Resolve | None = None) -> None:
        """With ``resolve``, every name is looked up through it each time and only its answer is connected to."""
        self.loop = asyncio.get_running_loop()
        """The one it was made in."""
        connector = connector_for(settings, resolve)
        self.direct = DirectPath(connector, settings) if settings.direct and known_release() else None
        """How plain requests go without the client library's session; None where it takes them all."""
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            response_class=_Response,
            auto_decompress=False,
            trust_env=False,
            raise_for_status=False,
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
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        waits: Waits,
        proxy: str | None = None,
        read_buffer: int = READ_BUFFER,
    ) -> Conversation:
        """Sends the request and waits for the head of the answer. ``url`` goes on the wire byte for byte.

        With a body in pieces, ``headers`` hold its Content-Length. A body that comes is taken as the provider reads it.
        Of the answer at most four times ``read_buffer`` bytes wait to be read here. Raises HubError, and whatever
        ``resolve`` or such a body raised. Cancelled, or out of time, it drops the connection.
        """
        given = self._given(waits)
        try:
            if self.direct is not None and proxy is None and (asked := self.direct.plain(method, url, headers, body)):
                answer = await self.direct.begin(asked, waits, given, read_buffer)
                return Conversation(answer, waits, given, self.loop)
            response = await self._by_session(method, url, headers, body, waits, given, proxy, read_buffer)
            return Conversation(cast(_Response, response), waits, given, self.loop)
        except faults.EXPECTED as error:
            raise faults.told(waits.who, error) from None
        except ValueError:
            raise Internal(f"{waits.who}: the request holds a header that cannot be sent") from None

    async def begin_written(
        self, direct: DirectPath, asked: Written, waits: Waits, read_buffer: int = READ_BUFFER
    ) -> Conversation:
        """The same for a request that was put together for ``direct``."""
        given = self._given(waits)
        try:
            answer = await direct.begin(asked, waits, given, read_buffer)
            return Conversation(answer, waits, given, self.loop)
        except faults.EXPECTED as error:
            raise faults.told(waits.who, error) from None

    def _given(self, waits: Waits) -> float:
        """Seconds until the deadline. Raises ProviderTimeout where it has passed."""
        given = waits.deadline - self.loop.time()
        if given <= 0:
            raise faults.out_of_time(waits.who, given)
        return given

    async def _by_session(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        waits: Waits,
        given: float,
        proxy: str | None,
        read_buffer: int,
    ) -> aiohttp.ClientResponse:
        payload = _payload(body)
        try:
            async with asyncio.timeout_at(waits.deadline) as scope:
                return await self._session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=payload,
                    allow_redirects=False,
                    proxy=proxy,
                    timeout=_client_timeout(waits.timeouts),
                    read_bufsize=read_buffer,
                )
        except aiohttp.ConnectionTimeoutError:
            raise faults.slow_to_connect(waits.who, waits.timeouts.connect) from None
        except aiohttp.SocketTimeoutError:
            raise faults.slow_to_answer(waits.who, waits.timeouts.first_byte) from None
        except faults.EXPECTED:
            if isinstance(payload, _Flow) and payload.failure is not None:
                raise payload.failure from None
            if scope.expired():
                raise faults.out_of_time(waits.who, given) from None
            raise

    async def connect_websocket(
        self, url: str, headers: Mapping[str, str], waits: Waits, proxy: str | None = None
    ) -> WebSocket:
        """Opens a WebSocket. Raises HubError, or WebSocketRefused where the answer is no handshake."""
        longest = waits.timeouts.connect + waits.timeouts.first_byte
        until = min(waits.deadline, self.loop.time() + longest)
        given = until - self.loop.time()
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


class _Response(aiohttp.ClientResponse):
    """Drops the connection at once where the wait for the head ends early; aiohttp would first flush what is unsent."""

    @override
    async def start(self, connection: aiohttp.connector.Connection) -> Self:
        try:
            await super().start(connection)
        except BaseException:
            _abort(connection)
            raise
        if (protocol := connection.protocol) is not None:
            # From here on the waits are counted in Conversation, where a pause of our own reader is not held against
            # the peer.
            protocol.read_timeout = None
            protocol.start_timeout()
        return self

    @property
    def occupied(self) -> bool:
        """See Answer.occupied."""
        return self.connection is not None

    def drop(self) -> None:
        """See Answer.drop."""
        if self.connection is not None:
            _abort(self.connection)
        self.close()


def _abort(connection: aiohttp.connector.Connection) -> None:
    if connection.protocol is not None:
        connection.protocol.abort()


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


@lru_cache(maxsize=256)
def _client_timeout(timeouts: Timeouts) -> aiohttp.ClientTimeout:
    """The waits up to the head. sock_read begins when the request is out, so it is the wait for the first byte."""
    return aiohttp.ClientTimeout(
        total=None, connect=timeouts.connect, sock_read=timeouts.first_byte, ceil_threshold=EXACT
    )
