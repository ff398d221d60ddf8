"""Settings that say what models can do and cost, over what the hub and the providers know of them."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, field
from typing_extensions import override

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
Prices = dict[str, Decimal]
"""USD by one of PRICE_WORDS, whole nano-dollars: no float ever touches a price."""
_MOST, _DIGITS = 1_000_000, 9
Tokens = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class ModelFacts(Section, frozen=True):
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
    prices: Prices = field(default_factory=dict)
    """USD for a million tokens or characters, or for one image, minute, hour, call or search. Told at all, they stand
    alone: nothing else that is known of the model's prices is added."""
    prices_above: dict[Tokens, Prices] = field(default_factory=dict)
    """Prices that take over once a call reads more tokens than this."""
    prices_by_tier: dict[str, Prices] = field(default_factory=dict)
    """Prices of a service tier, such as flex."""

    def __post_init__(self) -> None:
        _judge("prices", self.prices)
        for above, prices in self.prices_above.items():
            _judge(f"prices_above[{above}]", prices)
        for tier, prices in self.prices_by_tier.items():
            _judge(f"prices_by_tier.{tier}", prices)


def _judge(place: str, prices: Prices) -> None:
    for word, price in prices.items():
        if word not in PRICE_WORDS:
            raise ValueError(f"{place}: {word!r} is no price; there are {', '.join(PRICE_WORDS)}")
        if not price.is_finite() or not 0 <= price <= _MOST or price != round(price, _DIGITS):
            raise ValueError(f"{place}.{word}: must be USD from 0 to {_MOST:,} with at most {_DIGITS} decimal places")


class ModelSettings(ModelFacts, frozen=True, kw_only=True):
    """One model of a provider."""

    name: Annotated[str, Meta(min_length=1)]
    """The provider's own name."""
    aliases: tuple[str, ...] = ()
    """Other bare names callers may use."""

    @classmethod
    @override
    def written(cls, told: object) -> object:
        return {"name": told} if isinstance(told, str) else told


class ModelListSettings(Section, frozen=True):
    """What the hub knows of models; times in seconds."""

    ask_providers: bool = True
    """Ask providers that have a free list of their models for it, at start and then every interval. Only GET."""
    interval: Seconds = 3600
    """How often a list is asked for again; one that failed sooner, and the last good one is kept."""
    timeout: Seconds = 15
    """Longest time for one provider's whole list."""
    table: Path | None = None
    """YAML or JSON file of facts about many models, by provider/model; entries under providers go over it."""
