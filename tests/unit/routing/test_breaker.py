"""What opens a breaker, for how long, and what does not."""

from server.routing.health.breaker import Breaker, BreakerRules, State


def opened(now: float = 0.0, rules: BreakerRules | None = None) -> Breaker:
    """One that its fifth failure in a row has just opened."""
    breaker = Breaker(rules or BreakerRules())
    for _ in range(5):
        given = breaker.enter(now)
        assert given is not None
        breaker.failed(given, now)
    assert breaker.state(now) is State.OPEN
    return breaker


def test_calls_without_a_choice_do_not_lengthen_an_opening() -> None:
    breaker = opened()
    for second in range(1, 30):
        given = breaker.enter(float(second), force=True)
        assert given is not None
        breaker.failed(given, float(second))
    assert breaker.wait(29.0) == 1.0


def test_nor_do_they_while_another_call_tries() -> None:
    breaker = opened()
    probe, beside = breaker.enter(30.0), breaker.enter(30.0, force=True)
    assert probe is not None
    assert beside is not None
    breaker.failed(beside, 31.0)
    assert breaker.wait(31.0) == 0.0
    breaker.failed(probe, 32.0)
    assert breaker.wait(32.0) == 60.0


def test_each_call_that_tries_in_vain_makes_it_longer_up_to_the_most() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(11):
        waits.append(breaker.wait(now))
        now += waits[-1]
        probe = breaker.enter(now)
        assert probe is not None
        assert probe.probe
        breaker.failed(probe, now)
    assert waits == [30.0, 60.0, 90.0, 120.0, 150.0, 180.0, 210.0, 240.0, 270.0, 300.0, 300.0]


def test_a_call_without_a_choice_that_is_answered_closes_it() -> None:
    breaker = opened()
    given = breaker.enter(1.0, force=True)
    assert given is not None
    breaker.succeeded(given, 2.0)
    assert breaker.state(2.0) is State.CLOSED
