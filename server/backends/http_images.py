"""Images at a provider that is one endpoint, one codec and HTTP."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from time import perf_counter
from typing import TypeVar

from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.image_events import events_of, fill
from server.backends.media import CallerMedia
from server.errors import HubError
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.exchange import Exchange
from server.wire.codec import ImageCodec
from server.wire.http import HttpResponse
from server.wire.pictures import Drawn, ImageRequest, Picture

_AT_ONCE = 4
_DELIVERY = "options.delivery"
_R = TypeVar("_R", pb.GenerateImagesResponse, pb.EditImagesResponse)


class HttpImageBackend:
    """An ImageBackend over HTTP. Phases are those of HttpChatBackend; fetching a provider's URL is waiting for it."""

    def __init__(self, endpoint: Endpoint, codec: ImageCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._media = media

    async def generate(self, request: pb.GenerateImagesRequest, call: Call) -> pb.GenerateImagesResponse:
        """See ImageBackend.generate."""
        return await self._whole(request, pb.GenerateImagesResponse(), call)

    async def edit(self, request: pb.EditImagesRequest, call: Call) -> pb.EditImagesResponse:
        """See ImageBackend.edit."""
        return await self._whole(request, pb.EditImagesResponse(), call)

    async def stream(self, request: ImageRequest, call: Call) -> AsyncGenerator[pb.ImageStreamEvent]:
        """See ImageBackend.stream."""
        told = _Told()
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

    async def _whole(self, request: ImageRequest, response: _R, call: Call) -> _R:
        try:
            request = await self._inlined(request, call)
            asked = self._codec.encode(request, call.model, stream=False)
            whole = await self._http.whole(asked, call)
            drawn = self._codec.decode(whole)
            gateway = self._http.gateway(asked, whole.headers, call)
            await self._deliver(drawn.pictures, request, gateway, call)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        for picture in drawn.pictures:
            fill(response.images.add(), picture)
            picture.data = b""  # one copy less while the answer is sent
        response.model = drawn.model or call.model
        if drawn.created:
            response.create_time.FromSeconds(drawn.created)
        response.usage.CopyFrom(drawn.usage)
        response.gateway.CopyFrom(gateway)
        return response

    async def _stream(self, request: ImageRequest, call: Call, told: "_Told") -> AsyncGenerator[pb.ImageStreamEvent]:
        request = await self._inlined(request, call)
        asked = self._codec.encode(request, call.model, stream=True)
        async with self._http.open(asked, call) as exchange:
            told.gateway = self._http.gateway(asked, exchange.headers, call)
            async with aclosing(self._pictures(request, exchange, told)) as pictures:
                async for picture in pictures:
                    await self._deliver([picture], request, told.gateway, call)
                    for event in events_of(picture):
                        yield event
        yield told.summary(call)

    async def _pictures(self, request: ImageRequest, exchange: Exchange, told: "_Told") -> AsyncGenerator[Picture]:
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

    async def _deliver(
        self, pictures: Iterable[Picture], request: ImageRequest, gateway: GatewayInfo, call: Call
    ) -> None:
        """Makes addresses bytes where bytes are wanted, and tells where an address is wanted and there is none."""
        if request.options.delivery == pb.IMAGE_DELIVERY_URL:
            if (
                any(picture.data and not picture.url for picture in pictures)
                and _DELIVERY not in gateway.adjusted_fields
            ):
                gateway.adjusted_fields.append(_DELIVERY)
            return
        wanted = [picture for picture in pictures if picture.url and not picture.data]
        began = perf_counter()
        gate = asyncio.Semaphore(_AT_ONCE)
        tasks = [asyncio.ensure_future(self._fetch(picture, gate, call)) for picture in wanted]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if tasks:
                call.phases.add("upstream", perf_counter() - began)

    async def _fetch(self, picture: Picture, gate: asyncio.Semaphore, call: Call) -> None:
        async with gate:
            fetched = await self._media.fetch_made(picture.url, deadline=call.deadline)
        picture.data, picture.url, picture.mime_type = fetched.data, "", fetched.mime_type
        picture.identify()


class _Told:
    """What a caller has been told of a stream, and is told at its end."""

    __slots__ = ("begun", "gateway", "model", "usage")

    def __init__(self) -> None:
        self.begun = False
        self.gateway = GatewayInfo()
        self.usage = Usage()
        self.model = ""

    def drawn(self, drawn: Drawn) -> None:
        """Takes what a whole answer says of itself."""
        self.usage, self.model = drawn.usage, drawn.model

    def summary(self, call: Call) -> pb.ImageStreamEvent:
        """The last event."""
        return pb.ImageStreamEvent(
            summary=pb.ImageStreamSummary(model=self.model or call.model, usage=self.usage, gateway=self.gateway)
        )
