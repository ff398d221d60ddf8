"""Images at a provider that is one endpoint, one codec and HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from aignehub.v1 import image_service_pb2 as pb
from typing_extensions import override

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.image_calls import ImageCalls, Whole
from server.backends.image_delivery import ImageDelivery, Told, fill_response
from server.backends.image_events import events_of
from server.backends.media import CallerMedia
from server.errors import HubError
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.exchange import Exchange
from server.wire.codec import ImageCodec
from server.wire.http import HttpRequest, HttpResponse
from server.wire.pictures import ImageRequest, Picture


class HttpImageBackend(ImageCalls):
    """An ImageBackend over HTTP. Phases are those of HttpChatBackend; fetching a provider's URL is waiting for it."""

    def __init__(self, endpoint: Endpoint, codec: ImageCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._media = media
        self._delivery = ImageDelivery(media)

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageBackend.capabilities."""
        return self._codec.capabilities(model)

    async def stream(self, request: ImageRequest, call: Call) -> AsyncGenerator[pb.ImageStreamEvent]:
        """See ImageBackend.stream."""
        told = Told()
        try:
            async with aclosing(self._stream(request, call, told)) as events:
                async for event in events:
                    told.begun = True
                    yield event
            return
        except HubError as error:
            broken = attributed(error, self._endpoint.name, call)
        if told.begun:
            yield told.summary(call)
        raise broken

    @override
    async def _whole(self, request: ImageRequest, response: Whole, call: Call) -> Whole:
        try:
            request = await self._inlined(request, call)
            asked = await self._encoded(request, call, stream=False)
            whole = await self._http.whole(asked, call)
            drawn = self._codec.decode(whole)
            gateway = self._http.gateway(asked, whole.headers, call)
            await self._delivery.deliver(drawn.pictures, request, gateway, call)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        return fill_response(response, drawn, gateway, call)

    async def _stream(self, request: ImageRequest, call: Call, told: "Told") -> AsyncGenerator[pb.ImageStreamEvent]:
        request = await self._inlined(request, call)
        asked = await self._encoded(request, call, stream=True)
        async with self._http.open(asked, call) as exchange:
            told.gateway = self._http.gateway(asked, exchange.headers, call)
            async with aclosing(self._pictures(request, exchange, told)) as pictures:
                async for picture in pictures:
                    await self._delivery.deliver([picture], request, told.gateway, call)
                    for event in events_of(picture):
                        yield event
        yield told.summary(call)

    async def _pictures(self, request: ImageRequest, exchange: Exchange, told: "Told") -> AsyncGenerator[Picture]:
        """As they come; all at once where the model does not stream, or its host answered with the whole."""
        if not exchange.headers.get("Content-Type", "").startswith("text/event-stream"):
            body = await exchange.body()
            drawn = self._codec.decode(HttpResponse(exchange.status, exchange.headers, body))
            del body
            told.drawn(drawn)
            while drawn.pictures:
                yield drawn.pictures.pop(0)
            return
        decoder = self._codec.decoder(request)
        while not decoder.done:
            data = await exchange.read()
            try:
                pictures = decoder.feed(data) if data else decoder.finish()
            finally:
                told.usage, told.model = decoder.usage(), decoder.model
            while pictures:
                yield pictures.pop(0)
        exchange.leave()

    async def _encoded(self, request: ImageRequest, call: Call, *, stream: bool) -> HttpRequest:
        if isinstance(request, pb.EditImagesRequest) and request.HasField("mask"):
            # Some formats want a mask painted anew, which takes a while: other calls must not wait for it.
            return await asyncio.to_thread(self._codec.encode, request, call.model, stream=stream)
        return self._codec.encode(request, call.model, stream=stream)

    async def _inlined(self, request: ImageRequest, call: Call) -> ImageRequest:
        """The request with those sources as bytes that the provider cannot or must not fetch."""
        if isinstance(request, pb.GenerateImagesRequest):
            return request
        return await self._media.inline_sources(
            request,
            base_url=self._endpoint.base_url,
            reads_urls=self._codec.reads_urls(call.model),
            deadline=call.deadline,
        )
