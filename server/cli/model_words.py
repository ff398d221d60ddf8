"""What is known of a model, in the words of a table."""

from collections.abc import Iterable

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.usage_pb2 import MODALITY_IMAGE

from server.cli.terminal import enum_word

_NANO = 1_000_000_000
_TOKENS = (
    (pb.PRICE_UNIT_INPUT_TOKENS_MILLION, "in"),
    (pb.PRICE_UNIT_CACHED_INPUT_TOKENS_MILLION, "cached"),
    (pb.PRICE_UNIT_OUTPUT_TOKENS_MILLION, "out"),
)
_OTHERS = (
    (pb.PRICE_UNIT_CHARACTERS_MILLION, "a million characters"),
    (pb.PRICE_UNIT_IMAGE, "an image"),
    (pb.PRICE_UNIT_AUDIO_MINUTE, "a minute"),
    (pb.PRICE_UNIT_AUDIO_HOUR, "an hour"),
    (pb.PRICE_UNIT_CALL, "a call"),
)


def abilities(model: pb.Model) -> str:
    """Its capabilities, and whether a chat reads images."""
    enum = pb.ModelCapability.DESCRIPTOR
    can = [enum_word(enum, capability, "MODEL_CAPABILITY_") for capability in model.capabilities]
    if pb.MODEL_CAPABILITY_CHAT in model.capabilities and MODALITY_IMAGE in model.input_modalities:
        can.append("vision")
    return ", ".join(can)


def tokens(number: int) -> str:
    """``128k`` or ``1.05M``, rounded to three digits; empty for 0."""
    if number < 1000:
        return str(number or "")
    scaled, letter = (number / 1_000_000, "M") if number >= 999_500 else (number / 1000, "k")
    return f"{scaled:.3g}{letter}"


def usual_prices(model: pb.Model) -> str:
    """USD for a million tokens, then whatever else is billed; with ``+`` where some calls cost more or less."""
    usual = {
        price.unit: price.nano_usd for price in model.prices if not price.above_input_tokens and not price.service_tier
    }
    told = [f"{_dollars(usual[unit])} {word}" for unit, word in _TOKENS if unit in usual]
    told += [f"{_dollars(usual[unit])} {word}" for unit, word in _OTHERS if unit in usual]
    return ", ".join(told) + (" +" if _has_more(model.prices) else "")


def _has_more(prices: Iterable[pb.Price]) -> bool:
    return any(price.above_input_tokens or price.service_tier for price in prices)


def _dollars(nano: int) -> str:
    """Exact, without zeros that say nothing; two digits at least."""
    whole, part = divmod(nano, _NANO)
    return f"{whole}.{f'{part:09}'.rstrip('0'):0<2}"
