"""What an instance of a provider serves here, and what a model's name alone tells."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from aignehub.v1 import model_service_pb2 as pb

from server.models.vocabulary import CAPABILITIES

Capability: TypeAlias = "pb.ModelCapability.ValueType"

_CHAT = {CAPABILITIES[word] for word in ("chat", "tools", "json_schema", "reasoning")}
_IMAGES = {CAPABILITIES["image"], CAPABILITIES["image_edit"]}
_HEARING = {CAPABILITIES["transcription"], CAPABILITIES["live_transcription"]}
TASKS = {pb.MODEL_CAPABILITY_CHAT, pb.MODEL_CAPABILITY_EMBEDDING, pb.MODEL_CAPABILITY_SPEECH, *_IMAGES, *_HEARING}
"""Capabilities that are calls; the others say what such a call may ask for."""

# Nearly every model that embeds says so in its name, and none that chats does; likewise for sound.
_EMBEDS = re.compile(r"embed|\bbge-|\be5-|\bgte-", re.IGNORECASE)
_HEARS = re.compile(r"whisper|transcri|scribe|speech-to-text|\bstt\b|\basr\b|parakeet|canary|nova-[23]", re.IGNORECASE)
_SPEAKS = re.compile(r"\btts\b|text-to-speech|orpheus|kokoro|\baura|\beleven_|sonic", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Served:
    """The calls that an instance serves. ``draws`` tells a model's image capabilities by its name, where known."""

    chat: bool = False
    embeddings: bool = False
    images: bool = False
    transcription: bool = False
    speech: bool = False
    draws: Callable[[str], tuple[str, ...]] | None = None
    responses: bool = False
    """Whether models that only OpenAI's Responses API serves can chat here."""
    lacks: frozenset[str] = frozenset()
    """Capabilities that no model has at this host, whatever it can do elsewhere."""

    def narrow(self, capabilities: Iterable[Capability]) -> list[Capability]:
        """Those that can be had here. What hears recordings hears live sound as well, by utterance."""
        kept = {one for one in capabilities if one in self._known()}
        if pb.MODEL_CAPABILITY_TRANSCRIPTION in kept:
            kept.add(pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION)
        return [one for one in CAPABILITIES.values() if one in kept]

    def guess(self, model: str) -> list[Capability]:
        """What a model nobody has told anything of can do, by its name."""
        if self.draws is not None and (drawn := self.draws(model)):
            return self.narrow(CAPABILITIES[word] for word in drawn)
        if self.embeddings and _EMBEDS.search(model):
            return [pb.MODEL_CAPABILITY_EMBEDDING]
        if self.transcription and _HEARS.search(model):
            return self.narrow([pb.MODEL_CAPABILITY_TRANSCRIPTION])
        if self.speech and _SPEAKS.search(model):
            return [pb.MODEL_CAPABILITY_SPEECH]
        return self._usual()

    def _usual(self) -> list[Capability]:
        calls = (
            (self.chat, pb.MODEL_CAPABILITY_CHAT),
            (self.embeddings, pb.MODEL_CAPABILITY_EMBEDDING),
            (self.images, pb.MODEL_CAPABILITY_IMAGE),
            (self.transcription, pb.MODEL_CAPABILITY_TRANSCRIPTION),
            (self.speech, pb.MODEL_CAPABILITY_SPEECH),
        )
        return next((self.narrow([capability]) for served, capability in calls if served), [])

    def _known(self) -> set[Capability]:
        groups = (
            (self.chat, _CHAT),
            (self.embeddings, {pb.MODEL_CAPABILITY_EMBEDDING}),
            (self.images, _IMAGES),
            (self.transcription, _HEARING),
            (self.speech, {pb.MODEL_CAPABILITY_SPEECH}),
        )
        known = {one for served, group in groups if served for one in group}
        return known - {CAPABILITIES[word] for word in self.lacks}
