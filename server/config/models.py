"""Settings that say what models can do and cost, over what the hub and the providers know of them."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, field_validator

from server.config.section import Seconds, Section

Capability = Literal[
    "chat", "tools", "json_schema", "reasoning", "vision", "embedding", "image", "image_edit", "transcription",
    "live_transcription", "speech",
]  # fmt: skip
PRICE_WORDS = (
    "input", "output", "cached_input", "cache_write", "cache_write_1h", "reasoning_output", "input_audio",
    "output_audio", "cached_input_audio", "input_image", "output_image", "cached_input_image", "input_video",
    "output_video", "characters", "image", "audio_minute", "audio_hour", "call", "web_search", "file_search",
)  # fmt: skip
"""What a price may be of."""
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=9, allow_inf_nan=False)]
"""Whole nano-dollars: no float ever touches a price."""
Prices = dict[str, Usd]
"""By one of PRICE_WORDS. A Literal would say it as well, and take 130 KB of every hub's memory for its schema."""
Told = TypeVar("Told", bound=dict[Any, Any])
Tokens = Annotated[int, Field(ge=1, le=2**31 - 1)]


class ModelFacts(Section):
    """What is told of one model. What is left out is taken from the provider's own list, then from the hub's data."""

    display_name: str = ""
    """Name to show."""
    capabilities: tuple[Capability, ...] = ()
    """What it can be asked to do."""
    max_input_tokens: Tokens | None = None
    """Most tokens it reads: its context window."""
    max_output_tokens: Tokens | None = None
    """Most tokens it writes."""
    embedding_dimensions: tuple[Tokens, ...] = ()
    """Lengths of the vectors it makes."""
    prices: Prices = Field(default_factory=dict)
    """USD for a million tokens or characters, or for one image, minute, hour, call or search. Told at all, they stand
    alone: nothing else that is known of the model's prices is added."""
    prices_above: dict[Tokens, Prices] = Field(default_factory=dict)
    """Prices that take over once a call reads more tokens than this."""
    prices_by_tier: dict[str, Prices] = Field(default_factory=dict)
    """Prices of a service tier, such as flex."""

    @field_validator("prices", "prices_above", "prices_by_tier")
    @classmethod
    def _know_their_words(cls, told: Told) -> Told:
        for word, inner in told.items():
            for price in inner if isinstance(inner, dict) else (word,):
                if price not in PRICE_WORDS:
                    raise ValueError(f"{price!r} is no price; there are {', '.join(PRICE_WORDS)}")
        return told


class ModelSettings(ModelFacts):
    """One model of a provider."""

    name: str = Field(min_length=1)
    """The provider's own name."""
    aliases: tuple[str, ...] = ()
    """Other bare names callers may use."""


class ModelListSettings(Section):
    """What the hub knows of models; times in seconds."""

    ask_providers: bool = True
    """Ask providers that have a free list of their models for it, at start and then every interval. Only GET."""
    interval: Seconds = 3600
    """How often a list is asked for again; one that failed sooner, and the last good one is kept."""
    timeout: Seconds = 15
    """Longest time for one provider's whole list."""
    table: Path | None = None
    """YAML or JSON file of facts about many models, by provider/model; entries under providers go over it."""
