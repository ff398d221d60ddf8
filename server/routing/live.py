"""The configuration in use, which may be exchanged while calls are made: each call keeps the one it began with."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from server.errors import InvalidArgument, NotFound
from server.routing.catalogue import Catalogue, Modality, Provider
from server.routing.dispatch import Dispatch
from server.routing.rules import RoutingRules


@dataclass(frozen=True, slots=True)
class Configuration:
    """What can be exchanged at run time."""

    catalogue: Catalogue
    defaults: Mapping[Modality, str] = field(default_factory=dict)
    """Model of a call that names none; empty where there is none."""
    rules: RoutingRules = field(default_factory=RoutingRules)


@dataclass(frozen=True, slots=True)
class _Change:
    """What an operator changed at run time; None leaves what is configured."""

    enabled: bool | None = None
    weight: int | None = None


class Live:
    """One for the whole server. ``now`` is the configuration with the operator's changes in it."""

    def __init__(
        self, configuration: Configuration, dispatch: Dispatch, clock: Callable[[], float] = time.time
    ) -> None:
        """``clock`` tells Unix seconds."""
        self._dispatch = dispatch
        self._clock = clock
        self._changes: dict[tuple[str, str], _Change] = {}
        self.generation = 0
        """Grows with every exchange."""
        self.loaded_at = 0.0
        """Unix seconds of the last exchange."""
        self.configured = configuration
        """As it was loaded."""
        self.now = configuration
        self.swap(configuration)

    def swap(self, configuration: Configuration) -> None:
        """Takes another configuration into use, at once and as a whole. Health and the operator's changes are kept."""
        self.configured = configuration
        self.generation += 1
        self.loaded_at = self._clock()
        self._apply()

    def change(self, provider: str, credential: str, *, enabled: bool | None, weight: int | None) -> None:
        """Switches or weighs a provider, or one of its credentials where that is named.

        Raises NotFound where there is none of that name, InvalidArgument where the last key would be switched off.
        """
        found = self.provider(provider)
        names = [one.name for one in found.credentials]
        if credential and credential not in names:
            raise NotFound(f"{provider} has no credential of this name; it has {', '.join(names) or 'none'}")
        before = self._changes.get((provider, credential), _Change())
        self._changes[provider, credential] = _Change(
            before.enabled if enabled is None else enabled, before.weight if weight is None else weight
        )
        if credential and not any(self.is_enabled(provider, name) for name in names):
            self._changes[provider, credential] = before
            raise InvalidArgument.field("credential", "is the last one that is on; switch the provider off instead")
        self._apply()

    def provider(self, name: str) -> Provider:
        """The instance as it was loaded. Raises NotFound where there is none."""
        for provider in self.configured.catalogue.providers:
            if provider.name == name:
                return provider
        names = ", ".join(provider.name for provider in self.configured.catalogue.providers)
        raise NotFound(f"no provider of this name is configured; there are {names or 'none'}")

    def is_enabled(self, provider: str, credential: str = "") -> bool:
        """Whether an operator has left it on."""
        return self._changes.get((provider, credential), _Change()).enabled is not False

    def weight(self, provider: str, credential: str, configured: int) -> int:
        """Its weight, as configured or as an operator changed it."""
        return self._changes.get((provider, credential), _Change()).weight or configured

    def _apply(self) -> None:
        catalogue = self.configured.catalogue
        providers = tuple(self._changed(one) for one in catalogue.providers) if self._changes else catalogue.providers
        self.now = replace(self.configured, catalogue=replace(catalogue, providers=providers))
        self._dispatch.adopt(providers, self.configured.rules)

    def _changed(self, provider: Provider) -> Provider:
        return replace(
            provider,
            enabled=self.is_enabled(provider.name),
            weight=self.weight(provider.name, "", provider.weight),
            credentials=tuple(
                replace(one, weight=self.weight(provider.name, one.name, one.weight))
                for one in provider.credentials
                if self.is_enabled(provider.name, one.name)
            ),
        )
