"""Chat of a provider whose models speak several formats: which codec serves which model."""

import re
from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import HubError
from server.wire.codec import ChatCodec, ChatStreamDecoder
from server.wire.http import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class ByModel:
    """A table of codecs by the provider's own names of its models.

    ``of`` is what a backend asks: answers do not tell the format they are in. It is a ChatCodec all the same, for
    whoever knows a model by the request alone: what is read then goes by the name that the caller asked for.
    """

    usual: ChatCodec
    """For every model that no row names."""
    rows: tuple[tuple[re.Pattern[str], ChatCodec], ...]
    """The first pattern that matches from the beginning of a model's name, in lower case, counts."""

    def of(self, model: str) -> ChatCodec:
        """The codec of one model."""
        name = model.lower()
        return next((codec for pattern, codec in self.rows if pattern.match(name)), self.usual)

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return self.of(model).encode(request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return self._asked(request).decode(response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return self.usual.decode_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> ChatStreamDecoder:
        """See ChatCodec.decoder."""
        return self._asked(request).decoder(request)

    def _asked(self, request: CreateChatCompletionRequest) -> ChatCodec:
        return self.of(request.model.rpartition("/")[2])


def codec_of(codec: ChatCodec, model: str) -> ChatCodec:
    """The codec that reads what ``model`` answers: ``codec`` itself where one serves every model."""
    return codec.of(model) if isinstance(codec, ByModel) else codec
