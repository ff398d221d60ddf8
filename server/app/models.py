"""From the catalogue and the settings to the directory of models."""

from collections.abc import Mapping

from aignehub.v1.model_service_pb2 import Model

from server.config.models import ModelFacts
from server.config.settings import Settings
from server.config.table import load_model_table
from server.models.directory import Directory, Source
from server.models.overlay import lay_over
from server.models.shelf import Shelf
from server.models.told import operators_model
from server.routing.catalogue import Catalogue, Provider
from server.transport.endpoint import Credential

_KEYLESS = Credential("none")


def build_directory(settings: Settings, catalogue: Catalogue) -> Directory:
    """What is known of each provider's models, and whom to ask for more. Raises ConfigError for a bad table."""
    table = load_model_table(settings.models.table) if settings.models.table else {}
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
