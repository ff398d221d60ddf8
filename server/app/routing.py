"""From settings to the rules of routing and the names of groups."""

from collections.abc import Mapping

from msgspec.structs import asdict

from server.config.settings import Settings
from server.errors import ConfigError
from server.routing.catalogue import Group
from server.routing.health.breaker import BreakerRules
from server.routing.health.concurrency import ConcurrencyRules
from server.routing.health.provider import HealthRules
from server.routing.policies import Policy
from server.routing.rules import RoutingRules


def routing_rules(settings: Settings) -> RoutingRules:
    """Raises ConfigError where bounds contradict each other."""
    told = settings.routing
    concurrency = told.concurrency
    if not concurrency.least <= concurrency.initial <= concurrency.most:
        raise ConfigError("routing.concurrency: must hold least <= initial <= most")
    return RoutingRules(
        policy=Policy(told.policy),
        max_repeats=told.max_repeats,
        longest_wait=told.longest_wait,
        retry_share=told.retry_share,
        retry_floor=told.retry_floor,
        hedge_share=told.hedge_share,
        hedge_at_p95=told.hedge_at_p95,
        health=HealthRules(
            BreakerRules(**asdict(told.breaker)),
            ConcurrencyRules(concurrency.initial, concurrency.least, concurrency.most),
        ),
    )


def model_groups(settings: Settings) -> dict[str, Group]:
    """Groups and aliases by name. Raises ConfigError where a name stands for itself, or is taken twice."""
    groups = {
        name: Group(
            tuple((member.model, member.weight) for member in group.models),
            Policy(group.policy) if group.policy else None,
        )
        for name, group in settings.groups.items()
    }
    for name, model in settings.aliases.items():
        if name in groups:
            raise ConfigError(f"aliases.{name}: is a group already; rename one of them")
        groups[name] = Group(((model, 100),))
    for name in groups:
        _refuse_circle(name, groups, ())
    return groups


def _refuse_circle(name: str, groups: Mapping[str, Group], above: tuple[str, ...]) -> None:
    if name in above:
        circle = " → ".join((*above[above.index(name) :], name))
        raise ConfigError(f"groups.{name}: stands for itself ({circle}); take one of these out")
    for model, _ in groups[name].models:
        if model in groups:
            _refuse_circle(model, groups, (*above, name))
