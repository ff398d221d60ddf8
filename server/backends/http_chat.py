"""Chat at a provider that is one endpoint, one codec and HTTP: nearly every provider there is."""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.media import CallerMedia
from server.errors import HubError
from server.transport.client import Exchange, Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import ChatCodec, ChatStreamDecoder
from server.wire.http import HttpRequest, HttpResponse

_MAX_ERROR_BYTES = 64 * 1024  # what a caller is told is far shorter, and no codec needs more to read it
_MAX_REQUEST_ID = 256
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")  # W3C Trace Context, 3.2.2

# Where providers put their own id of a request; the first that is there counts.
_REQUEST_ID_HEADERS = (
    "x-request-id",
    "request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-generation-id",
    "cf-ray",
)


class HttpChatBackend:
    """A ChatBackend over HTTP. Phases: ``upstream_ttfb`` up to the answer's head, ``upstream`` all waiting for it."""

    def __init__(self, endpoint: Endpoint, codec: ChatCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._transport = transport
        self._media = media

    async def chat(self, request: CreateChatCompletionRequest, call: Call) -> CreateChatCompletionResponse:
        """The whole answer, with usage and gateway. Raises HubError with ``provider`` and ``model`` in its metadata."""
        try:
            request = await self._media.inline(request, base_url=self._endpoint.base_url, deadline=call.deadline)
            asked = self._codec.encode(request, call.model, stream=False)
            async with self._exchange(asked, call) as exchange:
                whole = HttpResponse(exchange.status, exchange.headers, await exchange.body())
            response = self._codec.decode(whole, request)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        response.gateway.MergeFrom(self._gateway(asked, whole.headers, call))
        return response

    async def chat_stream(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        """The answer as it comes, one chunk for all that one read delivered; the last has usage and gateway.

        A stream that breaks after its first chunk yields usage so far and gateway, then raises HubError.
        """
        told = _Told()
        try:
            async with aclosing(self._stream(request, call, told)) as chunks:
                async for chunk in chunks:
                    yield chunk
            return
        except HubError as error:
            broken = attributed(error, self._endpoint.name, call)
        if told.decoder is not None:
            last = told.decoder.broken()
            last.gateway.MergeFrom(told.gateway)
            yield last
        raise broken

    async def _stream(
        self, request: CreateChatCompletionRequest, call: Call, told: "_Told"
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        request = await self._media.inline(request, base_url=self._endpoint.base_url, deadline=call.deadline)
        asked = self._codec.encode(request, call.model, stream=True)
        decoder = self._codec.decoder(request)
        async with self._exchange(asked, call) as exchange:
            gateway = self._gateway(asked, exchange.headers, call)
            while True:
                data = await exchange.read()
                chunk = decoder.feed(data) if data else decoder.finish()
                if decoder.done or not data:
                    break
                if chunk is not None:
                    if request.stream_options.continuous_usage:
                        chunk.usage.CopyFrom(decoder.usage())
                    told.decoder, told.gateway = decoder, gateway
                    yield chunk
            exchange.leave()
        last = StreamChatCompletionResponse(usage=decoder.usage()) if chunk is None else chunk
        last.gateway.MergeFrom(gateway)
        yield last

    @asynccontextmanager
    async def _exchange(self, asked: HttpRequest, call: Call) -> AsyncIterator[Exchange]:
        """An answer of status 2xx; any other raises what the codec reads from it."""
        traced = {"traceparent": call.traceparent} if _TRACEPARENT.fullmatch(call.traceparent) else {}
        exchange = self._transport.open(
            self._endpoint, asked, credential=call.credential, deadline=call.deadline, extra_headers=traced
        )
        try:
            async with exchange:
                if not 200 <= exchange.status < 300:
                    raise await self._failure(exchange)
                yield exchange
        finally:
            call.phases.add("upstream_ttfb", exchange.head_wait)
            call.phases.add("upstream", exchange.waited)

    async def _failure(self, exchange: Exchange) -> HubError:
        try:
            body = await exchange.body(cut_at=_MAX_ERROR_BYTES)
        except HubError:
            body = b""  # the status alone says what went wrong better than the connection's fate does
        return self._codec.decode_error(HttpResponse(exchange.status, exchange.headers, body))

    def _gateway(self, asked: HttpRequest, headers: Mapping[str, str], call: Call) -> GatewayInfo:
        return GatewayInfo(
            request_id=call.request_id,
            provider=self._endpoint.name,
            provider_model=call.model,
            provider_request_id=_provider_request_id(headers),
            adjusted_fields=asked.adjusted_fields,
        )


class _Told:
    """What a caller has been told of a stream: nothing while ``decoder`` is None."""

    __slots__ = ("decoder", "gateway")

    def __init__(self) -> None:
        self.decoder: ChatStreamDecoder | None = None
        self.gateway = GatewayInfo()


def _provider_request_id(headers: Mapping[str, str]) -> str:
    for name in _REQUEST_ID_HEADERS:
        if found := headers.get(name):
            return found[:_MAX_REQUEST_ID]
    return ""
