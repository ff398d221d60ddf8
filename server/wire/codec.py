"""What every codec offers. A module of functions, or a small frozen object, satisfies these Protocols."""

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol, runtime_checkable

from aignehub.v1.audio_pb2 import AudioFormat
from aignehub.v1.audio_service_pb2 import (
    CreateSpeechRequest,
    CreateTranscriptionResponse,
    StreamTranscriptionConfig,
)
from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.embedding_service_pb2 import CreateEmbeddingsRequest, CreateEmbeddingsResponse
from aignehub.v1.media_pb2 import Media
from aignehub.v1.model_service_pb2 import Model
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError
from server.wire.audio.live import LivePlan
from server.wire.audio.voice import VoicePage
from server.wire.http import HttpRequest, HttpResponse
from server.wire.model_lists.page import ModelPage
from server.wire.pictures import Drawn, ImageJob, ImageRequest, Picture
from server.wire.recording import Dictation, Uploads


class ChatStreamDecoder(Protocol):
    """Reads one streamed answer. One object per call; it owns all state of the stream."""

    @property
    def done(self) -> bool:
        """True once the provider has said that the answer is whole; nothing after that is read."""

    def feed(self, data: bytes) -> StreamChatCompletionResponse | None:
        """Everything one read delivered as one message, or None where it completed nothing to tell.

        Text, reasoning and tool calls keep their order: a change from one to another begins a new delta.
        The message that makes ``done`` true also holds usage and service tier.
        Raises HubError where the provider reports a failure or sends what cannot be read.
        """

    def finish(self) -> StreamChatCompletionResponse:
        """Called when the body ended before ``done``: the last message, with usage and service tier.

        Raises ProviderUnavailable where the stream was cut, so that a cut stream never looks like success.
        """

    def broken(self) -> StreamChatCompletionResponse:
        """The last message of a stream that failed: usage so far, and why those choices ended that did."""

    def usage(self) -> Usage:
        """Usage so far: the provider's where it told, else an estimate that says so. Never silently zero."""


class ChatCodec(Protocol):
    """One provider format of chat, both ways."""

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """The provider's request.

        Every field is sent, refused with UnsupportedByProvider or InvalidArgument naming it, or, where
        ``request.gateway.strict_parameters`` is off and the field only tunes, listed in ``adjusted_fields``.
        """

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """A whole answer of status 2xx. Raises HubError where it is an error after all, or cannot be read."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises; the credential's text is redacted by the caller."""

    def decoder(self, request: CreateChatCompletionRequest) -> ChatStreamDecoder:
        """A fresh decoder for one streamed answer to ``request``."""


@runtime_checkable
class ReadsUrls(Protocol):
    """What a codec adds where its provider fetches some URLs of media itself and not others.

    A codec without it leaves every URL to the provider.
    """

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """Whether the provider takes ``media`` by its URL; where it does not, the hub fetches it and sends the bytes.

        ``kind`` is that of the part: image, audio, video or file.
        """


class CountCodec(Protocol):
    """One provider's way to count the tokens of a chat request without answering it."""

    def encode(self, request: CreateChatCompletionRequest, model: str) -> HttpRequest:
        """The provider's request. What only shapes the answer is left out; what cannot be counted is refused."""

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """A whole answer of status 2xx. Raises HubError where it is an error after all, or cannot be read."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""


class EmbeddingsCodec(Protocol):
    """One provider format of embeddings, both ways. A part is the places of inputs that travel together."""

    def parts(self, request: CreateEmbeddingsRequest) -> Sequence[Sequence[int]]:
        """The requests that ``request`` takes at this host: every input's place once, at least one part.

        Raises UnsupportedByProvider naming an input of a kind that the host does not embed.
        """

    def encode(self, request: CreateEmbeddingsRequest, model: str, part: Sequence[int]) -> HttpRequest:
        """The provider's request for one part. Fields are sent, refused or listed as ChatCodec.encode has it."""

    def decode(
        self, response: HttpResponse, request: CreateEmbeddingsRequest, part: Sequence[int]
    ) -> CreateEmbeddingsResponse:
        """A whole answer of status 2xx to that part: its vectors in the part's order, numbered by their places.

        Raises HubError where it is an error after all, cannot be read, or holds other vectors than were asked for:
        too many or few, wrongly numbered, of another length.
        """

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises; the credential's text is redacted by the caller."""


class SpeechDecoder(Protocol):
    """Reads the audio of one answer. One object per call."""

    @property
    def format(self) -> "AudioFormat.ValueType":
        """How the audio is encoded, by its own bytes where they tell; known once ``feed`` gave some."""

    @property
    def rate(self) -> int:
        """Samples per second, known as ``format`` is."""

    def feed(self, data: bytes) -> bytes:
        """The audio that one read delivered. Raises HubError where it is a failure after all."""

    def finish(self) -> bytes:
        """Called at the end of the body: the rest. Raises HubError where the audio was cut, or there was none."""

    def usage(self) -> Usage:
        """Characters always; tokens as the provider told, else an estimate that says so."""


class SpeechCodec(Protocol):
    """One provider format of text to speech, both ways."""

    def encode(self, request: CreateSpeechRequest, model: str) -> HttpRequest:
        """The provider's request; what it cannot do is refused or listed, as for chat."""

    def decoder(self, request: CreateSpeechRequest, headers: Mapping[str, str]) -> SpeechDecoder:
        """A fresh decoder for an answer of status 2xx with these headers."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""


class TranscriptionCodec(Protocol):
    """One provider format of speech to text, both ways.

    With ReadsUrls it says which URLs of recordings the provider fetches itself; without, the hub fetches all of them.
    """

    @property
    def uploads(self) -> Uploads:
        """How recordings reach the provider."""

    def encode(self, dictation: Dictation, model: str) -> HttpRequest:
        """The provider's request, the recording in the pieces it came in; what it cannot do is refused or listed.

        A recording with a passage is handed on as it comes; one with a URL is for the provider to fetch.
        """

    def decode(self, response: HttpResponse, dictation: Dictation, model: str) -> CreateTranscriptionResponse:
        """A whole answer of status 2xx, with usage. Raises HubError where it is an error after all."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""


class LiveCodec(Protocol):
    """One provider format of live transcription over a WebSocket."""

    def plan(self, config: StreamTranscriptionConfig, model: str) -> LivePlan:
        """How a call is served; what it cannot have is refused or listed, as for chat."""

    def hears(self, model: str) -> bool:
        """Whether the model listens live; any other is sent each utterance as a recording."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What it means that the handshake was answered with this. There is no body. Never raises."""


class VoicesCodec(Protocol):
    """One provider's list of its voices."""

    def first(self) -> HttpRequest:
        """What asks for the list, or its first part."""

    def decode(self, response: HttpResponse) -> VoicePage:
        """A whole answer of status 2xx. Raises HubError where it is an error after all, or cannot be read."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""


class ImageStreamDecoder(Protocol):
    """Reads one streamed answer of images. One object per call; it owns all state of the stream."""

    model: str
    """As the provider named it; empty while it has not."""

    @property
    def done(self) -> bool:
        """True once every image is whole; nothing after that is read."""

    def feed(self, data: bytes) -> list[Picture]:
        """Previews and images that one read completed, in order. Raises HubError where the provider failed."""

    def finish(self) -> list[Picture]:
        """Called when the body ended before ``done``: what it left. Raises ProviderUnavailable where it was cut."""

    def usage(self) -> Usage:
        """Usage so far: the provider's where it told, else the images, else an estimate. Never silently zero."""


class ImageCodec(Protocol):
    """One provider format of images, both ways."""

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """The provider's request, as ChatCodec.encode has it. A model that cannot stream is asked for the whole."""

    def decode(self, response: HttpResponse) -> Drawn:
        """A whole answer of status 2xx. Raises HubError where it is an error after all, or cannot be read."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""

    def decoder(self, request: ImageRequest) -> ImageStreamDecoder:
        """A fresh decoder for one streamed answer to ``request``."""

    def streams(self, model: str) -> bool:
        """Whether the model sends events where it is asked to."""

    def reads_urls(self, model: str) -> bool:
        """Whether the model takes a source image by its address."""

    def capabilities(self, model: str) -> tuple[str, ...]:
        """``image`` and ``image_edit`` where the model is known to draw and to edit; else nothing."""


class ModelListCodec(Protocol):
    """One provider's own list of its models, where asking for it is free."""

    @property
    def whole(self) -> bool:
        """False where the provider has models that its list leaves out."""

    @property
    def changes(self) -> bool:
        """True where what is on the list changes while the provider runs, so that it is worth asking often."""

    def missing(self, model: str, listed: Collection[str]) -> str:
        """What to do where ``listed`` says that a model is not there; empty where it may be called all the same."""

    def encode(self) -> HttpRequest:
        """The request for the first page: always a GET."""

    def decode(self, response: HttpResponse) -> ModelPage:
        """A page of status 2xx: only what the provider tells. Raises HubError where it is no list."""

    def detailed(self, response: HttpResponse, model: Model) -> Model:
        """``model``, as a page tells of it, with what was answered to its details. Raises HubError."""

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""


class ImageJobCodec(Protocol):
    """One provider format of images that are made as a job: it is sent off, asked after, and fetched when ready."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The provider's own domains, such as ``example.com``.

        A job begun at a host below one of them may be asked after at another host below the same; an answer that
        sends the hub anywhere else is refused.
        """

    def encode(self, request: ImageRequest, model: str) -> HttpRequest:
        """The request that begins the job, as ChatCodec.encode has it."""

    def job(self, response: HttpResponse) -> ImageJob:
        """What an answer of status 2xx to that says. Raises HubError where it began none, or cannot be read."""

    def drawn(self, response: HttpResponse, job: ImageJob, request: ImageRequest) -> Drawn | None:
        """What an answer of status 2xx says of the job: the image, or None while it is being made.

        Raises HubError where the job failed, or the answer cannot be read.
        """

    def decode_error(self, response: HttpResponse) -> HubError:
        """What an answer of any other status means. Never raises."""

    def reads_urls(self, model: str) -> bool:
        """See ImageCodec.reads_urls."""

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
