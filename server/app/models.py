"""From the catalogue and the settings to the directory of models."""

from collections.abc import Mapping

from aignehub.v1.model_service_pb2 import (
    PRICE_UNIT_INPUT_TOKENS_MILLION,
    PRICE_UNIT_OUTPUT_TOKENS_MILLION,
    Model,
)
from aignehub.v1.usage_pb2 import Usage

from server.config.models import ModelFacts
from server.config.settings import Settings
from server.models.directory import Directory, Source
from server.models.overlay import lay_over
from server.models.rates import cost_nano_usd
from server.models.shelf import Shelf
from server.models.told import operators_model
from server.routing.catalogue import ANY_MODEL, Candidate, Catalogue, Provider
from server.transport.endpoint import Credential

_KEYLESS = Credential("none")


def build_directory(settings: Settings, catalogue: Catalogue, table: Mapping[str, ModelFacts]) -> Directory:
    """What is known of each provider's models, and whom to ask for more.

    ``table`` is the operator's, by ``provider/model``; entries of providers that are not configured are left out.
    Raises ConfigError for one that makes no sense.
    """
    shelves = [
        Shelf(provider.name, provider.kind, provider.served, _told(provider, table)) for provider in catalogue.providers
    ]
    sources = [
        Source(shelf, provider.lister, provider.credentials[0] if provider.credentials else _KEYLESS)
        for shelf, provider in zip(shelves, catalogue.providers, strict=True)
        if provider.lister is not None and provider.usable and settings.models.ask_providers
    ]
    return Directory(shelves, sources, interval=settings.models.interval, timeout=settings.models.timeout)


def _told(provider: Provider, table: Mapping[str, ModelFacts]) -> dict[str, Model]:
    prefix = f"{provider.name}/"
    told = {
        name.removeprefix(prefix): operators_model(facts, provider.served, f"models.table: {name}")
        for name, facts in table.items()
        if name.startswith(prefix)
    }
    for model in provider.models:
        lay_over(told.setdefault(model.name, Model()), model.told)
    return told


class ModelKnowledge:
    """What routing asks of the directory."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    def model(self, candidate: Candidate) -> Model:
        """See routing.fit.Facts."""
        return self._directory.model(candidate.provider.name, candidate.model)

    def is_stated(self, candidate: Candidate) -> bool:
        """See routing.fit.Facts."""
        return self._directory.is_stated(candidate.provider.name, candidate.model)

    def missing(self, candidate: Candidate) -> str:
        """What to do about a model that its provider does not have just now; empty where it may be called."""
        if candidate.model == ANY_MODEL:
            return ""
        return self._directory.missing(candidate.provider.name, candidate.model)

    def price(self, candidate: Candidate) -> float | None:
        """Nano-USD of a million tokens read and a third of that written, or of one image, minute or call.

        Three to one is what providers of comparisons blend prices by: https://artificialanalysis.ai/methodology
        """
        rates = self._directory.rates(candidate.provider.name, candidate.model)
        if rates is None:
            return None
        band = rates.band(0)
        read, written = band.get(PRICE_UNIT_INPUT_TOKENS_MILLION), band.get(PRICE_UNIT_OUTPUT_TOKENS_MILLION)
        if read is not None or written is not None:
            return (read or 0) + (written or 0) / 3
        return min(band.values(), default=None)

    def cost(self, candidate: Candidate, usage: Usage, service_tier: str) -> int | None:
        """Nano-USD of a call; None where a part of it has no price."""
        rates = self._directory.rates(candidate.provider.name, candidate.model, service_tier)
        return None if rates is None else cost_nano_usd(usage, rates)
