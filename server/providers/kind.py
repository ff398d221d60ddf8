"""What the hub knows of one kind of provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.transport.endpoint import Authorize
from server.wire.codec import (
    ChatCodec,
    CountCodec,
    EmbeddingsCodec,
    ImageCodec,
    ModelListCodec,
    SpeechCodec,
    TranscriptionCodec,
)
from server.wire.openai_audio import RealtimeCodec, SpokenVoice


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
    key_env: tuple[str, ...] = ()
    """Environment variables that hold its keys; the first that is set switches the kind on."""
    base_url_env: str = ""
    """Environment variable that overrides base_url."""
    needs_key: bool = True
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
    transcription: Callable[[Mapping[str, str]], TranscriptionCodec] | None = None
    """Makes the codec of speech to text."""
    realtime: RealtimeCodec | None = None
    """Its realtime events; None where live speech is served by utterance."""
    model_list: Callable[[Mapping[str, str]], ModelListCodec] | None = None
    """Makes the codec of its own list of models; None where it has none that is free to ask for."""
    lacks: frozenset[str] = frozenset()
    """Words of capabilities that no model has at this host, whatever it can do elsewhere."""
    notes: str = ""
    """What an operator should know, for the provider table of the README."""
