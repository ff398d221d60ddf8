"""What an operator tells of models, as the contract has it."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from aignehub.v1 import model_service_pb2 as pb

from server.config.models import ModelFacts, Prices
from server.errors import ConfigError
from server.models.bundled import price_list
from server.models.served import Served
from server.models.vocabulary import CAPABILITIES, MODALITIES, VISION

_NANO = Decimal(1_000_000_000)


def told_model(capabilities: Iterable[str], display_name: str = "") -> pb.Model:
    """A model that can do what the words say."""
    words = list(capabilities)
    model = pb.Model(
        display_name=display_name, capabilities=[CAPABILITIES[word] for word in words if word in CAPABILITIES]
    )
    if VISION in words:
        model.input_modalities.extend([MODALITIES["text"], MODALITIES["image"]])
    return model


def operators_model(facts: ModelFacts, served: Served, place: str) -> pb.Model:
    """Only what was told; the rest is left for others to tell.

    Raises ConfigError, beginning with ``place``, where the provider serves no such capability here.
    """
    model = told_model(facts.capabilities, facts.display_name)
    had = served.narrow(model.capabilities)
    for word in facts.capabilities:
        if word in CAPABILITIES and CAPABILITIES[word] not in had:
            raise ConfigError(f"{place}.capabilities: {word} is not served by this kind of provider here; leave it out")
    model.max_input_tokens = facts.max_input_tokens or 0
    model.max_output_tokens = facts.max_output_tokens or 0
    model.embedding_dimensions.extend(facts.embedding_dimensions)
    model.prices.extend(price_list(_bands(facts)))
    for tier, prices in facts.prices_by_tier.items():
        model.prices.extend(price_list([_nano(prices)], tier))
    return model


def _bands(facts: ModelFacts) -> list[Mapping[str, int]]:
    above = ({"above": bound, **_nano(prices)} for bound, prices in sorted(facts.prices_above.items()))
    return [_nano(facts.prices), *above]


def _nano(prices: Prices) -> dict[str, int]:
    return {word: int(price * _NANO) for word, price in prices.items()}
