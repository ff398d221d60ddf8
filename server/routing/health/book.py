"""The health of every provider instance, kept while configurations come and go."""

from collections.abc import Sequence

from server.routing.catalogue import Candidate, Provider
from server.routing.health.provider import HealthRules, ModelHealth, ProviderHealth


class HealthBook:
    """By the instance's name. One that was taken out of the configuration, or moved, is forgotten."""

    def __init__(self, rules: HealthRules) -> None:
        self._rules = rules
        self._providers: dict[str, ProviderHealth] = {}
        self._addresses: dict[str, str] = {}

    def adopt(self, providers: Sequence[Provider], rules: HealthRules | None = None) -> None:
        """Follows a new configuration: keys that stayed keep what is known of them; with a new one breakers are closed.

        ``rules`` hold for all from now on; None leaves those there are.
        """
        self._rules = rules or self._rules
        adopted: dict[str, ProviderHealth] = {}
        for provider in providers:
            known = self._providers.get(provider.name)
            if known is None or self._addresses[provider.name] != provider.address:
                known = ProviderHealth(provider.credentials, self._rules, provider.name)
            else:
                if known.pool.replace(provider.credentials):
                    known.forgive()
                known.follow(self._rules)
            adopted[provider.name] = known
        self._providers = adopted
        self._addresses = {provider.name: provider.address for provider in providers}

    def of(self, provider: Provider) -> ProviderHealth:
        """The health of an instance; of one that was just taken out, a fresh one that nobody else sees."""
        known = self._providers.get(provider.name)
        return known if known is not None else ProviderHealth(provider.credentials, self._rules, provider.name)

    def known(self, candidate: Candidate) -> ModelHealth | None:
        """What is known of a model at a provider; None where it was never asked."""
        return self.of(candidate.provider).known(candidate.model)
