"""What the Gemini API and Vertex AI do differently, as data, where both speak generateContent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from server.wire.chat.knobs import ModelRule
from server.wire.gemini.words import GEMINI_FINISH_NUMBERS
from server.wire.http import path_segment

KNOBS = frozenset(
    {
        *("temperature", "top_p", "top_k", "seed", "stop", "n", "frequency_penalty", "presence_penalty"),
        *("logprobs", "top_logprobs", "service_tier"),
    }
)
"""https://ai.google.dev/api/generate-content#generationconfig."""

PENALTIES = ModelRule(
    # "Penalty is not enabled for this model": only the 2.0 family and what came before take them.
    # https://discuss.ai.google.dev/t/doom-loop-frequency-penalty-2-5-flash/94446
    models=re.compile(r"gemini-(2\.[1-9]|[3-9]|\d\d|[a-z-]+-latest)"),
    refuses=frozenset({"frequency_penalty", "presence_penalty"}),
)
SAMPLING = ModelRule(
    # "These parameters are ignored by the backend":
    # https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/guides/gemini-3-8-flash and, of the first
    # of them, https://ai.google.dev/gemini-api/docs/whats-new-gemini-3.6
    models=re.compile(r"gemini-(3\.5-flash-lite|3\.([6-9]|\d\d)|[4-9]|\d\d|flash(-lite)?-latest)"),
    refuses=frozenset({"temperature", "top_p", "top_k"}),
)


@dataclass(frozen=True, slots=True)
class Host:
    """One of the two APIs, and where an instance of it lives."""

    name: str
    """The kind of provider; reasoning and blocks it made carry this name and go back to it alone."""
    root: str
    """Path before everything, such as /v1beta."""
    publisher: str = ""
    """What stands between root and ``/models``, such as /publishers/google."""
    collections: frozenset[str] = frozenset({"models"})
    """What a model's name may begin with, before a slash, to name another collection below ``root``."""
    knobs: frozenset[str] = KNOBS
    """Tuning fields it takes."""
    model_rules: tuple[ModelRule, ...] = (PENALTIES, SAMPLING)

    files: str = ""
    """Address that ids of its Files API are appended to; empty where it has none."""
    stores: bool = False
    """Reads gs:// addresses."""
    no_web: re.Pattern[str] | None = None
    """Models that read no https:// addresses."""
    mime_required: bool = False
    """Wants the media type of what it reads by address."""
    display_names: bool = False
    """Takes names of files."""
    lists_formats: bool = False
    """Takes formats of what it answers as a list."""
    counts_whole: bool = True
    """Counts a whole request, not only its conversation and tools."""
    finish_numbers: Sequence[str] = GEMINI_FINISH_NUMBERS
    """Its finish reasons by number."""

    def path(self, model: str, method: str) -> str:
        """The path of a method of ``model``, escaped."""
        collection, slash, name = model.partition("/")
        if not slash or collection not in self.collections:
            collection, name = "models", model
        publisher = self.publisher if collection == "models" else ""
        return f"{self.root}{publisher}/{collection}/{path_segment(name)}:{method}"

    def resource(self, model: str) -> str:
        """The model's name as a request inside a request wants it."""
        collection, slash, _ = model.partition("/")
        return model if slash and collection in self.collections else f"models/{model}"
