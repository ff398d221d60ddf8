"""Settings of routing: how calls find their way, and what happens where a provider stumbles."""

from typing import Annotated, Literal

from msgspec import Meta
from typing_extensions import override

from server.config.section import Seconds, Section

PolicyName = Literal["order", "weight", "price", "latency", "throughput"]
Weight = Annotated[int, Meta(ge=1, le=10_000)]
Share = Annotated[float, Meta(ge=0, le=1)]


class BreakerSettings(Section, frozen=True):
    """When a model at a provider is left alone; times in seconds."""

    consecutive_failures: Annotated[int, Meta(ge=1)] = 5
    """Failures in a row that open the breaker."""
    failed_share: Share = 0.5
    """Share of failed calls that opens it as well, once there were window_calls of them."""
    window: Seconds = 30
    """Over which that share is taken."""
    window_calls: Annotated[int, Meta(ge=1)] = 20
    """Fewer calls than this say nothing about a share."""
    open_for: Seconds = 30
    """How long it stays open the first time; twice as long the second time in a row, and so on."""
    longest_open: Seconds = 300
    """The most of that."""


class ConcurrencySettings(Section, frozen=True):
    """How many calls one provider gets at once; the limit moves between least and most as its latency does."""

    initial: Annotated[int, Meta(ge=1)] = 200
    """Where it begins."""
    least: Annotated[int, Meta(ge=1)] = 20
    """It never falls below."""
    most: Annotated[int, Meta(ge=1)] = 4000
    """It never rises above."""


class RoutingSettings(Section, frozen=True):
    """How calls are routed unless they say otherwise; times in seconds."""

    policy: PolicyName = "order"
    """How providers of one model are ordered; a group's own policy and the caller's override it."""
    max_repeats: Annotated[int, Meta(ge=0, le=10)] = 2
    """Times that one call may send the same to the same provider again, where that is safe."""
    longest_wait: Seconds = 5
    """A longer Retry-After is not waited out: another model is asked, else the call ends and tells it (RetryInfo)."""
    retry_share: Share = 0.2
    """Repeats in progress, as a share of the calls in progress; more would feed a storm."""
    retry_floor: Annotated[int, Meta(ge=0)] = 3
    """Repeats that are allowed in any case."""
    hedge_share: Share = 0.05
    """Second attempts beside slow first ones, as a share of all calls."""
    hedge_at_p95: bool = False
    """Hedge every call that waits longer than 95 of 100 did lately, also where the caller did not ask for it."""
    breaker: BreakerSettings = BreakerSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()


class MemberSettings(Section, frozen=True):
    """One model of a group."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    """Its name, as a caller would write it; another group's name is fine."""
    weight: Weight = 100
    """Its share of the calls under the policy weight."""

    @classmethod
    @override
    def written(cls, told: object) -> object:
        return {"model": told} if isinstance(told, str) else told


class GroupSettings(Section, frozen=True):
    """Several models under one name; a bare list is a group of those models."""

    models: Annotated[tuple[MemberSettings, ...], Meta(min_length=1)]
    """Best first; a bare string is a model of weight 100."""
    policy: PolicyName | None = None
    """How they are ordered; empty takes routing.policy."""

    @classmethod
    @override
    def written(cls, told: object) -> object:
        return {"models": told} if isinstance(told, list | tuple) else told
