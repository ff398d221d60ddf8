"""Every setting of routing holds from a reload on, for what is living already."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from server.app.routing import routing_rules
from server.config.reading import read
from server.config.settings import Settings
from server.errors import ProviderUnavailable
from server.routing.catalogue import Candidate, Catalogue, Provider
from server.routing.dispatch import Dispatch
from server.routing.health.breaker import State
from server.routing.health.provider import Admission, ProviderHealth
from server.routing.live import Configuration, Live
from server.routing.rules import Shared
from server.transport.endpoint import Credential

PROVIDER = Provider("a", "openai", (Credential("k", "s"),))
M = Candidate(PROVIDER, "m")


def settings(**routing: Any) -> Settings:
    return read(Settings, {"routing": routing})


def configuration(**routing: Any) -> Configuration:
    return Configuration(Catalogue((PROVIDER,), frozenset()), rules=routing_rules(settings(**routing)))


def fail(health: ProviderHealth, times: int, now: float = 0.0, *, succeed: int = 0) -> None:
    for at in range(times + succeed):
        leave = health.enter("m", now, (), force=True)
        assert isinstance(leave, Admission)
        if at < succeed:
            health.succeeded(leave, now)
        else:
            health.failed(leave, ProviderUnavailable("no"), now)


def state(health: ProviderHealth, now: float = 0.0) -> State:
    return health.model("m").breaker.state(now)


def opens_after(failures: int) -> Callable[[ProviderHealth], None]:
    def check(health: ProviderHealth) -> None:
        fail(health, failures - 1)
        assert state(health) is State.CLOSED
        fail(health, 1)
        assert state(health) is State.OPEN

    return check


def at_share(health: ProviderHealth) -> None:
    fail(health, 2, succeed=18)
    assert state(health) is State.OPEN


def of_few_calls(health: ProviderHealth) -> None:
    fail(health, 2, succeed=2)
    assert state(health) is State.OPEN


def within(health: ProviderHealth) -> None:
    for second in range(4):
        fail(health, 3, second * 3.0, succeed=2)
    assert state(health, 9.0) is State.CLOSED


def stays_open(seconds: float) -> Callable[[ProviderHealth], None]:
    def check(health: ProviderHealth) -> None:
        fail(health, 5)
        assert health.model("m").breaker.wait(0.0) == seconds

    return check


def at_once(calls: int) -> Callable[[ProviderHealth], None]:
    def check(health: ProviderHealth) -> None:
        assert health.limit.limit == calls

    return check


def never_below(health: ProviderHealth) -> None:
    for _ in range(100):
        health.limit.overloaded()
    assert health.limit.limit == 150


def never_above(health: ProviderHealth) -> None:
    for _ in range(200):
        health.limit.enter()
    for _ in range(200):
        health.limit.observe(1.0)
    assert health.limit.limit == 210


HEALTH: dict[str, tuple[dict[str, Any], Callable[[ProviderHealth], None]]] = {
    "breaker.consecutive_failures": ({"consecutive_failures": 3}, opens_after(3)),
    "breaker.failed_share": ({"failed_share": 0.1}, at_share),
    "breaker.window": ({"window": 2}, within),
    "breaker.window_calls": ({"window_calls": 4}, of_few_calls),
    "breaker.open_for": ({"open_for": 7}, stays_open(7.0)),
    "breaker.longest_open": ({"longest_open": 11}, stays_open(11.0)),
    "concurrency.initial": ({"initial": 40}, at_once(40)),
    "concurrency.least": ({"least": 150}, never_below),
    "concurrency.most": ({"most": 210}, never_above),
}
GENERAL: dict[str, Any] = {
    "policy": "latency",
    "max_repeats": 0,
    "longest_wait": 1.0,
    "retry_share": 0.9,
    "retry_floor": 9,
    "hedge_share": 0.9,
    "hedge_at_p95": True,
}


async def reloaded(**routing: Any) -> tuple[Live, Shared, ProviderHealth]:
    """After a reload that changes ``routing``, of a hub that has been asked for the model before."""
    before = configuration()
    dispatch = Dispatch(Shared.of(before.rules))
    live = Live(before, dispatch)
    health = dispatch.shared.book.of(PROVIDER)
    health.model("m")
    live.swap(configuration(**routing))
    assert dispatch.shared.book.of(PROVIDER) is health
    return live, dispatch.shared, health


@pytest.mark.parametrize("setting", HEALTH)
async def test_rules_of_health(setting: str) -> None:
    change, check = HEALTH[setting]
    _, _, before = await reloaded()
    with pytest.raises(AssertionError):
        check(before)  # it tells the default from the change
    _, _, health = await reloaded(**{setting.partition(".")[0]: change})
    check(health)


@pytest.mark.parametrize("setting", GENERAL)
async def test_general_rules(setting: str) -> None:
    live, shared, _ = await reloaded(**{setting: GENERAL[setting]})
    told = {
        "policy": live.now.rules.policy.value,
        "max_repeats": shared.rules.max_repeats,
        "longest_wait": shared.rules.longest_wait,
        "retry_share": shared.repeats.share,
        "retry_floor": shared.repeats.floor,
        "hedge_share": shared.hedges.share,
        "hedge_at_p95": shared.rules.hedge_at_p95,
    }
    assert told[setting] == GENERAL[setting]


def test_no_setting_is_left_out() -> None:
    routing = settings().routing
    nested = {
        f"{name}.{one}" for name in ("breaker", "concurrency") for one in type(getattr(routing, name)).__struct_fields__
    }
    assert set(HEALTH) == nested
    assert set(GENERAL) == set(type(routing).__struct_fields__) - {"breaker", "concurrency"}


async def test_an_opening_is_shortened() -> None:
    before = configuration()
    dispatch = Dispatch(Shared.of(before.rules))
    live = Live(before, dispatch)
    health = dispatch.shared.book.of(PROVIDER)
    now = asyncio.get_running_loop().time()
    fail(health, 5, now)
    live.swap(configuration(breaker={"open_for": 2}))
    assert health.model("m").breaker.wait(now) == pytest.approx(2.0)
