"""The HTTP client for providers: one pool, exactly one request on the wire per call, every wait and size bounded."""

import asyncio
import re
from collections.abc import AsyncGenerator, Coroutine, Iterator, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar

from multidict import CIMultiDict

from server import __version__
from server.errors import HubError, Internal, ProviderUnavailable
from server.transport import faults
from server.transport.endpoint import Credential, Endpoint, Timeouts
from server.transport.inflate import CannotInflate, CutShort, Inflater, inflater_for
from server.transport.session import Body, Conversation, HttpSession, SessionSettings, Waits
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest, HttpResponse

T = TypeVar("T")

# Any visible ASCII but "#", which would cut the path off.
_PATH = re.compile(r'/[!"$-~]*')
_LONGEST_NUMBER = 20  # digits; what is longer, aiohttp's parser has refused already
_NO_HEADERS: Mapping[str, str] = {}
_DOCUMENT_TIMEOUTS = Timeouts(connect=5.0, first_byte=10.0, idle=10.0)


class Transport:
    """Sends requests to providers. Made anywhere; started inside the loop that uses it.

    Errors of every exchange: ProviderTimeout (its message says which wait, and how long), ProviderUnavailable
    (not reached, or broke off), ProviderBadResponse (not HTTP, too long, a redirect).
    """

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._session: HttpSession | None = None
        self._live: set[Exchange] = set()
        self._base_headers = CIMultiDict(
            {
                "Accept": "*/*",
                "Accept-Encoding": "identity",
                "User-Agent": settings.user_agent or f"aignehub/{__version__}",
            }
        )

    async def start(self) -> None:
        """Makes the pool. Raises OSError where the CA bundle cannot be read."""
        settings = self._settings
        self._session = HttpSession(
            SessionSettings(
                ca_bundle=settings.ca_bundle,
                max_header_bytes=settings.max_header_bytes,
                max_headers=settings.max_headers,
                max_connections=settings.max_connections,
                max_connections_per_host=settings.max_connections_per_host,
                keepalive=settings.keepalive,
                dns_ttl=settings.dns_ttl,
            )
        )

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def send(
        self,
        endpoint: Endpoint,
        request: HttpRequest,
        *,
        credential: Credential,
        deadline: float,
        extra_headers: Mapping[str, str] = _NO_HEADERS,
    ) -> HttpResponse:
        """One exchange with a whole, bounded answer. See ``open`` for the arguments."""
        async with self.open(
            endpoint, request, credential=credential, deadline=deadline, extra_headers=extra_headers
        ) as exchange:
            return HttpResponse(exchange.status, exchange.headers, await exchange.body())

    def open(
        self,
        endpoint: Endpoint,
        request: HttpRequest,
        *,
        credential: Credential,
        deadline: float,
        extra_headers: Mapping[str, str] = _NO_HEADERS,
    ) -> "Exchange":
        """One exchange, entered with ``async with`` when the head of the answer has come.

        ``deadline`` is on the loop's clock. Where headers meet, the later wins: endpoint, request, extra, credential.
        """
        if not _PATH.fullmatch(request.path):
            raise Internal(f"{endpoint.name}: the path of the request is not escaped")
        headers = self._base_headers.copy()
        headers.update(endpoint.headers)
        headers.update(request.headers)
        headers.update(extra_headers)
        headers.update(endpoint.authorize(credential))
        if request.pieces:
            headers["Content-Length"] = str(sum(map(len, request.pieces)))
        return Exchange(
            self._started(),
            self._live,
            request.method,
            endpoint.base_url + request.path,
            headers,
            request.pieces or request.body,
            Waits(endpoint.name, endpoint.timeouts, deadline),
            endpoint.proxy or self._settings.proxy,
            self._settings.max_body_bytes,
        )

    async def fetch_document(self, url: str, *, deadline: float, max_bytes: int) -> bytes:
        """What an operator's URL holds, such as a JWKS: private addresses are allowed, redirects are not followed.

        Raises ProviderUnavailable for any status but 200, and as every exchange does. Errors do not quote the URL.
        """
        waits = Waits("the configured URL", _DOCUMENT_TIMEOUTS, deadline)
        async with Exchange(
            self._started(), self._live, "GET", url, self._base_headers, b"", waits, self._settings.proxy, max_bytes
        ) as exchange:
            if exchange.status != 200:
                raise ProviderUnavailable(f"{waits.who}: it answered with status {exchange.status}")
            return await exchange.body()

    def interrupt(self, error: HubError) -> None:
        """Ends every exchange in progress: whoever waits for one gets ``error``, as if the provider had failed."""
        for exchange in list(self._live):
            exchange.interrupt(error)

    def _started(self) -> HttpSession:
        if self._session is None:
            raise Internal("the transport is not started")
        return self._session


class Exchange:
    """One request and its answer. Left before the answer's end, it drops the connection at once."""

    __slots__ = (
        "_ask",
        "_conversation",
        "_inflater",
        "_interruption",
        "_left",
        "_live",
        "_max_body",
        "_pieces",
        "_redirects",
        "_session",
        "_waiter",
        "_waits",
        "head_wait",
        "waited",
    )

    head_wait: float
    """Seconds from the call to the answer's head, or to the failure to get one."""
    waited: float
    """Seconds spent waiting for the peer so far, ``head_wait`` included."""

    def __init__(
        self,
        session: HttpSession,
        live: "set[Exchange]",
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Body,
        waits: Waits,
        proxy: str | None,
        max_body: int,
        *,
        redirects: bool = False,
    ) -> None:
        """With ``redirects``, a 3xx is an answer like any other; else it is a failure."""
        self._session = session
        self._live = live
        self._interruption: HubError | None = None
        self._waiter: asyncio.Task[Any] | None = None
        self._redirects = redirects
        self._ask = (method, url, headers, body, waits, proxy)
        self._waits = waits
        self._max_body = max_body
        self._left = False
        self._pieces: Iterator[bytes] | None = None
        self.head_wait = 0.0
        self.waited = 0.0

    async def __aenter__(self) -> Self:
        began = perf_counter()
        self._live.add(self)
        try:
            conversation = await self._waiting(self._session.begin(*self._ask))
        except BaseException:
            self._live.discard(self)
            raise
        finally:
            self.head_wait = self.waited = perf_counter() - began
        try:
            self._check(conversation)
        except HubError:
            self._live.discard(self)
            conversation.abort()
            raise
        self._conversation = conversation
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.discard(self)
        if self._conversation.complete:
            self._conversation.finish()
        elif self._left and kind is None:
            self._conversation.linger()
        else:
            self._conversation.abort()

    def interrupt(self, error: HubError) -> None:
        """Ends the wait in progress, and every later one, with ``error``."""
        self._interruption = error
        if self._waiter is not None:
            self._waiter.cancel()

    async def _waiting(self, wait: Coroutine[Any, Any, T]) -> T:
        if self._interruption is not None:
            wait.close()
            raise self._interruption
        self._waiter = asyncio.current_task()
        try:
            return await wait
        except asyncio.CancelledError:
            if self._interruption is None or self._waiter is None:
                raise
            self._waiter.uncancel()
            raise self._interruption from None
        finally:
            self._waiter = None

    def _check(self, conversation: Conversation) -> None:
        if conversation.status < 200:
            raise faults.no_http(self._waits.who)
        if 300 <= conversation.status < 400 and not self._redirects:
            raise faults.redirected(self._waits.who, conversation.status)
        try:
            self._inflater = inflater_for(conversation.headers.get("Content-Encoding", ""))
        except CannotInflate:
            raise faults.bad_coding(self._waits.who) from None

    @property
    def status(self) -> int:
        """The HTTP status; never a redirect."""
        return self._conversation.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, looked up without regard to case."""
        return self._conversation.headers

    async def read(self) -> bytes:
        """Everything one read delivered, decompressed; empty at the end of the body."""
        began = perf_counter()
        try:
            if self._inflater is None:
                return await self._waiting(self._conversation.read())
            return await self._waiting(self._inflated(self._inflater))
        finally:
            self.waited += perf_counter() - began

    async def reads(self) -> AsyncGenerator[bytes]:
        """The body, one item for each read."""
        while data := await self.read():
            yield data

    async def body(self, *, cut_at: int | None = None) -> bytes:
        """The whole body, at most the setting's size. With ``cut_at``, at most so many bytes and the rest unread."""
        if cut_at is None and self._announced() > self._max_body:
            raise faults.too_long(self._waits.who, self._max_body)
        parts: list[bytes] = []
        size = 0
        while data := await self.read():
            parts.append(data)
            size += len(data)
            if cut_at is not None and size >= cut_at:
                return b"".join(parts)[:cut_at]
            if size > self._max_body:
                raise faults.too_long(self._waits.who, self._max_body)
        return b"".join(parts)

    def _announced(self) -> int:
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and len(length) < _LONGEST_NUMBER else 0

    def leave(self) -> None:
        """Says that the rest of the body holds nothing of interest and its end is near.

        The connection then goes back to the pool if the body ends within a moment of leaving; nobody waits for that.
        """
        self._left = True

    async def _inflated(self, inflater: Inflater) -> bytes:
        try:
            while True:
                if self._pieces is not None:
                    if piece := next(self._pieces, b""):
                        await asyncio.sleep(0)  # a bomb unfolds without waiting: let other calls in between
                        return piece
                    self._pieces = None
                data = await self._conversation.read()
                if not data:
                    inflater.finish()
                    return b""
                self._pieces = inflater.feed(data)
        except CannotInflate:
            raise faults.bad_coding(self._waits.who) from None
        except CutShort:
            raise faults.broke_off(self._waits.who) from None
