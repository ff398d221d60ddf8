"""What routing asks of a provider, whatever lies behind it."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aignehub.v1.audio_service_pb2 import (
    CreateSpeechRequest,
    CreateSpeechResponse,
    CreateTranscriptionResponse,
    StreamSpeechResponse,
    StreamTranscriptionConfig,
    StreamTranscriptionResponse,
)
from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse
from aignehub.v1.image_service_pb2 import (
    EditImagesRequest,
    EditImagesResponse,
    GenerateImagesRequest,
    GenerateImagesResponse,
    ImageStreamEvent,
)
from aignehub.v1.model_service_pb2 import Model

from server.phases import Phases
from server.transport.endpoint import Credential
from server.wire.audio.voice import SpokenVoice
from server.wire.recording import Dictation


@dataclass(slots=True)
class Call:
    """One attempt at one provider."""

    deadline: float
    """When the call must be over, on the event loop's clock (``loop.time()``)."""
    model: str
    """The provider's own name of the model."""
    credential: Credential
    request_id: str
    phases: Phases
    """Where the backend tells how long it waited for the provider."""
    traceparent: str = ""
    """The caller's W3C trace context, handed on to the provider; empty where there is none."""


class ChatBackend(Protocol):
    """Chat at one provider instance. Nothing here tries twice."""

    async def chat(self, request: CreateChatCompletionRequest, call: Call) -> CreateChatCompletionResponse:
        """The whole answer, with usage and what ``gateway`` tells of the provider. Raises HubError."""

    def chat_stream(
        self, request: CreateChatCompletionRequest, call: Call
    ) -> AsyncGenerator[StreamChatCompletionResponse]:
        """Chunks as they come; the last has usage and gateway.

        A stream that breaks after its first chunk yields usage so far and gateway, then raises HubError.
        """


class TokenCounter(Protocol):
    """Counts tokens at one provider instance. Nothing here tries twice."""

    async def count(self, request: CreateChatCompletionRequest, call: Call) -> CountTokensResponse:
        """Tokens of the request as the provider counts them. Raises HubError."""


class EmbeddingBackend(Protocol):
    """Embeddings at one provider instance. Nothing here tries twice."""

    def parts(self, request: CreateEmbeddingsRequest, model: str = "") -> Sequence[Sequence[int]]:
        """Places of the inputs of each request that the provider must be sent for its ``model``.

        See EmbeddingsCodec.parts.
        """

    async def embed(
        self, request: CreateEmbeddingsRequest, part: Sequence[int], call: Call
    ) -> CreateEmbeddingsResponse:
        """The vectors of one part, with usage and what ``gateway`` tells of the provider. Raises HubError."""


class ImageBackend(Protocol):
    """Images at one provider instance. Nothing here tries twice."""

    def capabilities(self, model: str) -> tuple[str, ...]:
        """``image`` and ``image_edit`` where the model is known to draw and to edit; else nothing."""

    async def generate(self, request: GenerateImagesRequest, call: Call) -> GenerateImagesResponse:
        """Every image, with usage and what ``gateway`` tells of the provider. Raises HubError."""

    async def edit(self, request: EditImagesRequest, call: Call) -> EditImagesResponse:
        """The same for changed images."""

    def stream(
        self, request: GenerateImagesRequest | EditImagesRequest, call: Call
    ) -> AsyncGenerator[ImageStreamEvent]:
        """Previews and images as they come, long ones in chunks; the last event is the summary.

        A stream that breaks after its first event yields the summary with usage so far, then raises HubError.
        """


class TranscriptionBackend(Protocol):
    """Speech to text at one provider instance. Nothing here tries twice."""

    async def transcribe(self, dictation: Dictation, call: Call) -> CreateTranscriptionResponse:
        """The whole transcript, with usage and what ``gateway`` tells of the provider. Raises HubError."""

    def live(
        self, config: StreamTranscriptionConfig, audio: AsyncIterator[bytes | None], call: Call
    ) -> AsyncGenerator[StreamTranscriptionResponse]:
        """Events as they come; ``ready`` is the first, ``summary`` the last. None in ``audio`` ends an utterance.

        A stream that breaks after ``ready`` yields the summary of what was used, then raises HubError.
        """


class VoiceLister(Protocol):
    """The voices of one provider instance, as it lists them itself."""

    async def voices(self, call: Call) -> Sequence[SpokenVoice]:
        """Those it listed last, or, where it never did, those its host documents. Never raises HubError."""


class SpeechBackend(Protocol):
    """Text to speech at one provider instance. Nothing here tries twice."""

    async def speech(self, request: CreateSpeechRequest, call: Call) -> CreateSpeechResponse:
        """The whole audio, with usage and gateway. Raises HubError."""

    def speech_stream(self, request: CreateSpeechRequest, call: Call) -> AsyncGenerator[StreamSpeechResponse]:
        """Audio as it comes; the first message has format and rate, the last usage and gateway.

        A stream that breaks after its first message yields usage and gateway, then raises HubError.
        """


class ModelLister(Protocol):
    """The models of one provider instance, as it lists them itself. Asking costs nothing."""

    @property
    def whole(self) -> bool:
        """False where the provider has models that its list leaves out."""

    @property
    def changes(self) -> bool:
        """True where what is on the list changes while the provider runs, so that it is worth asking often."""

    def missing(self, model: str, listed: Collection[str]) -> str:
        """What to do where ``listed`` says that a model is not there; empty where it may be called all the same."""

    async def models(self, call: Call) -> Mapping[str, Model]:
        """By the provider's own names, which are also their ids; only what it tells of each. Raises HubError."""
