"""Images at a provider that makes them as a job: begun with one request, asked after with others until it is over."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, replace
from time import perf_counter
from urllib.parse import SplitResult, urlsplit

from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.usage_pb2 import GatewayInfo
from typing_extensions import override

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.image_calls import ImageCalls, Whole
from server.backends.image_delivery import ImageDelivery, Told, fill_response
from server.backends.image_events import events_of
from server.backends.media import CallerMedia
from server.errors import HubError, ProviderBadResponse, ProviderRateLimited, ProviderTimeout, ProviderUnavailable
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import ImageJobCodec
from server.wire.http import HttpRequest
from server.wire.pictures import Drawn, ImageJob, ImageRequest

_PATH = re.compile(r'/[!"$-~]*')
_PATIENCE = 5
"""Answers in a row that may fail to tell how the job goes: it is paid for, so one hiccup must not lose it."""


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait before asking again, in seconds: each pause is longer than the one before."""

    first: float = 0.25
    growth: float = 1.5
    longest: float = 4.0

    def __iter__(self) -> Iterator[float]:
        """Without end."""
        pause = self.first
        while True:
            yield pause
            pause = min(pause * self.growth, self.longest)


class PollingImageBackend(ImageCalls):
    """An ImageBackend by jobs. Phases are those of HttpChatBackend; pauses are waiting for the provider.

    The job is begun once. It is asked after until the deadline, or until the call is cancelled.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        codec: ImageJobCodec,
        transport: Transport,
        media: CallerMedia,
        *,
        pauses: Pauses | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._transport = transport
        self._media = media
        self._delivery = ImageDelivery(media)
        self._pauses = pauses or Pauses()

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageBackend.capabilities."""
        return self._codec.capabilities(model)

    async def stream(self, request: ImageRequest, call: Call) -> AsyncGenerator[pb.ImageStreamEvent]:
        """See ImageBackend.stream; the events come at the end, there are no previews."""
        told = Told()
        drawn, told.gateway = await self._draw(request, call)
        told.drawn(drawn)
        while drawn.pictures:
            for event in events_of(drawn.pictures.pop(0)):
                yield event
        yield told.summary(call)

    @override
    async def _whole(self, request: ImageRequest, response: Whole, call: Call) -> Whole:
        drawn, gateway = await self._draw(request, call)
        return fill_response(response, drawn, gateway, call)

    async def _draw(self, request: ImageRequest, call: Call) -> tuple[Drawn, GatewayInfo]:
        try:
            request = await self._inlined(request, call)
            asked = await asyncio.to_thread(self._codec.encode, request, call.model)  # a mask may be painted anew
            http = HttpExchanges(self._endpoint, self._transport, self._codec.decode_error)
            begun = await http.whole(asked, call)
            job = self._codec.job(begun)
            try:
                drawn = await self._finished(job, request, call)
                gateway = http.gateway(asked, begun.headers, call)
                await self._delivery.deliver(drawn.pictures, request, gateway, call)
            except HubError as error:
                error.answered = True  # the job is begun, and paid for
                raise
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        return drawn, gateway

    async def _finished(self, job: ImageJob, request: ImageRequest, call: Call) -> Drawn:
        endpoint, asked = where_to_ask(job.url, self._endpoint, self._codec.domains)
        http = HttpExchanges(endpoint, self._transport, self._codec.decode_error)
        failed = 0
        for pause in self._pauses:
            await self._wait(pause, call)
            try:
                answer = await http.whole(asked, call)
            except (ProviderRateLimited, ProviderUnavailable) as error:
                failed += 1
                if failed > _PATIENCE:
                    raise
                await self._wait(error.retry_after or 0.0, call)
                continue
            failed = 0
            if (drawn := self._codec.drawn(answer, job, request)) is not None:
                return drawn
        raise AssertionError("pauses have no end")

    async def _wait(self, seconds: float, call: Call) -> None:
        left = call.deadline - asyncio.get_running_loop().time()
        if left <= seconds:
            raise ProviderTimeout(
                f"{self._endpoint.name}: the image would not be ready before the deadline; allow more time"
            )
        began = perf_counter()
        try:
            await asyncio.sleep(seconds)
        finally:
            call.phases.add("upstream", perf_counter() - began)

    async def _inlined(self, request: ImageRequest, call: Call) -> ImageRequest:
        if isinstance(request, pb.GenerateImagesRequest):
            return request
        return await self._media.inline_sources(
            request,
            base_url=self._endpoint.base_url,
            reads_urls=self._codec.reads_urls(call.model),
            deadline=call.deadline,
        )


def where_to_ask(url: str, endpoint: Endpoint, domains: tuple[str, ...]) -> tuple[Endpoint, HttpRequest]:
    """Whom to ask for ``url`` and how, with the endpoint's own credential.

    Raises ProviderBadResponse where it leads to a host that is not the provider's: the credential must not go there.
    """
    try:
        named, own = urlsplit(url), urlsplit(endpoint.base_url)
        alike = named.scheme == own.scheme and (_address(named) == _address(own) or _related(named, own, domains))
        path = (named.path or "/") + (f"?{named.query}" if named.query else "")
        if not alike or "@" in named.netloc or not _PATH.fullmatch(path):
            raise ValueError
        request = HttpRequest(path=path, method="GET", headers={"Accept": "application/json"})
        return replace(endpoint, base_url=f"{named.scheme}://{named.netloc}"), request
    except ValueError:
        raise ProviderBadResponse("the provider named an address to ask at that is not its own") from None


def _address(url: SplitResult) -> tuple[str, int | None]:
    return (url.hostname or "").lower(), url.port


def _related(named: SplitResult, own: SplitResult, domains: tuple[str, ...]) -> bool:
    """Whether both are hosts of one of ``domains``, at the scheme's own port."""
    hosts = [(url.hostname or "").lower() for url in (named, own)]
    usual = named.port is None or named.port == {"https": 443, "http": 80}.get(named.scheme)
    return usual and any(all(host == one or host.endswith(f".{one}") for host in hosts) for one in domains)
