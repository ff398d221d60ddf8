"""Embeddings at a provider that is one endpoint, one codec and HTTP."""

from collections.abc import Sequence

from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse

from server.backends.base import Call
from server.backends.failures import attributed
from server.backends.http_exchange import HttpExchanges
from server.backends.media import CallerMedia, passes_of
from server.errors import HubError, ProviderRejected
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.by_model import embeddings_of
from server.wire.codec import EmbeddingsCodec
from server.wire.field_names import moved


class HttpEmbeddingBackend:
    """An EmbeddingBackend over HTTP. Phases are those of HttpChatBackend."""

    def __init__(self, endpoint: Endpoint, codec: EmbeddingsCodec, transport: Transport, media: CallerMedia) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._media = media

    def parts(self, request: CreateEmbeddingsRequest, model: str = "") -> Sequence[Sequence[int]]:
        """Places of the inputs of each request to the provider. Raises UnsupportedByProvider naming an input."""
        try:
            return embeddings_of(self._codec, model).parts(request)
        except HubError as error:
            error.metadata.setdefault("provider", self._endpoint.name)
            raise

    async def embed(
        self, request: CreateEmbeddingsRequest, part: Sequence[int], call: Call
    ) -> CreateEmbeddingsResponse:
        """The vectors of one part, with usage and gateway. Raises HubError with ``provider`` and ``model`` set."""
        codec = embeddings_of(self._codec, call.model)
        try:
            request = await self._with_images(request, part, call, codec)
            asked = codec.encode(request, call.model, part)
            whole = await self._http.whole(asked, call)
            response = codec.decode(whole, request, part)
        except HubError as error:
            if isinstance(error, ProviderRejected):
                # The provider counts the inputs it was sent.
                places = {f"inputs[{told}]": f"inputs[{place}]" for told, place in enumerate(part)}
                error.fields = moved(error.fields, places)
            raise attributed(error, self._endpoint.name, call) from None
        response.model = response.model or call.model  # some providers name it in the request alone
        self._http.tell(response.gateway, asked, whole.headers, call)
        return response

    async def _with_images(
        self, request: CreateEmbeddingsRequest, part: Sequence[int], call: Call, codec: EmbeddingsCodec
    ) -> CreateEmbeddingsRequest:
        """``request`` itself, or a copy with the bytes of URLs that the provider must not, or cannot, fetch itself."""
        named = [place for place in part if request.inputs[place].image.url]
        if not named:
            return request
        copy = CreateEmbeddingsRequest()
        copy.CopyFrom(request)
        found = [(f"inputs[{place}].image.url", "image", copy.inputs[place].image) for place in named]
        await self._media.inline_each(
            found, base_url=self._endpoint.base_url, deadline=call.deadline, passes=passes_of(codec, call.model)
        )
        return copy
