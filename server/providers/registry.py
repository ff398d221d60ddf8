"""Every kind of provider the hub knows: the one place where a provider's name is looked up."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from server.providers import anthropic, bedrock, bedrock_mantle, compatible, ollama
from server.providers.audio import with_audio
from server.providers.bfl import BFL
from server.providers.cohere import COHERE
from server.providers.deepgram import DEEPGRAM
from server.providers.elevenlabs import ELEVENLABS
from server.providers.embeddings import EMBEDDINGS
from server.providers.gemini import GEMINI
from server.providers.ideogram import IDEOGRAM
from server.providers.image_hosts import drawing
from server.providers.jina import JINA
from server.providers.kind import ProviderKind
from server.providers.lists import LISTS
from server.providers.mistral import MISTRAL
from server.providers.notes import NOTES
from server.providers.responses import with_responses
from server.providers.stability import STABILITY
from server.providers.vertex import VERTEX
from server.providers.voyage import VOYAGE


def _completed(kind: ProviderKind) -> ProviderKind:
    """A host of OpenAI's chat with all else that is known of it."""
    known = replace(
        kind,
        embeddings=EMBEDDINGS.get(kind.name),
        model_list=kind.model_list or LISTS.get(kind.name),
        notes=NOTES.get(kind.name, ""),
    )
    return with_responses(with_audio(drawing(known)))


_COMPATIBLE = tuple(_completed(kind) for kind in compatible.KINDS)
_OWN_FORMAT: tuple[ProviderKind, ...] = (
    *anthropic.KINDS,
    ollama.KIND,
    MISTRAL,
    GEMINI,
    VERTEX,
    COHERE,
    JINA,
    VOYAGE,
    DEEPGRAM,
    ELEVENLABS,
    IDEOGRAM,
    STABILITY,
    BFL,
    bedrock.KIND,
    bedrock_mantle.KIND,
)
"""Providers with a format of their own, each from its file in this folder."""

PROVIDERS: Mapping[str, ProviderKind] = MappingProxyType({kind.name: kind for kind in (*_COMPATIBLE, *_OWN_FORMAT)})
"""By the name an operator writes as ``kind``."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {alias: kind.name for kind in PROVIDERS.values() for alias in kind.aliases}
)
"""Other names of kinds, and the kind each means."""
