"""Routing under stress, in virtual time: the figures that docs/routing.md quotes."""

import pytest

from benchmarks import routing, routing_cost
from server.routing.policies import Policy


def test_the_retry_budget_stops_a_storm() -> None:
    with_budget, without = routing.storm(share=0.2, number=3000), routing.storm(share=10**9, number=3000)
    calls = len(with_budget.latencies) + with_budget.failed
    assert calls == 3000
    assert len(with_budget.attempts) <= 1.2 * calls
    assert len(without.attempts) > 1.6 * calls  # so that the test would notice a budget that does nothing


def test_latency_routing_beats_taking_turns_under_a_slow_provider() -> None:
    in_turn, by_latency = routing.slow_provider(None, number=2000), routing.slow_provider(Policy.LATENCY, number=2000)
    assert by_latency.failed == in_turn.failed == 0
    assert by_latency.quantile(0.99) < in_turn.quantile(0.99) / 4
    assert sum(by_latency.latencies) < sum(in_turn.latencies) / 2


def test_hedging_cuts_the_tail_at_little_cost() -> None:
    plain, hedged = routing.stalls(None, number=3000), routing.stalls(0.6, number=3000)
    assert plain.quantile(0.99) == pytest.approx(10, abs=0.1)
    assert hedged.quantile(0.99) < 1.2
    assert len(hedged.attempts) <= 1.05 * 3000
    assert hedged.failed == 0


def test_one_of_two_providers_may_fail_every_call() -> None:
    outcome = routing.one_dead()
    assert (outcome.failed, len(outcome.latencies)) == (0, 10_000)
    assert outcome.quantile(0.99) < 0.45


def test_routing_adds_little_to_a_plain_call() -> None:
    # A time, so with room for a busy machine; the figure itself is `python -m benchmarks.routing_cost`'s.
    assert min(routing_cost.added() for _ in range(3)) < 4 * routing_cost.MOST
