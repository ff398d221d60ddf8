"""What the hub knows of one kind of provider."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from server.backends.base import ImageBackend
from server.backends.media import CallerMedia
from server.transport.client import Transport
from server.transport.endpoint import Authorize, Credential, Endpoint
from server.wire.audio.voice import SpokenVoice
from server.wire.codec import (
    ChatCodec,
    CountCodec,
    EmbeddingsCodec,
    ImageCodec,
    LiveCodec,
    ModelListCodec,
    SpeechCodec,
    TranscriptionCodec,
    VoicesCodec,
)

ImageBackendMaker = Callable[[Mapping[str, str], Endpoint, Transport, CallerMedia], ImageBackend]
"""Makes the backend of images of an instance from its ``options`` and what every backend is made of."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where one instance lives and what is set for it."""

    base_url: str
    """Empty where nothing says it."""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProviderKind:
    """One row of the provider table. An operator may configure several instances of a kind."""

    name: str
    base_url: str
    """Where it lives; empty where every instance must say so itself."""
    authorize: Callable[[Mapping[str, str]], Authorize]
    """Makes what proves the hub to an instance from its ``options``; see transport.credentials."""
    chat: Callable[[Mapping[str, str]], ChatCodec] | None = None
    """Makes the chat codec of an instance from its ``options``; None where the kind has no chat."""
    count: Callable[[Mapping[str, str]], CountCodec] | None = None
    """The same for counting tokens; None where the hub estimates them."""
    images: Callable[[Mapping[str, str]], ImageCodec] | None = None
    """The same for images."""
    image_backend: ImageBackendMaker | None = None
    """In place of ``images``, where a call is more than one exchange by a codec: several, or a job that is polled."""
    aliases: tuple[str, ...] = ()
    """Other names that it is known by, for an operator's ``kind`` and before a model's name."""
    key_env: tuple[str, ...] = ()
    """Environment variables that hold its keys; the first that is set switches the kind on."""
    base_url_env: str = ""
    """Environment variable that overrides base_url."""
    needs_key: bool = True
    settle: Callable[[Site, Mapping[str, str]], Site] | None = None
    """Completes what is configured from the environment, and makes an address of options such as a region.

    Raises ValueError, beginning with the setting at fault such as ``options.region``, written for the operator."""
    credentials_from: Callable[[Mapping[str, str], Mapping[str, str]], Sequence[Credential]] | None = None
    """Credentials of an instance without keys of its own, from its ``options`` and the environment: what several
    variables hold together, or what the machine itself has. Empty where there are none. Raises as ``settle`` does."""
    takes_no_keys: Callable[[Mapping[str, str]], bool] = lambda _: False
    """Whether an instance with those ``options`` has credentials from elsewhere alone, so that keys are a mistake."""
    options: frozenset[str] = field(default=frozenset())
    """Names an instance may set under ``options`` in the configuration."""
    header_options: Mapping[str, str] = field(default_factory=dict)
    """Options that are sent as a header: option name to header name, such as organization: OpenAI-Organization."""
    embeddings: Callable[[Mapping[str, str]], EmbeddingsCodec] | None = None
    """Likewise the embeddings codec."""
    speech: Callable[[Mapping[str, str]], SpeechCodec] | None = None
    """Makes the codec of text to speech, as ``chat`` does for chat; None where the kind has none."""
    voices: tuple[SpokenVoice, ...] = ()
    """Voices its host documents; empty where each model has its own."""
    voice_list: VoicesCodec | None = None
    """Its own list of voices; None where there are none but those."""
    transcription: Callable[[Mapping[str, str]], TranscriptionCodec] | None = None
    """Makes the codec of speech to text."""
    live: LiveCodec | None = None
    """Its live transcription over a WebSocket; None where live speech is served by utterance."""
    model_list: Callable[[Mapping[str, str]], ModelListCodec] | None = None
    """Makes the codec of its own list of models; None where it has none that is free to ask for."""
    list_address: Callable[[str], str] = str
    """From the address of an instance to that of its list; empty where it has none there. The same, unless told."""
    responses: bool = False
    """Whether its chat also serves models that only OpenAI's Responses API has."""
    lacks: frozenset[str] = frozenset()
    """Words of capabilities that no model has at this host, whatever it can do elsewhere."""
    switched_on: str = ""
    """How the environment switches the kind on, in words for the provider table of the README; empty where key_env and
    base_url_env say it."""
    notes: str = ""
    """What else an operator should know, for the same table."""
