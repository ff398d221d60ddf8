"""What an operator sets about routing, and what all calls share while they are routed."""

from dataclasses import dataclass, field
from random import Random

from server.routing.budget import HedgeBudget, RetryBudget
from server.routing.health.book import HealthBook
from server.routing.health.provider import HealthRules
from server.routing.policies import Policy


@dataclass(frozen=True, slots=True)
class RoutingRules:
    """How calls are routed unless they say otherwise; times in seconds."""

    policy: Policy = Policy.ORDER
    max_repeats: int = 2
    """Times that one call may send the same to the same provider again."""
    longest_wait: float = 5.0
    """A Retry-After that is longer is not waited out."""
    retry_share: float = 0.2
    retry_floor: int = 3
    hedge_share: float = 0.05
    hedge_at_p95: bool = False
    """Hedge calls that do not ask for it, once they have waited longer than 95 of 100 did."""
    health: HealthRules = field(default_factory=HealthRules)


@dataclass(frozen=True, slots=True)
class Shared:
    """One for the whole server."""

    rules: RoutingRules
    book: HealthBook
    repeats: RetryBudget
    hedges: HedgeBudget
    random: Random

    @classmethod
    def of(cls, rules: RoutingRules, random: Random | None = None) -> "Shared":
        """Everything new, by the rules."""
        return cls(
            rules,
            HealthBook(rules.health),
            RetryBudget(rules.retry_share, rules.retry_floor),
            HedgeBudget(rules.hedge_share),
            random or Random(),  # noqa: S311 - spreads load, guards nothing
        )
