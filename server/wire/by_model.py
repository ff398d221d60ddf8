"""A provider whose models speak several formats: which codec serves which model."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
)
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, UnsupportedByProvider
from server.wire.codec import ChatCodec, ChatStreamDecoder, CountCodec, EmbeddingsCodec, ReadsUrls
from server.wire.http import HttpRequest, HttpResponse

C = TypeVar("C")


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
        return _row(self.rows, model) or self.usual

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


@dataclass(frozen=True, slots=True)
class EmbeddingsByModel:
    """The same for embeddings: a backend asks ``of``, and what is called here goes by the request's own model."""

    usual: EmbeddingsCodec
    rows: tuple[tuple[re.Pattern[str], EmbeddingsCodec], ...]
    """As in ByModel."""

    def of(self, model: str) -> EmbeddingsCodec:
        """The codec of one model."""
        return _row(self.rows, model) or self.usual

    def parts(self, request: CreateEmbeddingsRequest) -> Sequence[Sequence[int]]:
        """See EmbeddingsCodec.parts."""
        return self._asked(request).parts(request)

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """See EmbeddingsCodec.encode."""
        return self.of(model).encode(request, model, part)

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """See EmbeddingsCodec.decode."""
        return self._asked(request).decode(response, request, part)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See EmbeddingsCodec.decode_error."""
        return self.usual.decode_error(response)

    def _asked(self, request: CreateEmbeddingsRequest) -> EmbeddingsCodec:
        return self.of(request.model.rpartition("/")[2])


def embeddings_of(codec: EmbeddingsCodec, model: str) -> EmbeddingsCodec:
    """The codec that embeds with ``model``: ``codec`` itself where one serves every model."""
    return codec.of(model) if isinstance(codec, EmbeddingsByModel) else codec


@dataclass(frozen=True, slots=True)
class CountByModel:
    """The same for counting; None stands for models that are not counted, of which the hub estimates the tokens."""

    usual: CountCodec
    rows: tuple[tuple[re.Pattern[str], CountCodec | None], ...]
    """As in ByModel."""

    def of(self, model: str) -> CountCodec:
        """The codec of one model. Raises UnsupportedByProvider where it is not counted."""
        name = model.lower()
        found = next((codec for pattern, codec in self.rows if pattern.match(name)), self.usual)
        if found is None:
            raise UnsupportedByProvider.of("model", "the provider does not count the tokens of this model")
        return found

    def encode(self, request: CreateChatCompletionRequest, model: str) -> HttpRequest:
        """See CountCodec.encode."""
        return self.of(model).encode(request, model)

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """See CountCodec.decode."""
        return self.of(model).decode(response, model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See CountCodec.decode_error."""
        return self.usual.decode_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        codec = self.of(model)
        return codec.reads_url(kind, media, model) if isinstance(codec, ReadsUrls) else True


def _row(rows: tuple[tuple[re.Pattern[str], C], ...], model: str) -> C | None:
    name = model.lower()
    return next((codec for pattern, codec in rows if pattern.match(name)), None)
