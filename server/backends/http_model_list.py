"""A provider's own list of its models over HTTP, page by page and bounded."""

import asyncio

from aignehub.v1.model_service_pb2 import Model

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.errors import HubError, ProviderBadResponse
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import ModelListCodec
from server.wire.http import HttpRequest, HttpResponse
from server.wire.model_lists import ModelPage

_MAX_PAGES = 20
_MAX_PAGE_BYTES = 16 * 1024 * 1024
"""The longest list that is known, OpenRouter's with everything, has less than a quarter of that."""
_MAX_MODELS = 20_000
_LONG_BYTES = 64 * 1024
"""A longer page is read beside the loop: a megabyte takes 15 ms, which no call should wait for."""


class HttpModelList:
    """A ModelLister over HTTP."""

    def __init__(self, endpoint: Endpoint, codec: ModelListCodec, transport: Transport) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)

    @property
    def whole(self) -> bool:
        """See ModelLister.whole."""
        return self._codec.whole

    async def models(self, call: Call) -> dict[str, Model]:
        """See ModelLister.models. Raises HubError with ``provider`` in its metadata."""
        try:
            return await self._all_pages(call)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None

    async def _all_pages(self, call: Call) -> dict[str, Model]:
        found: dict[str, Model] = {}
        asked: HttpRequest | None = self._codec.encode()
        for _ in range(_MAX_PAGES):
            if asked is None:
                return found
            page = await self._read(await self._page(asked, call))
            found.update((model.id, model) for model in page.models)
            if len(found) > _MAX_MODELS:
                raise ProviderBadResponse(f"the provider lists more than {_MAX_MODELS} models")
            # A host that names the same page again would keep this going.
            asked = page.then if page.then != asked else None
        raise ProviderBadResponse(f"the provider's list of models goes on after {_MAX_PAGES} pages")

    async def _read(self, response: HttpResponse) -> ModelPage:
        if len(response.body) < _LONG_BYTES:
            return self._codec.decode(response)
        return await asyncio.to_thread(self._codec.decode, response)

    async def _page(self, asked: HttpRequest, call: Call) -> HttpResponse:
        async with self._http.open(asked, call) as exchange:
            body = await exchange.body(cut_at=_MAX_PAGE_BYTES + 1)
            if len(body) > _MAX_PAGE_BYTES:
                raise ProviderBadResponse(f"the provider's list of models is longer than {_MAX_PAGE_BYTES} bytes")
            return HttpResponse(exchange.status, exchange.headers, body)
