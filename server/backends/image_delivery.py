"""Images on their way from a provider's answer to the caller: fetched where bytes are wanted, and filled in."""

import asyncio
from collections.abc import Iterable
from time import perf_counter
from typing import TypeVar

from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from server.backends.base import Call
from server.backends.image_events import fill
from server.backends.media import CallerMedia
from server.wire.pictures import Drawn, ImageRequest, Picture

_AT_ONCE = 4
_DELIVERY = "options.delivery"
_R = TypeVar("_R", pb.GenerateImagesResponse, pb.EditImagesResponse)


class ImageDelivery:
    """Hands images over as the caller asked for them; fetching a provider's URL is waiting for the provider."""

    def __init__(self, media: CallerMedia) -> None:
        self._media = media

    async def deliver(
        self, pictures: Iterable[Picture], request: ImageRequest, gateway: GatewayInfo, call: Call
    ) -> None:
        """Makes addresses bytes where bytes are wanted, and tells where an address is wanted and there is none.

        Raises HubError where an image cannot be fetched.
        """
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


def fill_response(response: _R, drawn: Drawn, gateway: GatewayInfo, call: Call) -> _R:
    """``response`` itself with everything in it; the pictures' bytes are let go."""
    for picture in drawn.pictures:
        fill(response.images.add(), picture)
        picture.data = b""  # one copy less while the answer is sent
    response.model = drawn.model or call.model
    if drawn.created:
        response.create_time.FromSeconds(drawn.created)
    response.usage.CopyFrom(drawn.usage)
    response.gateway.CopyFrom(gateway)
    return response


class Told:
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
