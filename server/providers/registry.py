"""Every kind of provider the hub knows: the one place where a provider's name is looked up."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from server.providers import compatible
from server.providers.audio import with_audio
from server.providers.embeddings import EMBEDDINGS
from server.providers.entry import Entry, Kinds
from server.providers.image_hosts import drawing
from server.providers.kind import ProviderKind
from server.providers.lists import LISTS
from server.providers.notes import NOTES
from server.providers.responses import with_responses


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
_AWS_KEYS = ("AWS_BEARER_TOKEN_BEDROCK", "AWS_ACCESS_KEY_ID")
_OWN_FORMAT = (
    Entry("anthropic", "anthropic.ANTHROPIC", ("ANTHROPIC_API_KEY",)),
    Entry("azure-anthropic", "anthropic.AZURE_ANTHROPIC", ("ANTHROPIC_FOUNDRY_API_KEY",)),
    Entry("ollama", "ollama.KIND", ("OLLAMA_API_KEY", "OLLAMA_BASE_URL")),
    Entry("mistral", "mistral.MISTRAL", ("MISTRAL_API_KEY",)),
    Entry("gemini", "gemini.GEMINI", ("GEMINI_API_KEY", "GOOGLE_API_KEY"), aliases=("google",)),
    Entry(
        "vertex",
        "vertex.VERTEX",
        ("VERTEX_API_KEY", "GOOGLE_VERTEX_API_KEY", "VERTEX_BASE_URL", "GOOGLE_CLOUD_PROJECT"),
    ),
    Entry("cohere", "cohere.COHERE", ("COHERE_API_KEY", "CO_API_KEY")),
    Entry("jina", "jina.JINA", ("JINA_API_KEY", "JINAAI_API_KEY")),
    Entry("voyage", "voyage.VOYAGE", ("VOYAGE_API_KEY",)),
    Entry("deepgram", "deepgram.DEEPGRAM", ("DEEPGRAM_API_KEY",)),
    Entry("elevenlabs", "elevenlabs.ELEVENLABS", ("ELEVENLABS_API_KEY", "ELEVEN_API_KEY")),
    Entry("ideogram", "ideogram.IDEOGRAM", ("IDEOGRAM_API_KEY",)),
    Entry("stability", "stability.STABILITY", ("STABILITY_API_KEY",)),
    Entry("bfl", "bfl.BFL", ("BFL_API_KEY",)),
    Entry("bedrock", "bedrock.KIND", _AWS_KEYS),
    Entry("bedrock-mantle", "bedrock_mantle.KIND", _AWS_KEYS),
)
"""Providers with a format of their own, each in its file of this folder."""

PROVIDERS: Mapping[str, ProviderKind] = Kinds(_COMPATIBLE, _OWN_FORMAT)
"""By the name an operator writes as ``kind``."""

_NAMED: tuple[ProviderKind | Entry, ...] = (*_COMPATIBLE, *_OWN_FORMAT)
ALIASES: Mapping[str, str] = MappingProxyType({alias: known.name for known in _NAMED for alias in known.aliases})
"""Other names of kinds, and the kind each means."""


def may_be_meant(environ: Mapping[str, str]) -> Iterator[str]:
    """Names of the kinds that the environment may switch on, in the order of PROVIDERS; the others need no look."""
    yield from (kind.name for kind in _COMPATIBLE)
    yield from (entry.name for entry in _OWN_FORMAT if entry.may_be_meant(environ))
