"""A provider's own list of its models over HTTP."""

from collections.abc import Collection

from aignehub.v1.model_service_pb2 import Model

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.pages import Page, pages
from server.errors import HubError, ProviderBadResponse
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import ModelListCodec
from server.wire.http import HttpResponse

_MAX_MODELS = 20_000


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

    @property
    def changes(self) -> bool:
        """See ModelLister.changes."""
        return self._codec.changes

    def missing(self, model: str, listed: Collection[str]) -> str:
        """See ModelLister.missing."""
        return self._codec.missing(model, listed)

    async def models(self, call: Call) -> dict[str, Model]:
        """See ModelLister.models. Raises HubError with ``provider`` in its metadata."""
        found: dict[str, Model] = {}
        try:
            async for entries in pages(self._http, call, self._codec.encode(), self._page, "models"):
                found.update((model.id, model) for model in entries)
                if len(found) > _MAX_MODELS:
                    raise ProviderBadResponse(f"the provider lists more than {_MAX_MODELS} models")
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        return found

    def _page(self, response: HttpResponse) -> Page[Model]:
        page = self._codec.decode(response)
        return Page(page.models, page.then)
