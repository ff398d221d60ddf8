"""One exchange with a provider over HTTP: what every modality's HTTP backend is made of."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.backends.failures import secret_of, without_secret
from server.errors import HubError, ProviderTokenRefused
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.exchange import Exchange
from server.transport.session import READ_BUFFER
from server.wire.http import HttpRequest, HttpResponse

_MAX_ERROR_BYTES = 64 * 1024  # what a caller is told is far shorter, and no codec needs more to read it
_MAX_REQUEST_ID = 256
_NO_HEADERS: Mapping[str, str] = {}
_UNAUTHORIZED = 401
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, 3.2.2

# Where providers put their own id of a request; the first that is there counts.
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-generation-id",
    "dg-request-id",
    "cf-ray",
)


class HttpExchanges:
    """Exchanges with one provider instance. ``decode_error`` is its codec's reading of an answer that is no 2xx."""

    def __init__(
        self, endpoint: Endpoint, transport: Transport, decode_error: Callable[[HttpResponse], HubError]
    ) -> None:
        self.endpoint = endpoint
        self._transport = transport
        self._decode_error = decode_error

    @asynccontextmanager
    async def open(self, asked: HttpRequest, call: Call, *, read_buffer: int = READ_BUFFER) -> AsyncIterator[Exchange]:
        """An answer of status 2xx; any other raises what the codec reads from it. ``read_buffer``: Transport.open."""
        exchange = self._exchange(asked, call, read_buffer)
        try:
            async with exchange:
                if not 200 <= exchange.status < 300:
                    raise await self._failure(exchange, call)
                with _answered():
                    yield exchange
        finally:
            call.phases.add("upstream_ttfb", exchange.head_wait)
            call.phases.add("upstream", exchange.waited)

    def _exchange(self, asked: HttpRequest, call: Call, read_buffer: int) -> Exchange:
        traced = _NO_HEADERS
        if call.traceparent and _TRACEPARENT.fullmatch(call.traceparent):
            traced = {"traceparent": call.traceparent}
        return self._transport.open(
            self.endpoint,
            asked,
            credential=call.credential,
            deadline=call.deadline,
            extra_headers=traced,
            read_buffer=read_buffer,
        )

    async def _failure(self, exchange: Exchange, call: Call) -> HubError:
        if exchange.status == _UNAUTHORIZED and self.endpoint.forget(call.credential, exchange.authorization):
            return ProviderTokenRefused("the provider refused the hub's access token; try again", retry_after=0.0)
        try:
            body = await exchange.body(cut_at=_MAX_ERROR_BYTES)
        except HubError:
            body = b""  # the status alone says what went wrong better than the connection's fate does
        return self._decode_error(HttpResponse(exchange.status, exchange.headers, body))

    def gateway(self, asked: HttpRequest, headers: Mapping[str, str], call: Call) -> GatewayInfo:
        """What was asked of whom."""
        gateway = GatewayInfo()
        self.tell(gateway, asked, headers, call)
        return gateway

    def tell(self, gateway: GatewayInfo, asked: HttpRequest, headers: Mapping[str, str], call: Call) -> None:
        """Puts it where the answer has its place for it."""
        gateway.request_id = call.request_id
        gateway.provider = self.endpoint.name
        gateway.provider_model = call.model
        if told := provider_request_id(headers):
            gateway.provider_request_id = told
        if asked.adjusted_fields:
            gateway.adjusted_fields.extend(asked.adjusted_fields)

    async def whole(self, asked: HttpRequest, call: Call) -> HttpResponse:
        """The whole answer of status 2xx; any other raises what the codec reads from it."""
        # As open does it, without the two generators that a context manager of two layers costs each call.
        exchange = self._exchange(asked, call, READ_BUFFER)
        try:
            async with exchange:
                if not 200 <= exchange.status < 300:
                    raise await self._failure(exchange, call)
                try:
                    body = without_secret(await exchange.body(), secret_of(call))
                    return HttpResponse(exchange.status, exchange.headers, body)
                except HubError as error:
                    error.answered = True
                    raise
        finally:
            call.phases.add("upstream_ttfb", exchange.head_wait)
            call.phases.add("upstream", exchange.waited)


@contextmanager
def _answered() -> Iterator[None]:
    """Marks a failure as one of an answer that had begun."""
    try:
        yield
    except HubError as error:
        error.answered = True
        raise


def provider_request_id(headers: Mapping[str, str]) -> str:
    """The provider's own id of a request, from the headers of its answer; empty where they have none."""
    for name in _REQUEST_ID_HEADERS:
        if found := headers.get(name):
            return found[:_MAX_REQUEST_ID]
    return ""
