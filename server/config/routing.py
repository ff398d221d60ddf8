"""Settings of routing: how calls find their way, and what happens where a provider stumbles."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from server.config.section import Seconds, Section

PolicyName = Literal["order", "weight", "price", "latency", "throughput"]
Weight = Annotated[int, Field(ge=1, le=10_000)]
Share = Annotated[float, Field(ge=0, le=1)]


class BreakerSettings(Section):
    """When a model at a provider is left alone; times in seconds."""

    consecutive_failures: int = Field(default=5, ge=1)
    """Failures in a row that open the breaker."""
    failed_share: Share = 0.5
    """Share of failed calls that opens it as well, once there were window_calls of them."""
    window: Seconds = 30
    """Over which that share is taken."""
    window_calls: int = Field(default=20, ge=1)
    """Fewer calls than this say nothing about a share."""
    open_for: Seconds = 30
    """How long it stays open the first time; twice as long the second time in a row, and so on."""
    longest_open: Seconds = 300
    """The most of that."""


class ConcurrencySettings(Section):
    """How many calls one provider gets at once; the limit moves between least and most as its latency does."""

    initial: int = Field(default=200, ge=1)
    """Where it begins."""
    least: int = Field(default=20, ge=1)
    """It never falls below."""
    most: int = Field(default=4000, ge=1)
    """It never rises above."""


class RoutingSettings(Section):
    """How calls are routed unless they say otherwise; times in seconds."""

    policy: PolicyName = "order"
    """How providers of one model are ordered; a group's own policy and the caller's override it."""
    max_repeats: int = Field(default=2, ge=0, le=10)
    """Times that one call may send the same to the same provider again, where that is safe."""
    longest_wait: Seconds = 5
    """A longer Retry-After is not waited out: another model is asked, else the call ends and tells it (RetryInfo)."""
    retry_share: Share = 0.2
    """Repeats in progress, as a share of the calls in progress; more would feed a storm."""
    retry_floor: int = Field(default=3, ge=0)
    """Repeats that are allowed in any case."""
    hedge_share: Share = 0.05
    """Second attempts beside slow first ones, as a share of all calls."""
    hedge_at_p95: bool = False
    """Hedge every call that waits longer than 95 of 100 did lately, also where the caller did not ask for it."""
    breaker: BreakerSettings = BreakerSettings()
    concurrency: ConcurrencySettings = ConcurrencySettings()


class MemberSettings(Section):
    """One model of a group."""

    model: str = Field(min_length=1, max_length=256)
    """Its name, as a caller would write it; another group's name is fine."""
    weight: Weight = 100
    """Its share of the calls under the policy weight."""


class GroupSettings(Section):
    """Several models under one name; a bare list is a group of those models."""

    models: tuple[MemberSettings, ...] = Field(min_length=1)
    """Best first; a bare string is a model of weight 100."""
    policy: PolicyName | None = None
    """How they are ordered; empty takes routing.policy."""

    @field_validator("models", mode="before")
    @classmethod
    def _bare_names(cls, models: object) -> object:
        if isinstance(models, list | tuple):
            return [{"model": model} if isinstance(model, str) else model for model in models]
        return models
