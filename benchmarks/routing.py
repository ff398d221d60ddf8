"""Routing in virtual time: what a retry budget does to a storm, LATENCY to a slow provider, and a hedge to a stall.

The hub's own dispatch runs here, with providers that are nothing but a delay. `python -m benchmarks.routing` writes the
plots of docs/routing.md; the tests run the same simulations and hold them to bounds.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from aignehub.v1.usage_pb2 import GatewayInfo, Usage

from benchmarks.svg import Line, plot
from benchmarks.virtual_time import run
from server.errors import Help, HubError, ProviderUnavailable
from server.phases import Phases
from server.routing.attempt import Attempt, Terms
from server.routing.catalogue import Candidate, Provider
from server.routing.dispatch import Dispatch
from server.routing.plan import Plan
from server.routing.policies import Policy
from server.routing.rules import RoutingRules, Shared
from server.transport.endpoint import Credential

DOCS = Path(__file__).resolve().parents[1] / "docs"
_SECONDS_OF_A_CALL = 60.0


@dataclass
class Answer:
    """A whole answer, as far as routing looks at it."""

    usage: Usage = field(default_factory=Usage)
    gateway: GatewayInfo = field(default_factory=GatewayInfo)


Behaviour = Callable[[str, float], float | HubError]
"""Seconds that a provider takes for a call begun at a second, or the error it answers with at once."""


@dataclass
class Outcome:
    """What came of many calls."""

    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    attempts: list[float] = field(default_factory=list)
    """When each attempt began."""

    def quantile(self, share: float) -> float:
        """Seconds within which that share of the answered calls were."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


class Simulation:
    """Calls at a steady rate, routed as the hub routes them."""

    def __init__(self, providers: int, behaviour: Behaviour, rules: RoutingRules, seed: int = 1) -> None:
        self._behaviour = behaviour
        self._random = Random(seed)
        self.dispatch = Dispatch(Shared.of(rules, Random(seed)))
        self._candidates = [
            Candidate(Provider(f"p{place}", "simulated", (Credential("key"),)), "m") for place in range(providers)
        ]
        self.dispatch.shared.book.adopt([one.provider for one in self._candidates])
        self.outcome = Outcome()
        self._turn = 0

    async def calls(self, number: int, rate: float, policy: Policy | None, hedge_after: float | None = None) -> Outcome:
        """``number`` calls, ``rate`` a second at random moments; without a policy they take the providers in turn."""
        tasks = []
        for _ in range(number):
            await asyncio.sleep(self._random.expovariate(rate))
            tasks.append(asyncio.create_task(self._call(self._plan(policy, hedge_after))))
        await asyncio.gather(*tasks)
        return self.outcome

    def _plan(self, policy: Policy | None, hedge_after: float | None) -> Plan:
        if policy is None:
            self._turn += 1
            place = self._turn % len(self._candidates)
            return Plan((*self._candidates[place:], *self._candidates[:place]), hedge_after=hedge_after)
        return Plan(tuple(self.dispatch.order(self._candidates, policy)), hedge_after=hedge_after)

    async def _call(self, plan: Plan) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            await self.dispatch.whole(plan, Terms(began + _SECONDS_OF_A_CALL, "r", Phases()), self._send)
        except HubError:
            self.outcome.failed += 1
        else:
            self.outcome.latencies.append(loop.time() - began)

    async def _send(self, attempt: Attempt) -> Answer:
        began = asyncio.get_running_loop().time()
        self.outcome.attempts.append(began)
        told = self._behaviour(attempt.provider.name, began)
        if isinstance(told, HubError):
            await asyncio.sleep(0.05)
            raise told
        await asyncio.sleep(told)
        return Answer()


def storm(*, share: float, number: int = 4000) -> Outcome:
    """One provider that answers 503 from second 10 to 30, at 100 calls a second; ``share`` is the retry budget."""

    def behaviour(_: str, now: float) -> float | HubError:
        if 10 <= now < 30:
            return ProviderUnavailable(
                "overloaded", helps=Help.RETRY | Help.PROVIDER, metadata={"providerStatus": "503"}
            )
        return 0.2

    async def main() -> Outcome:
        rules = RoutingRules(retry_share=share, retry_floor=3 if share < 1 else 10**9)
        return await Simulation(1, behaviour, rules).calls(number, 100.0, Policy.ORDER)

    return run(main())


def slow_provider(policy: Policy | None, *, number: int = 4000) -> Outcome:
    """Three providers of 0.3 s, one of which takes 3 s; 50 calls a second."""
    random = Random(7)

    def behaviour(name: str, _: float) -> float | HubError:
        return (3.0 if name == "p1" else 0.3) * random.uniform(0.8, 1.2)

    async def main() -> Outcome:
        return await Simulation(3, behaviour, RoutingRules()).calls(number, 50.0, policy)

    return run(main())


def stalls(hedge_after: float | None, *, number: int = 4000) -> Outcome:
    """Two providers of 0.3 s; the first takes 10 s for three calls in a hundred. 50 calls a second."""
    random = Random(11)

    def behaviour(name: str, _: float) -> float | HubError:
        return 10.0 if name == "p0" and random.random() < 0.03 else random.uniform(0.25, 0.35)

    async def main() -> Outcome:
        return await Simulation(2, behaviour, RoutingRules()).calls(number, 50.0, Policy.ORDER, hedge_after)

    return run(main())


def one_dead(*, number: int = 10_000) -> Outcome:
    """Two providers of 0.3 s, the first of which answers every call with 500; 50 calls a second."""
    random = Random(13)

    def behaviour(name: str, _: float) -> float | HubError:
        return ProviderUnavailable("down") if name == "p0" else random.uniform(0.25, 0.35)

    async def main() -> Outcome:
        return await Simulation(2, behaviour, RoutingRules()).calls(number, 50.0, Policy.ORDER)

    return run(main())


def _per_second(moments: list[float]) -> list[tuple[float, float]]:
    counts: dict[int, int] = {}
    for moment in moments:
        counts[int(moment)] = counts.get(int(moment), 0) + 1
    return [(float(second), float(counts.get(second, 0))) for second in range(int(max(moments)) + 1)]


def _distribution(outcome: Outcome) -> list[tuple[float, float]]:
    return [(share, outcome.quantile(share / 100)) for share in range(1, 100)]


def main() -> None:
    """Writes the plots and prints the figures that the page quotes."""
    with_budget, without = storm(share=0.2), storm(share=10**9)
    plot(
        DOCS / "retry-budget.svg",
        "Attempts a second while a provider answers 503 (seconds 10 to 30)",
        [Line("no budget", _per_second(without.attempts)), Line("budget of 20 %", _per_second(with_budget.attempts))],
        x="second",
        y="attempts a second",
    )
    in_turn, by_latency = slow_provider(None), slow_provider(Policy.LATENCY)
    plot(
        DOCS / "latency-routing.svg",
        "Latency of calls with one of three providers ten times slower",
        [Line("in turn", _distribution(in_turn)), Line("LATENCY", _distribution(by_latency))],
        x="percentile of calls",
        y="seconds",
    )
    plain, hedged = stalls(None), stalls(0.6)
    for name, outcome in (
        ("storm, no budget", without), ("storm, budget", with_budget), ("in turn", in_turn), ("LATENCY", by_latency),
        ("stalls", plain), ("stalls, hedged", hedged), ("one dead", one_dead()),
    ):  # fmt: skip
        calls = len(outcome.latencies) + outcome.failed
        told = f"{calls} calls, {outcome.failed} failed, {len(outcome.attempts) / calls:.3f} attempts a call"
        print(f"{name:<18} {told}, p50 {outcome.quantile(0.5):.2f} s, p99 {outcome.quantile(0.99):.2f} s")


if __name__ == "__main__":
    main()
