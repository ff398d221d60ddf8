"""How fast a model at a provider is lately: what LATENCY and THROUGHPUT route by, and what a hedge waits for."""

from collections import deque
from math import exp

_DECAY = 10.0
"""Seconds in which an old observation loses all but 1/e of its weight, as in Finagle's peak EWMA.

https://github.com/twitter/finagle/blob/develop/finagle-core/src/main/scala/com/twitter/finagle/loadbalancer/PeakEwma.scala
"""
_FORGOTTEN = 60.0
"""Seconds in which what nobody asked again fades likewise."""
_KEPT = 256
_ENOUGH = 20
"""Fewer observations than this make no percentile."""


class Pace:
    """Seconds to first content and tokens a second, of the calls that went through."""

    __slots__ = ("_at", "_lately", "_p50", "_p95", "_peak", "_since_sorted", "tokens_per_second")

    def __init__(self) -> None:
        self._at = 0.0
        self._peak: float | None = None
        self._lately: deque[float] = deque(maxlen=_KEPT)
        self._since_sorted = _KEPT
        self._p50 = self._p95 = 0.0
        self.tokens_per_second: float | None = None
        """Lately; None where nothing is known."""

    def first_content(self, seconds: float, now: float) -> None:
        """A call's content began so long after it was sent."""
        self._lately.append(seconds)
        self._since_sorted += 1
        before = self._peak
        # A slow answer counts at once, a fast one only as the memory of slow ones fades.
        fade = exp(-(now - self._at) / _DECAY)
        self._peak = seconds if before is None or seconds > before else before * fade + seconds * (1 - fade)
        self._at = now

    def waited(self, seconds: float, now: float) -> None:
        """A call waited so long for content that never came: it is at least so slow."""
        if self._peak is None or seconds > self._peak:
            self._peak = seconds
            self._at = now

    def produced(self, tokens: int, seconds: float) -> None:
        """A call made so many tokens in so long."""
        if tokens > 0 and seconds > 0:
            rate = tokens / seconds
            known = self.tokens_per_second
            self.tokens_per_second = rate if known is None else known + 0.1 * (rate - known)

    def peak(self, now: float) -> float | None:
        """Expected seconds to first content, quick to rise and slow to fall; None where nothing is known.

        Without calls it fades, so that a provider which was slow once is tried again.
        """
        return None if self._peak is None else self._peak * exp(-(now - self._at) / _FORGOTTEN)

    @property
    def p50(self) -> float | None:
        """Median of the last 256 calls; None below 20."""
        self._sort()
        return self._p50 if len(self._lately) >= _ENOUGH else None

    @property
    def p95(self) -> float | None:
        """95th percentile of the last 256 calls; None below 20."""
        self._sort()
        return self._p95 if len(self._lately) >= _ENOUGH else None

    def _sort(self) -> None:
        if self._since_sorted < _ENOUGH or len(self._lately) < _ENOUGH:
            return
        ordered = sorted(self._lately)
        self._p50 = ordered[len(ordered) // 2]
        self._p95 = ordered[int(len(ordered) * 0.95)]
        self._since_sorted = 0
