"""What an overload takes off the limit."""

from server.routing.health.concurrency import ConcurrencyLimit, ConcurrencyRules


def test_an_overload_takes_a_tenth_whatever_is_in_progress() -> None:
    for active in (1, 150):
        limit = ConcurrencyLimit(ConcurrencyRules())
        for _ in range(active):
            limit.enter()
        limit.overloaded()
        assert limit.limit == 180


def test_a_burst_of_them_takes_it_down_to_the_least() -> None:
    limit = ConcurrencyLimit(ConcurrencyRules())
    told = []
    for _ in range(40):
        limit.overloaded()
        told.append(limit.limit)
    assert told[:3] == [180, 162, 145]
    assert told[-1] == 20
