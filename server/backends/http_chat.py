"""Chat at a provider that is one endpoint, one codec and HTTP: nearly every provider there is."""

from collections.abc import AsyncGenerator

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.backends.failures import attributed, secret_of, without_secret
from server.backends.http_exchange import HttpExchanges
from server.backends.media import CallerMedia, names_urls, passes_of
from server.errors import HubError
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.by_model import codec_of
from server.wire.codec import ChatCodec, ChatStreamDecoder

_MOST_WAYS = 1024
"""Names of models come from callers; past so many, all are forgotten."""


class HttpChatBackend:
    """A ChatBackend over HTTP. Phases: ``upstream_ttfb`` up to the answer's head, ``upstream`` all waiting for it."""

    def __init__(self, endpoint: Endpoint, codec: ChatCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._transport = transport
        self._media = media
        self._ways: dict[str, tuple[ChatCodec, HttpExchanges]] = {}

    def _way(self, model: str) -> tuple[ChatCodec, HttpExchanges]:
        """The codec of a model and who sends for it, kept: a table of models is looked through pattern by pattern."""
        way = self._ways.get(model)
        if way is None:
            if len(self._ways) >= _MOST_WAYS:
                self._ways.clear()
            codec = codec_of(self._codec, model)
            way = self._ways[model] = codec, HttpExchanges(self._endpoint, self._transport, codec.decode_error)
        return way

    async def _inlined(
        self, request: CreateChatCompletionRequest, codec: ChatCodec, call: Call
    ) -> CreateChatCompletionRequest:
        """The request with the bytes of what the provider is not to fetch, or does not."""
        return await self._media.inline(
            request, base_url=self._endpoint.base_url, deadline=call.deadline, passes=passes_of(codec, call.model)
        )

    async def chat(self, request: CreateChatCompletionRequest, call: Call) -> CreateChatCompletionResponse:
        """The whole answer, with usage and gateway. Raises HubError with ``provider`` and ``model`` in its metadata."""
        codec, http = self._way(call.model)
        try:
            if names_urls(request):
                request = await self._inlined(request, codec, call)
            asked = codec.encode(request, call.model, stream=False)
            whole = await http.whole(asked, call)
            response = codec.decode(whole, request)
        except HubError as error:
            raise attributed(error, self._endpoint.name, call) from None
        if not response.model:  # some providers name it in the request alone
            response.model = call.model
        http.tell(response.gateway, asked, whole.headers, call)
        return response

    async def chat_stream(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        """The answer as it comes, one chunk for all that one read delivered; the last has usage and gateway.

        A stream that breaks after its first chunk yields usage so far and gateway, then raises HubError.
        """
        told = _Told()
        try:
            codec, http = self._way(call.model)
            if names_urls(request):
                request = await self._inlined(request, codec, call)
            asked = codec.encode(request, call.model, stream=True)
            decoder = codec.decoder(request)
            continuous_usage, secret = request.stream_options.continuous_usage, secret_of(call)
            async with http.open(asked, call) as exchange:
                gateway = http.gateway(asked, exchange.headers, call)
                while True:
                    data = await exchange.read()
                    chunk = decoder.feed(without_secret(data, secret)) if data else decoder.finish()
                    if decoder.done or not data:
                        break
                    if chunk is not None:
                        if continuous_usage:
                            chunk.usage.CopyFrom(decoder.usage())
                        if told.decoder is None:
                            told.begin(chunk, call, decoder, gateway)
                        yield chunk
                exchange.leave()
            last = StreamChatCompletionResponse(usage=decoder.usage()) if chunk is None else chunk
            told.name(last, call)
            last.gateway.MergeFrom(gateway)
            yield last
            return
        except HubError as error:
            broken = attributed(error, self._endpoint.name, call)
        if told.decoder is not None:
            last = told.decoder.broken()
            last.gateway.MergeFrom(told.gateway)
            yield last
        raise broken


class _Told:
    """What a caller has been told of a stream: nothing while ``decoder`` is None."""

    __slots__ = ("decoder", "gateway")

    def __init__(self) -> None:
        self.decoder: ChatStreamDecoder | None = None
        self.gateway = GatewayInfo()

    def begin(
        self, chunk: StreamChatCompletionResponse, call: Call, decoder: ChatStreamDecoder, gateway: GatewayInfo
    ) -> None:
        """The first chunk is about to be told."""
        self.name(chunk, call)
        self.decoder, self.gateway = decoder, gateway

    def name(self, chunk: StreamChatCompletionResponse, call: Call) -> None:
        """Puts the model on the first chunk where the provider did not."""
        if self.decoder is None:
            chunk.model = chunk.model or call.model
