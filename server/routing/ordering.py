"""In which order the candidates for one model are asked."""

from collections.abc import Callable, Sequence
from random import Random

from server.routing.catalogue import Candidate
from server.routing.health.book import HealthBook
from server.routing.policies import Policy

_UNKNOWN = 1.0
"""Seconds to first content that are assumed of a provider which is being tried for the first time."""

Price = Callable[[Candidate], float | None]
"""What a candidate costs, in any unit that is the same for all; None where that is not known."""


def unknown_price(_: Candidate) -> float | None:
    """For a hub that knows no prices."""
    return None


class Ordering:
    """Orders candidates by a policy, with what the health book knows at the time."""

    def __init__(
        self, book: HealthBook, random: Random, clock: Callable[[], float], price: Price = unknown_price
    ) -> None:
        self._book = book
        self._random = random
        self._clock = clock
        self._price = price

    def __call__(self, candidates: Sequence[Candidate], policy: Policy) -> list[Candidate]:
        """``candidates`` in the order in which they are to be asked; the sort is stable."""
        if len(candidates) < 2 or policy is Policy.ORDER:
            return list(candidates)
        match policy:
            case Policy.WEIGHT:
                return self._by_weight(candidates)
            case Policy.PRICE:
                return sorted(candidates, key=self._by_price)
            case Policy.LATENCY:
                return self._by_latency(candidates)
            case _:
                return sorted(candidates, key=self._by_throughput)

    def _by_weight(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """Each place by lot among those that are left."""
        left, ordered = list(candidates), []
        while left:
            chosen = self._random.choices(left, weights=[one.weight * one.provider.weight for one in left])[0]
            left.remove(chosen)
            ordered.append(chosen)
        return ordered

    def _by_price(self, candidate: Candidate) -> tuple[bool, float]:
        price = self._price(candidate)
        return price is None, price or 0.0

    def _by_latency(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        """The better of two taken by lot comes first: all callers going to the one best would make it the worst.

        https://www.eecs.harvard.edu/~michaelm/postscripts/handbook2001.pdf
        """
        now = self._clock()
        ordered = sorted(candidates, key=lambda one: self._cost(one, now))
        first = min(self._random.sample(range(len(ordered)), 2))
        return [ordered[first], *ordered[:first], *ordered[first + 1 :]]

    def _cost(self, candidate: Candidate, now: float) -> float:
        """Expected wait of one more call: time to first content times the calls that are ahead of it."""
        health = self._book.of(candidate.provider)
        model = health.known(candidate.model)
        peak = model.pace.peak(now) if model is not None else None
        if peak is None:
            return _UNKNOWN * health.limit.active
        return peak * (health.limit.active + 1)

    def _by_throughput(self, candidate: Candidate) -> float:
        model = self._book.known(candidate)
        rate = model.pace.tokens_per_second if model is not None else None
        return float("-inf") if rate is None else -rate
