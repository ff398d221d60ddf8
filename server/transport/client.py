"""The HTTP client for providers: one pool, exactly one request on the wire per call, every wait and size bounded."""

import re
from collections.abc import Awaitable, Coroutine, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any, Self

import structlog
from multidict import CIMultiDict

from server import __version__
from server.errors import HubError, Internal, ProviderUnavailable
from server.transport.connections import SessionSettings
from server.transport.conversation import Conversation, Waits
from server.transport.direct import WRITTEN_FOR
from server.transport.endpoint import Credential, Endpoint, Outgoing, Timeouts
from server.transport.exchange import Exchange
from server.transport.letterheads import Letterheads
from server.transport.session import READ_BUFFER, HttpSession
from server.transport.settings import TransportSettings
from server.transport.websocket import WebSocket
from server.wire.http import HttpRequest, HttpResponse

# Any visible ASCII but "#", which would cut the path off.
_PATH = re.compile(r'/[!"$-~]*')
_NO_HEADERS: Mapping[str, str] = {}
_MAX_TOKEN_BYTES = 256 * 1024
_log = structlog.get_logger("transport")
_DOCUMENT_TIMEOUTS = Timeouts(connect=5.0, first_byte=10.0, idle=10.0)


class Transport:
    """Sends requests to providers. Made anywhere; started inside the loop that uses it.

    Errors of every exchange: ProviderTimeout (its message says which wait, and how long), ProviderUnavailable
    (not reached, or broke off), ProviderBadResponse (not HTTP, too long, a redirect).
    """

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._session: HttpSession | None = None
        self._letterheads: Letterheads | None = None
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
                direct=settings.direct,
            )
        )
        if (direct := self._session.direct) is not None:
            self._letterheads = Letterheads(direct, self._headers)
        elif settings.direct:
            _log.warning("transport.plain", aiohttp=version("aiohttp"), written_for=WRITTEN_FOR)

    async def close(self) -> None:
        """Closes every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = self._letterheads = None

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
        read_buffer: int = READ_BUFFER,
    ) -> Exchange:
        """One exchange, entered with ``async with`` when the head of the answer has come.

        ``deadline`` is on the loop's clock. Where headers meet, the later wins: endpoint, request, extra, credential.
        One read delivers at most twice ``read_buffer`` bytes, and about as many more wait while nobody reads.
        """
        session, proxy = self._started(), endpoint.proxy or self._settings.proxy
        waits = Waits(endpoint.name, endpoint.timeouts, deadline)
        if (
            self._letterheads is not None
            and proxy is None
            and (written := self._letterheads.written(endpoint, request, credential, extra_headers)) is not None
        ):
            ask = session.begin_written(self._letterheads.direct, written, waits, read_buffer)
            return Exchange(session.loop, self._live, ask, waits, self._settings.max_body_bytes)
        headers = self._headers(endpoint, request, extra_headers)
        if request.pieces:
            headers["Content-Length"] = str(sum(map(len, request.pieces)))
        proof = self._proof(endpoint, request, headers, credential, deadline)
        body = request.flow or request.pieces or request.body
        url = endpoint.base_url + request.path
        ask = session.begin(request.method, url, headers, body, waits, proxy, read_buffer)
        if proof is not None:
            ask = _proven(ask, headers, proof)
        held = headers.get("Authorization", "")
        return Exchange(session.loop, self._live, ask, waits, self._settings.max_body_bytes, authorization=held)

    def _proof(
        self,
        endpoint: Endpoint,
        request: HttpRequest,
        headers: CIMultiDict[str],
        credential: Credential,
        deadline: float,
    ) -> Awaitable[Mapping[str, str]] | None:
        """Puts the credential's headers beside the others; an awaitable where they must be waited for."""
        url, body = endpoint.base_url + request.path, request.pieces or request.body
        fetch = partial(self._fetch, endpoint, deadline)
        proof = endpoint.authorize(credential, Outgoing(request.method, url, headers, body, fetch))
        if isinstance(proof, Mapping):
            headers.update(proof)
            return None
        return proof

    async def _fetch(
        self, endpoint: Endpoint, deadline: float, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> HttpResponse:
        """What a token service answers, asked through the provider's own proxy."""
        told = self._base_headers.copy()
        told.update(headers)
        waits = Waits(f"the token service of {endpoint.name}", _DOCUMENT_TIMEOUTS, deadline)
        # What is asked without TLS is the machine's own metadata service, which no proxy reaches.
        proxy = None if url.startswith("http:") else endpoint.proxy or self._settings.proxy
        session = self._started()
        ask = session.begin(method, url, told, body, waits, proxy)
        async with Exchange(session.loop, self._live, ask, waits, _MAX_TOKEN_BYTES) as exchange:
            return HttpResponse(exchange.status, exchange.headers, await exchange.body())

    async def connect_websocket(
        self,
        endpoint: Endpoint,
        request: HttpRequest,
        *,
        credential: Credential,
        deadline: float,
        extra_headers: Mapping[str, str] = _NO_HEADERS,
    ) -> WebSocket:
        """An open WebSocket at the path of ``request``. See ``open`` for the arguments.

        Raises HubError as an exchange does, or WebSocketRefused where the answer is no handshake.
        """
        headers = self._headers(endpoint, request, extra_headers)
        proof = self._proof(endpoint, request, headers, credential, deadline)
        if proof is not None:
            headers.update(await proof)
        return await self._started().connect_websocket(
            endpoint.base_url + request.path,
            headers,
            Waits(endpoint.name, endpoint.timeouts, deadline),
            endpoint.proxy or self._settings.proxy,
        )

    def _headers(self, endpoint: Endpoint, request: HttpRequest, extra: Mapping[str, str]) -> CIMultiDict[str]:
        if not _PATH.fullmatch(request.path):
            raise Internal(f"{endpoint.name}: the path of the request is not escaped")
        headers = self._base_headers.copy()
        headers.update(endpoint.headers)
        headers.update(request.headers)
        headers.update(extra)
        return headers

    async def fetch_document(self, url: str, *, deadline: float, max_bytes: int) -> bytes:
        """What an operator's URL holds, such as a JWKS: private addresses are allowed, redirects are not followed.

        Raises ProviderUnavailable for any status but 200, and as every exchange does. Errors do not quote the URL.
        """
        waits = Waits("the configured URL", _DOCUMENT_TIMEOUTS, deadline)
        session = self._started()
        ask = session.begin("GET", url, self._base_headers, b"", waits, self._settings.proxy)
        async with Exchange(session.loop, self._live, ask, waits, max_bytes) as exchange:
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


async def _proven(
    ask: Coroutine[Any, Any, Conversation], headers: CIMultiDict[str], proof: Awaitable[Mapping[str, str]]
) -> Conversation:
    """Asks once ``proof`` is there, whose headers are put beside the others first."""
    try:
        headers.update(await proof)
    except BaseException:
        ask.close()
        raise
    return await ask
