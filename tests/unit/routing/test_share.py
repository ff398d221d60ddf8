"""The share of calls that failed lately."""

from random import Random

import pytest

from server.routing.health.share import FailureShare


def test_it_is_the_share() -> None:
    share = FailureShare()
    assert (share.of(0.0), share.counted) == (0.0, False)
    for _ in range(18):
        share.count(100.0, failed=True)
    assert (share.of(100.0), share.lately(100.0), share.counted) == (1.0, (18, 18), True)
    for second in range(18):
        share.count(101.0 + second, failed=False)
    assert share.of(120.0) == 0.5


def test_what_is_old_is_forgotten() -> None:
    share = FailureShare()
    share.count(5.0, failed=True)
    share.count(40.0, failed=False)
    assert [share.of(at) for at in (40.0, 64.9, 65.0, 100.0)] == [0.5, 0.5, 0.0, 0.0]
    assert (share.lately(99.9), share.lately(100.0)) == ((1, 0), (0, 0))


@pytest.mark.parametrize("rate", [0.2, 3.0, 50.0])
def test_it_lies_between_the_last_fifty_seconds_and_the_last_minute(rate: float) -> None:
    random, now = Random(4), 0.0
    share, ended = FailureShare(), list[tuple[float, bool]]()
    for _ in range(600):
        now += random.expovariate(rate)
        failed = random.random() < 0.3
        share.count(now, failed=failed)
        ended.append((now, failed))
        calls, bad = share.lately(now)
        for told, what in ((calls, lambda one: True), (bad, lambda one: one[1])):
            least = sum(1 for one in ended if now - one[0] < 50.0 and what(one))
            most = sum(1 for one in ended if now - one[0] < 60.0 and what(one))
            assert least <= told <= most
