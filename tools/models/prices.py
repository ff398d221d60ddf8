"""Prices from the package genai-prices, in whole nano-USD."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from importlib.metadata import version
from typing import Any

from genai_prices import types as genai
from genai_prices.data import providers

from tools.models.files import begin, write

KINDS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "azure": "azure",
    "bedrock": "aws",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "elevenlabs": "elevenlabs",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "minimax": "minimax",
    "mistral": "mistral",
    "moonshot": "moonshotai",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "voyage": "voyageai",
    "xai": "x-ai",
    "zai": "zai",
}
"""The hub's name of a kind to the collection's name of its provider."""

SAME: Mapping[str, str] = {
    "azure-anthropic": "anthropic",
    "azure-foundry": "azure",
    "bedrock-mantle": "bedrock",
    "vertex": "gemini",
}
"""Kinds whose prices are those of another kind."""

_MILLION_TOKENS: Mapping[str, str] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cached_input",
    "cache_write_mtok": "cache_write",
    "cache_write_1h_mtok": "cache_write_1h",
    "output_reasoning_mtok": "reasoning_output",
    "input_audio_mtok": "input_audio",
    "output_audio_mtok": "output_audio",
    "cache_audio_read_mtok": "cached_input_audio",
    "input_image_mtok": "input_image",
    "output_image_mtok": "output_image",
    "cache_image_read_mtok": "cached_input_image",
    "input_video_mtok": "input_video",
    "output_video_mtok": "output_video",
    "input_mchars": "characters",
    "input_audio_hours": "audio_hour",
    "audio_hours": "audio_hour",
}
_THOUSANDS: Mapping[str, str] = {
    "requests_kcount": "call",
    "web_searches_kcount": "web_search",
    "storage_searches_kcount": "file_search",
}
_NANO = 1_000_000_000
_SERVICE_TIER = "service_tier"


def write_prices() -> dict[str, int]:
    """Writes every kind's file and returns how many models each has."""
    folder = begin("prices")
    head = {"source": f"genai-prices {version('genai-prices')}", "written": f"{date.today():%Y-%m-%d}"}
    by_id = {provider.id: provider for provider in providers}
    counts = {}
    for kind, provider_id in KINDS.items():
        provider = by_id[provider_id]
        models = [_model(model) for model in provider.models]
        counts[kind] = write(folder / f"{kind}.json", {**head, "then": _fallbacks(provider)}, models)
    for kind, other in SAME.items():
        then = [other, *_fallbacks(by_id[KINDS[other]])]
        counts[kind] = write(folder / f"{kind}.json", {**head, "then": then}, [])
    return counts


def _fallbacks(provider: genai.Provider) -> list[str]:
    """Kinds whose models the provider offers as well; those without a file here are left out."""
    kinds = {name: kind for kind, name in KINDS.items()}
    return [kinds[name] for name in provider.fallback_model_providers or () if name in kinds]


def _model(model: genai.ModelInfo) -> dict[str, Any]:
    told: dict[str, Any] = {"id": model.id, **_names(model.match)}
    if model.name:
        told["name"] = model.name
    if model.context_window:
        told["context"] = model.context_window
    if model.deprecated:
        told["deprecated"] = True
    standard, timed = _now_and_later(model)
    if _beyond_us(standard):
        return told
    told["prices"] = _bands(standard)
    if tiers := _service_tiers(model):
        told["tiers"] = tiers
    if timed:
        told["timed"] = timed
    return told


def _names(clause: Any) -> dict[str, Any]:
    """The clause as alternatives: whole names, beginnings, ends, parts and regular expressions."""
    found: dict[str, Any] = {}
    for one in _alternatives(clause):
        match one:
            case genai.ClauseEquals():
                found.setdefault("names", []).append(one.equals.lower())
            case genai.ClauseStartsWith():
                found.setdefault("starts", []).append(one.starts_with.lower())
            case genai.ClauseEndsWith():
                found.setdefault("ends", []).append(one.ends_with.lower())
            case genai.ClauseContains():
                found.setdefault("holds", []).append(one.contains.lower())
            case genai.ClauseRegex():
                found.setdefault("patterns", []).append(one.regex)
            case genai.ClauseAnd():
                found.setdefault("all", []).append([_names(part) for part in one.and_])
    return found


def _alternatives(clause: Any) -> Iterator[Any]:
    if isinstance(clause, genai.ClauseOr):
        for part in clause.or_:
            yield from _alternatives(part)
    else:
        yield clause


def _now_and_later(model: genai.ModelInfo) -> tuple[genai.ModelPrice, list[dict[str, Any]]]:
    """The prices of today, and those that take over on a later day or at some hours, the strongest last."""
    if isinstance(model.prices, genai.ModelPrice):
        return model.prices, []
    today = datetime.now(UTC)
    timed: list[dict[str, Any]] = []
    for one in reversed(model.prices):
        when = one.constraint
        if isinstance(when, genai.TimeOfDateConstraint):
            hours = [f"{when.start_time:%H:%M}", f"{when.end_time:%H:%M}"]
            timed.insert(0, {"hours": hours, "prices": _bands(one.prices)})
        elif when is not None and not when.active(today):
            timed.insert(0, {"from": f"{when.start_date:%Y-%m-%d}", "prices": _bands(one.prices)})
        else:
            return one.prices, timed
    return model.prices[0].prices, timed


def _service_tiers(model: genai.ModelInfo) -> dict[str, list[dict[str, int]]]:
    tiers: dict[str, list[dict[str, int]]] = {}
    for variant in model.price_variants or ():
        begun = variant.constraint is None or variant.constraint.active(datetime.now(UTC))
        if set(variant.when) == {_SERVICE_TIER} and begun and (bands := _bands(variant.prices)):
            tiers.setdefault(variant.when[_SERVICE_TIER], bands)
    return tiers


def _bands(prices: genai.ModelPrice) -> list[dict[str, int]]:
    """Prices below every bound first, then those that take over above a number of input tokens."""
    bands: dict[int, dict[str, int]] = {}
    for key, price in _known(prices):
        word = _MILLION_TOKENS.get(key) or _THOUSANDS[key]
        scale = _NANO if key in _MILLION_TOKENS else _NANO // 1000
        if isinstance(price, genai.TieredPrices):
            bands.setdefault(0, {})[word] = _whole(price.base * scale)
            for tier in price.tiers:
                bands.setdefault(tier.start, {})[word] = _whole(tier.price * scale)
        else:
            bands.setdefault(0, {})[word] = _whole(price * scale)
    return [{**({"above": bound} if bound else {}), **bands[bound]} for bound in sorted(bands)]


def _known(prices: genai.ModelPrice) -> list[tuple[str, Any]]:
    return [(key, price) for key, price in _told(prices) if key in _MILLION_TOKENS or key in _THOUSANDS]


def _beyond_us(prices: genai.ModelPrice) -> bool:
    """True where something is billed that no field of a call's usage counts: a part would look like the whole."""
    return len(_told(prices)) > len(_known(prices))


def _told(prices: genai.ModelPrice) -> list[tuple[str, Any]]:
    return [(key, price) for key, price in vars(prices).items() if price is not None]


def _whole(nano: Decimal) -> int:
    """Nano-USD of a million tokens: a fraction of that is less than anybody can be billed."""
    return int(nano.to_integral_value(ROUND_HALF_EVEN))
