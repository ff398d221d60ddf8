"""What a new configuration leaves of what is known of a provider."""

from dataclasses import replace
from typing import Any

import pytest

from server.errors import ProviderUnavailable
from server.routing.catalogue import Provider
from server.routing.health.book import HealthBook
from server.routing.health.breaker import State
from server.routing.health.provider import Admission, HealthRules
from server.transport.endpoint import Credential

FIRST, SECOND = Credential("k1", "s1"), Credential("k2", "s2")
PROVIDER = Provider("a", "openai", (FIRST,), address="https://old/v1")


def after(change: dict[str, Any]) -> tuple[State, float | None, int]:
    """The breaker, the expected wait and the number of keys of a provider that failed before ``change``."""
    book = HealthBook(HealthRules())
    book.adopt((PROVIDER,))
    health = book.of(PROVIDER)
    for _ in range(5):
        leave = health.enter("m", 0.0, ())
        assert isinstance(leave, Admission)
        health.first_content(leave, 1.0)
        health.failed(leave, ProviderUnavailable("no"), 1.0)
    assert health.model("m").breaker.state(1.0) is State.OPEN
    changed = replace(PROVIDER, **change)
    book.adopt((changed,))
    health = book.of(changed)
    return health.model("m").breaker.state(1.0), health.model("m").pace.peak(1.0), health.pool.size


@pytest.mark.parametrize("change", [{"weight": 1}, {"enabled": False}, {"credentials": (replace(FIRST, weight=7),)}])
def test_what_stays_is_known(change: dict[str, Any]) -> None:
    assert after(change) == (State.OPEN, 1.0, 1)


def test_a_provider_that_moved_is_a_new_one() -> None:
    assert after({"address": "https://new/v1"}) == (State.CLOSED, None, 1)


@pytest.mark.parametrize("keys", [(SECOND,), (replace(FIRST, secret="other"),), (FIRST, SECOND)])
def test_with_a_new_key_it_may_be_asked_again(keys: tuple[Credential, ...]) -> None:
    assert after({"credentials": keys}) == (State.CLOSED, 1.0, len(keys))
