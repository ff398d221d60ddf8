"""How many calls a provider gets at once: a limit that follows its latency.

The rule is Gradient2 of Netflix's concurrency-limits: where calls take longer than they did in the long run, the limit
shrinks in proportion; otherwise it grows by about its square root.
https://github.com/Netflix/concurrency-limits/blob/main/concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/Gradient2Limit.java
"""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True, slots=True)
class ConcurrencyRules:
    """Bounds of the limit, in calls."""

    initial: int = 200
    least: int = 20
    most: int = 4000
    tolerance: float = 2.0
    """Calls may take this many times their usual time before the limit shrinks: answers differ in length."""


_SMOOTHING = 0.2
_SHORT = 10
_LONG = 600
_BACK_OFF = 0.9
"""Of the limit, what an overload leaves. A burst brings many, so that even a limit far above what a provider bears is
there soon; one alone says little. The ratio is that of Netflix's limit of multiplicative decrease.

https://github.com/Netflix/concurrency-limits/blob/main/concurrency-limits-core/src/main/java/com/netflix/concurrency/limits/limit/AIMDLimit.java
"""
_BUSY = 0.5
"""A limit that is not half used says nothing about whether it is right."""


class ConcurrencyLimit:
    """Calls in progress at one provider and the limit on them."""

    __slots__ = ("_limit", "_long", "_rules", "_short", "active")

    def __init__(self, rules: ConcurrencyRules) -> None:
        self._rules = rules
        self._limit = float(rules.initial)
        self._short = 0.0
        self._long = 0.0
        self.active = 0

    def follow(self, rules: ConcurrencyRules) -> None:
        """Goes by other rules from now on: one that has not moved begins where they say, another moves within them."""
        untouched = self._limit == self._rules.initial
        self._rules = rules
        self._move(float(rules.initial) if untouched else self._limit)

    @property
    def limit(self) -> int:
        """Calls at once just now."""
        return int(self._limit)

    def enter(self, *, force: bool = False) -> bool:
        """Takes a place; False where there is none. ``force`` is for a call that has nowhere else to go."""
        if self.active >= self._limit and not (force and self.active < self._rules.most):
            return False
        self.active += 1
        return True

    def leave(self) -> None:
        """Gives the place back."""
        self.active -= 1

    def observe(self, seconds: float) -> None:
        """First content of a call came so long after it was sent."""
        self._short += (seconds - self._short) / _SHORT if self._short else seconds
        self._long += (seconds - self._long) / _LONG if self._long else seconds
        if self._long > 2 * self._short:
            self._long *= 0.95  # it was slow once: forget that faster than the average would
        if self.active < self._limit * _BUSY:
            return
        gradient = max(0.5, min(1.0, self._rules.tolerance * self._long / self._short)) if self._short else 1.0
        aim = self._limit * gradient + sqrt(self._limit)
        self._move(self._limit + _SMOOTHING * (aim - self._limit))

    def overloaded(self) -> None:
        """The provider said that it has too much to do, or fell silent."""
        self._move(self._limit * _BACK_OFF)

    def _move(self, limit: float) -> None:
        self._limit = max(float(self._rules.least), min(float(self._rules.most), limit))
