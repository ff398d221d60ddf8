"""Counting tokens at a provider that has a path for it."""

from aignehub.v1.chat_service_pb2 import CountTokensResponse, CreateChatCompletionRequest

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.media import CallerMedia, passes_of
from server.errors import HubError
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.codec import CountCodec


class HttpTokenCounter:
    """A TokenCounter over HTTP."""

    def __init__(self, endpoint: Endpoint, codec: CountCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._media = media

    async def count(self, request: CreateChatCompletionRequest, call: Call) -> CountTokensResponse:
        """See TokenCounter.count. Raises HubError with ``provider`` and ``model`` in its metadata."""
        try:
            request = await self._media.inline(
                request,
                base_url=self._endpoint.base_url,
                deadline=call.deadline,
                passes=passes_of(self._codec, call.model),
            )
            whole = await self._http.whole(self._codec.encode(request, call.model), call)
            return self._codec.decode(whole, call.model)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
