"""A provider's own list of its models over HTTP."""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress

from aignehub.v1.model_service_pb2 import Model

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.pages import Page, pages
from server.errors import HubError, ModelNotFound, ProviderBadResponse
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import ModelListCodec
from server.wire.http import HttpResponse
from server.wire.model_lists import Details, ModelPage

_MAX_MODELS = 20_000
_MAX_DETAILS = 500
_MAX_DETAILS_BYTES = 4 * 1024 * 1024
_AT_ONCE = 4
"""Models asked about at a time: a provider that tells of each alone is somebody's own machine."""
_SHARE = 0.5
"""Of the time there is for the whole list, as much goes to details; what was not asked is asked the next time."""


class HttpModelList:
    """A ModelLister over HTTP."""

    def __init__(self, endpoint: Endpoint, codec: ModelListCodec, transport: Transport) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._known: dict[str, tuple[str, Model]] = {}
        """What details said, by name, with the version that they were of."""

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
        """See ModelLister.models. Raises HubError with ``provider`` in its metadata.

        A model whose details cannot be had is told with what its entry says.
        """
        found: dict[str, Model] = {}
        details: dict[str, Details] = {}
        try:
            async for entries in pages(self._http, call, self._codec.encode(), self._page, "models"):
                for page in entries:
                    found.update((model.id, model) for model in page.models)
                    details.update(page.details)
                if len(found) > _MAX_MODELS:
                    raise ProviderBadResponse(f"the provider lists more than {_MAX_MODELS} models")
        except ModelNotFound:
            # What a 404 means to a call of a model; here no model was named.
            none = ProviderBadResponse("the provider has no list of models at its address (404); is base_url right?")
            raise attributed(none, self._endpoint.name, call) from None
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        if details:
            await self._learn(found, details, call)
            found.update((name, model) for name, (_, model) in self._known.items())
        return found

    def _page(self, response: HttpResponse) -> Page[ModelPage]:
        page = self._codec.decode(response)
        return Page((page,), page.then)

    async def _learn(self, found: Mapping[str, Model], details: Mapping[str, Details], call: Call) -> None:
        """Asks about every model that is new or another one, and forgets those that are gone."""
        kept = self._known.items()
        self._known = {name: one for name, one in kept if name in details and details[name].version == one[0]}
        unknown = [name for name in details if name not in self._known][:_MAX_DETAILS]
        slots = asyncio.Semaphore(_AT_ONCE)

        async def ask(name: str) -> None:
            wanted = details[name]
            async with slots:
                with suppress(HubError):
                    async with self._http.open(wanted.request, call) as exchange:
                        body = await exchange.body(cut_at=_MAX_DETAILS_BYTES)
                        response = HttpResponse(exchange.status, exchange.headers, body)
                    self._known[name] = (wanted.version, self._codec.detailed(response, found[name]))

        left = call.deadline - asyncio.get_running_loop().time()
        with suppress(TimeoutError):
            async with asyncio.timeout(left * _SHARE), asyncio.TaskGroup() as tasks:
                for name in unknown:
                    tasks.create_task(ask(name))
