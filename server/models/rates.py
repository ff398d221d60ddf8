"""What a call costs, exactly: prices made ready once, and a sum over whole numbers for each call."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1 import usage_pb2
from aignehub.v1.usage_pb2 import Usage

Band = Mapping[int, int]
"""PriceUnit to nano-USD, for one range of input tokens."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of one model in one service tier."""

    bands: tuple[tuple[int, Band], ...]
    """(input tokens above which it holds, prices), lowest bound first. Each band is whole by itself."""

    @classmethod
    def of(cls, prices: Iterable[pb.Price], service_tier: str = "") -> "Rates | None":
        """The prices that hold in ``service_tier``; what has none of its own there costs as everywhere. None for none.

        >>> Rates.of([pb.Price(unit=pb.PRICE_UNIT_CALL, nano_usd=5)]).band(0)
        {19: 5}
        """
        usual: dict[int, dict[int, int]] = {}
        own: dict[int, dict[int, int]] = {}
        for price in prices:
            if price.service_tier in ("", service_tier):
                steps = own if price.service_tier else usual
                steps.setdefault(price.unit, {})[price.above_input_tokens] = price.nano_usd
        chosen = {**usual, **own}
        bounds = sorted({bound for steps in chosen.values() for bound in steps})
        bands = tuple((bound, _holding(chosen, bound)) for bound in bounds)
        return cls(bands) if bands else None

    def band(self, input_tokens: int) -> Band:
        """The prices of a call that reads so many tokens; they hold for all of it, not for those above the bound."""
        if len(self.bands) == 1 and not self.bands[0][0]:
            return self.bands[0][1]
        held: Band = {}
        for bound, band in self.bands:
            if bound and input_tokens <= bound:
                break
            held = band
        return held


def _holding(prices: Mapping[int, Mapping[int, int]], bound: int) -> dict[int, int]:
    return {
        unit: steps[max(reached)]
        for unit, steps in prices.items()
        if (reached := [step for step in steps if step <= bound])
    }


_INPUT = pb.PRICE_UNIT_INPUT_TOKENS_MILLION
_OUTPUT = pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION
_CACHED = pb.PRICE_UNIT_CACHED_INPUT_TOKENS_MILLION
_WRITE = pb.PRICE_UNIT_CACHE_WRITE_TOKENS_MILLION
_WRITE_1H = pb.PRICE_UNIT_CACHE_WRITE_1H_TOKENS_MILLION
_REASONING = pb.PRICE_UNIT_REASONING_OUTPUT_TOKENS_MILLION
_CHARACTERS = pb.PRICE_UNIT_CHARACTERS_MILLION

_TEXT = usage_pb2.MODALITY_TEXT
_INPUTS: Mapping[int, int] = {
    usage_pb2.MODALITY_IMAGE: pb.PRICE_UNIT_INPUT_IMAGE_TOKENS_MILLION,
    usage_pb2.MODALITY_AUDIO: pb.PRICE_UNIT_INPUT_AUDIO_TOKENS_MILLION,
    usage_pb2.MODALITY_VIDEO: pb.PRICE_UNIT_INPUT_VIDEO_TOKENS_MILLION,
}
_OUTPUTS: Mapping[int, int] = {
    usage_pb2.MODALITY_IMAGE: pb.PRICE_UNIT_OUTPUT_IMAGE_TOKENS_MILLION,
    usage_pb2.MODALITY_AUDIO: pb.PRICE_UNIT_OUTPUT_AUDIO_TOKENS_MILLION,
    usage_pb2.MODALITY_VIDEO: pb.PRICE_UNIT_OUTPUT_VIDEO_TOKENS_MILLION,
}
_CACHED_INPUTS: Mapping[int, int] = {
    usage_pb2.MODALITY_IMAGE: pb.PRICE_UNIT_CACHED_INPUT_IMAGE_TOKENS_MILLION,
    usage_pb2.MODALITY_AUDIO: pb.PRICE_UNIT_CACHED_INPUT_AUDIO_TOKENS_MILLION,
}
_OF_TOKENS = frozenset({_INPUT, _OUTPUT, *_INPUTS.values(), *_OUTPUTS.values()})
_OF_OTHERS = frozenset({_CHARACTERS, pb.PRICE_UNIT_IMAGE, pb.PRICE_UNIT_AUDIO_HOUR, pb.PRICE_UNIT_AUDIO_MINUTE})
_SEARCHES = (
    (re.compile(r"web_?search|google_?search", re.IGNORECASE), pb.PRICE_UNIT_WEB_SEARCH),
    (re.compile(r"file_?search", re.IGNORECASE), pb.PRICE_UNIT_FILE_SEARCH),
)

_WHOLE = 3_600_000_000_000_000
"""Parts of a nano-USD that sums are made of: a millionth of one is whole in them, and so is what a nanosecond costs."""
_MILLIONTH = _WHOLE // 1_000_000
_NANOSECOND = _WHOLE // 3_600_000_000_000
"""The share of an hour that a nanosecond is."""


class _Unpriced(Exception):
    """Something was used that no price is known for."""


def cost_nano_usd(usage: Usage, rates: Rates) -> int | None:
    """What ``usage`` costs, rounded half up once at the end; None where a part of it has no price here.

    Cached tokens and those written to a cache are taken from the text first, then from images, sound and video, and
    cost what plain input of their modality does where they have no price of their own; so do modalities and reasoning.
    A model that is billed by characters, images or time alone is not billed for tokens, and costs nothing known where
    the count it is billed by was not told.
    """
    band = rates.band(usage.input_tokens)
    by_token = _INPUT in band or not _OF_TOKENS.isdisjoint(band)
    try:
        tokens = _input(usage, band) + _output(usage, band) if by_token else 0
        whole = band.get(pb.PRICE_UNIT_CALL, 0) + _searches(usage, band)
        others = _others(usage, band)
    except _Unpriced:
        return None
    if others is None:
        if not by_token or (not usage.input_tokens and not usage.output_tokens and _billed_otherwise(usage)):
            return None
        return whole + (tokens + 500_000) // 1_000_000
    return (2 * (tokens * _MILLIONTH + others + whole * _WHOLE) + _WHOLE) // (2 * _WHOLE)


def _input(usage: Usage, band: Band) -> int:
    """Nano-USD of the tokens read, times a million."""
    tokens = usage.input_tokens
    if not tokens:
        return 0
    plain = _price(band, _INPUT)
    cached, written = usage.cached_input_tokens, usage.cache_write_input_tokens
    split = usage.input_by_modality
    if not split and not written:  # nearly every call
        cached = min(cached, tokens)
        return (cached * band.get(_CACHED, plain) if cached else 0) + (tokens - cached) * plain
    pools = _pools(tokens, split, _INPUTS, band)
    hour = min(usage.cache_write_1h_input_tokens, written)
    total = 0
    for amount, units in ((cached, (_CACHED,)), (hour, (_WRITE_1H, _WRITE)), (written - hour, (_WRITE,))):
        for modality, taken in _take(pools, amount):
            special = (_CACHED_INPUTS.get(modality, _CACHED), _CACHED) if units == (_CACHED,) else units
            total += taken * _price(band, *special, _INPUTS.get(modality, _INPUT), _INPUT)
    return total + sum(left * _price(band, _INPUTS.get(modality, _INPUT), _INPUT) for modality, left in pools.items())


def _output(usage: Usage, band: Band) -> int:
    """Nano-USD of the tokens produced, times a million."""
    tokens = usage.output_tokens
    if not tokens:
        return 0
    split = usage.output_by_modality
    if not split and _REASONING not in band:
        return tokens * _price(band, _OUTPUT)
    pools = _pools(tokens, split, _OUTPUTS, band)
    thought = min(usage.reasoning_output_tokens, pools[_TEXT]) if _REASONING in band else 0
    pools[_TEXT] -= thought
    total = thought * band.get(_REASONING, 0)
    return total + sum(
        left * _price(band, _OUTPUTS.get(modality, _OUTPUT), _OUTPUT) for modality, left in pools.items()
    )


def _pools(
    tokens: int, split: Iterable[usage_pb2.ModalityTokens], units: Mapping[int, int], band: Band
) -> dict[int, int]:
    """The tokens by the modalities that have a price of their own; everything else is text."""
    pools: dict[int, int] = {_TEXT: tokens}
    for part in split:
        if units.get(part.modality) in band:
            taken = min(max(part.tokens, 0), pools[_TEXT])
            pools[_TEXT] -= taken
            pools[part.modality] = pools.get(part.modality, 0) + taken
    return pools


def _take(pools: dict[int, int], amount: int) -> Iterable[tuple[int, int]]:
    """Takes ``amount`` tokens out of the pools in their order, as far as they go."""
    for modality in list(pools):
        taken = min(amount, pools[modality])
        if taken > 0:
            pools[modality] -= taken
            amount -= taken
            yield modality, taken


def _price(band: Band, *units: int) -> int:
    for unit in units:
        if unit in band:
            return band[unit]
    raise _Unpriced


def _others(usage: Usage, band: Band) -> int | None:
    """The cost of characters, images and time in parts of a nano-USD; None where none that has a price was counted."""
    if _OF_OTHERS.isdisjoint(band):
        return None
    priced = []
    if usage.billed_characters and _CHARACTERS in band:
        priced.append(usage.billed_characters * band[_CHARACTERS] * _MILLIONTH)
    if usage.billed_images and pb.PRICE_UNIT_IMAGE in band:
        priced.append(usage.billed_images * band[pb.PRICE_UNIT_IMAGE] * _WHOLE)
    hour = band.get(pb.PRICE_UNIT_AUDIO_HOUR, band.get(pb.PRICE_UNIT_AUDIO_MINUTE, 0) * 60)
    if hour and usage.HasField("billed_audio_duration"):
        priced.append(usage.billed_audio_duration.ToNanoseconds() * hour * _NANOSECOND)
    return sum(priced) if priced else None


def _billed_otherwise(usage: Usage) -> bool:
    return bool(usage.billed_characters or usage.billed_images or usage.HasField("billed_audio_duration"))


def _searches(usage: Usage, band: Band) -> int:
    """Nano-USD of the tools that the provider ran. A tool without a price makes the whole cost unknown."""
    ran = usage.server_tool_calls
    if not ran:
        return 0
    total = 0
    for tool, calls in ran.items():
        unit = next((unit for names, unit in _SEARCHES if names.search(tool)), 0)
        total += calls * _price(band, unit) if calls else 0
    return total
