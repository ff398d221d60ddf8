"""A hundred thousand random steps of a clock and of calls that end in every way: what must always hold."""

from dataclasses import dataclass, field
from random import Random

import pytest

from server.errors import (
    HubError,
    ProviderCredentialInvalid,
    ProviderRateLimited,
    ProviderRejected,
    ProviderUnavailable,
)
from server.routing.health.breaker import Breaker, BreakerRules, Pass, State
from server.routing.health.credentials import CredentialPool, Lease
from server.routing.health.provider import Admission, HealthRules, ProviderHealth
from server.transport.endpoint import Credential

STEPS = 100_000
NAMES = ("a", "b", "c")
MODELS = ("m", "n")


@dataclass
class Seen:
    """What the test itself knows of one key."""

    refused_at: float = -1.0
    wait_until: dict[str, float] = field(default_factory=dict)
    limited_at: dict[str, float] = field(default_factory=dict)


class Keys:
    """The pool beside the test's own account of it."""

    def __init__(self) -> None:
        self.random = Random(5)
        self.now = 0.0
        self.pool = CredentialPool([Credential(name, weight=100 * (at + 1)) for at, name in enumerate(NAMES)])
        self.known = {name: Seen() for name in NAMES}
        self.refused: set[str] = set()
        self.leases: list[tuple[Lease, float]] = []

    def pick(self) -> None:
        lease = self.pool.pick(self.random.choice(MODELS), self.now)
        if lease is None:
            # Only what the providers themselves asked for may leave nobody.
            assert all(any(self.now < until for until in one.wait_until.values()) for one in self.known.values())
            return
        # A Retry-After is never broken, whatever else is wrong.
        assert self.now >= self.known[lease.credential.name].wait_until.get(lease.model, 0.0)
        assert lease.check == (lease.credential.name in self.refused)
        self.leases.append((lease, self.now))

    def end(self) -> None:
        lease, began = self.leases.pop(self.random.randrange(len(self.leases)))
        match self.random.randrange(5):
            case 0:
                self._refused(lease, began)
            case 1:
                self._limited(lease)
            case 2:
                self.pool.ended(lease)
            case _:
                self._succeeded(lease, began)
        # A late success never revives a key that was refused since.
        states = self.pool.states(self.now)
        assert {key for key, state in states.items() if state == "refused"} == self.refused

    def _refused(self, lease: Lease, began: float) -> None:
        self.pool.refused(lease, self.now)
        name = lease.credential.name
        if began >= self.known[name].refused_at or lease.check:
            self.known[name].refused_at = self.now
            self.refused.add(name)

    def _limited(self, lease: Lease) -> None:
        wait = self.random.choice([None, self.random.uniform(0, 30)])
        self.known[lease.credential.name].limited_at[lease.model] = self.now
        self.pool.limited(lease, self.now, wait)
        if wait is not None:
            until = self.known[lease.credential.name].wait_until
            until[lease.model] = max(until.get(lease.model, 0.0), self.now + wait)

    def _succeeded(self, lease: Lease, began: float) -> None:
        self.pool.succeeded(lease)
        name = lease.credential.name
        if began >= self.known[name].refused_at:
            self.refused.discard(name)
            if began >= self.known[name].limited_at.get(lease.model, 0.0):
                self.known[name].wait_until.pop(lease.model, None)


def test_keys() -> None:
    keys = Keys()
    for _ in range(STEPS):
        keys.now += keys.random.expovariate(2.0)
        if keys.random.random() < 0.55 or not keys.leases:
            keys.pick()
        else:
            keys.end()


def test_weights_are_kept_smoothly() -> None:
    pool = CredentialPool([Credential("A", weight=200), Credential("B", weight=100)])
    turns = []
    for _ in range(9):
        lease = pool.pick("m", 0.0)
        assert lease is not None
        pool.succeeded(lease)
        turns.append(lease.credential.name)
    assert "".join(turns) == "ABAABAABA"


def test_one_models_limit_leaves_the_others() -> None:
    pool = CredentialPool([Credential("only")])
    lease = pool.pick("m", 0.0)
    assert lease is not None
    pool.limited(lease, 0.0, 20.0)
    assert pool.pick("m", 19.9) is None
    assert pool.wait("m", 5.0) == pytest.approx(15.0)
    assert pool.pick("n", 1.0) is not None
    assert pool.pick("m", 20.0) is not None


def test_a_refused_key_is_checked_at_growing_intervals() -> None:
    pool = CredentialPool([Credential("bad"), Credential("good")])
    bad = next(lease for _ in range(2) if (lease := pool.pick("m", 0.0)) and lease.credential.name == "bad")
    now, waits = 0.0, []
    pool.refused(bad, now)
    for _ in range(6):
        began = now
        while not (due := pool.due(now)):
            now += 0.5
        waits.append(now - began)
        pool.refused(due[0], now)
    assert waits == [5.0, 6.0, 7.0, 9.0, 13.0, 21.0]


def test_a_breaker() -> None:
    random, now = Random(9), 0.0
    rules = BreakerRules()
    breaker = Breaker(rules)
    passes: list[tuple[Pass, int]] = []
    openings = 0
    for _ in range(STEPS):
        now += random.expovariate(5.0)
        before = breaker.state(now)
        if random.random() < 0.5 or not passes:
            given = breaker.enter(now)
            probing = sum(one.probe for one, _ in passes)
            assert probing <= 1, "two calls try a broken provider at once"
            if before is State.CLOSED:
                assert given is not None
                assert not given.probe
            elif before is State.OPEN:
                assert given is None
                assert 0 < breaker.wait(now) <= rules.longest_open
            else:
                assert (given is None) == (probing == 1)
            if given is not None:
                passes.append((given, openings))
            continue
        given, opened = passes.pop(random.randrange(len(passes)))
        ending = random.choices(["succeeded", "failed", "ended"], [5, 4, 1])[0]
        if ending == "ended":
            breaker.ended(given)
        else:
            getattr(breaker, ending)(given, now)
        after = breaker.state(now)
        if after is State.OPEN and before is not State.OPEN:
            openings += 1
        if before is State.OPEN and after is State.CLOSED:
            assert opened == openings, "a call from before the breaker opened closed it"
    assert openings > 100


@pytest.mark.parametrize("seed", range(3))
def test_a_provider_gives_back_all_it_lends(seed: int) -> None:
    random, now = Random(seed), 0.0
    health = ProviderHealth((Credential("a"), Credential("b")), HealthRules())
    running: list[Admission] = []
    errors: list[HubError] = [
        ProviderUnavailable("x"), ProviderCredentialInvalid("x"), ProviderRejected("x"),
        ProviderRateLimited("x", retry_after=1.0), ProviderRateLimited("x"),
    ]  # fmt: skip
    for _ in range(STEPS // 10):
        now += random.expovariate(50.0)
        if random.random() < 0.5:
            leave = health.enter(random.choice(MODELS), now, (), force=random.random() < 0.3)
            if isinstance(leave, Admission):
                running.append(leave)
        elif running:
            leave = running.pop(random.randrange(len(running)))
            match random.randrange(4):
                case 0:
                    health.failed(leave, random.choice(errors), now)
                case 1:
                    health.ended(leave)
                case _:
                    health.first_content(leave, now)
                    health.succeeded(leave, now, 10)
        assert health.limit.active == len(running)
        assert 20 <= health.limit.limit <= 4000
    for leave in running:
        health.ended(leave)
    assert health.limit.active == 0
    # The last key is never given up: once nothing must be waited for, somebody may call.
    assert isinstance(health.enter("m", now + 1000.0, ()), Admission)
