"""Which share of the calls failed lately."""

from collections import deque

_SPAN = 10.0
"""Seconds that are counted together."""
_SPANS = 6


class FailureShare:
    """Of the calls of the last minute, each counting the same; they are forgotten ten seconds at a time."""

    __slots__ = ("_before", "_began", "_calls", "_failed")

    def __init__(self) -> None:
        self._began = float("-inf")
        self._calls = 0
        self._failed = 0
        self._before: deque[tuple[float, int, int]] = deque(maxlen=_SPANS - 1)
        """Earlier spans: when each began, its calls and those of them that failed."""

    def count(self, now: float, *, failed: bool) -> None:
        """A call ended."""
        if now - self._began >= _SPAN:
            self._before.append((self._began, self._calls, self._failed))
            self._began, self._calls, self._failed = now, 0, 0
        self._calls += 1
        if failed:
            self._failed += 1

    @property
    def counted(self) -> bool:
        """Whether a call was ever counted."""
        return self._calls > 0

    def lately(self, now: float) -> tuple[int, int]:
        """Calls, and those of them that failed."""
        spans = [*self._before, (self._began, self._calls, self._failed)]
        counted = [(calls, failed) for began, calls, failed in spans if now - began < _SPAN * _SPANS]
        return sum(calls for calls, _ in counted), sum(failed for _, failed in counted)

    def of(self, now: float) -> float:
        """0 to 1; 0 where there was no call."""
        calls, failed = self.lately(now)
        return failed / calls if calls else 0.0
