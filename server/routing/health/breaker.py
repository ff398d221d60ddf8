"""Whether a model at a provider is worth asking: opened by failures, tried again by one call at a time."""

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How a breaker stands."""

    CLOSED = "closed"
    """Calls go through."""
    OPEN = "open"
    """Calls are kept away until its time is up."""
    HALF_OPEN = "half_open"
    """One call may try."""


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens and for how long; times in seconds. The first three are Envoy's defaults for outliers.

    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/outlier_detection.proto
    """

    consecutive_failures: int = 5
    open_for: float = 30.0
    """Times the number of openings in a row."""
    longest_open: float = 300.0
    window: float = 30.0
    """Over which the share of failures is taken."""
    window_calls: int = 20
    """Fewer calls than this say nothing about a share."""
    failed_share: float = 0.5


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to make one call; it is given back with how the call ended."""

    opening: int
    """How often the breaker had opened when the call began: what began before an opening cannot undo it."""
    probe: bool


class Breaker:
    """One breaker. Failures are those of the provider; what the caller or a rate limit did is told to nobody here."""

    __slots__ = (
        "_failed",
        "_in_a_row",
        "_opened_at",
        "_openings",
        "_openings_in_a_row",
        "_probing",
        "_rules",
        "_until",
        "_usual",
        "_window",
    )

    def __init__(self, rules: BreakerRules) -> None:
        self._rules = rules
        self._until: float | None = None
        self._opened_at = 0.0
        self._openings = 0
        self._openings_in_a_row = 0
        self._probing = False
        self._in_a_row = 0
        self._window = 0.0
        self._failed = [0, 0]
        self._usual = Pass(0, probe=False)

    def follow(self, rules: BreakerRules) -> None:
        """Goes by other rules from now on; what has been counted stays, and so does an opening but for its length."""
        self._rules = rules
        if self._until is not None:
            self._until = self._opened_at + self._length()

    def state(self, now: float) -> State:
        """How it stands at ``now``."""
        if self._until is None:
            return State.CLOSED
        return State.OPEN if now < self._until else State.HALF_OPEN

    def wait(self, now: float) -> float:
        """Seconds until a call may try; 0 where one may now, or once the call that tries has ended."""
        return max(0.0, self._until - now) if self._until is not None else 0.0

    def enter(self, now: float, *, force: bool = False) -> Pass | None:
        """Leave to make a call, or None. ``force`` is for a call that has nowhere else to go."""
        if self._until is None:
            return self._usual
        if now >= self._until and not self._probing:
            self._probing = True
            return Pass(self._openings, probe=True)
        return self._usual if force else None

    def succeeded(self, given: Pass, now: float) -> bool:
        """The call was answered; True where that closes it. A call that began before it opened does not."""
        self._leave(given)
        if given.opening != self._openings:
            return False
        if closes := self._until is not None:
            self._until = None
            self._openings_in_a_row = 0
            self._failed = [0, 0]
        self._in_a_row = 0
        self._count(now, failed=False)
        return closes

    def failed(self, given: Pass, now: float) -> bool:
        """The provider failed the call; True where that opens it, or opens it again."""
        self._leave(given)
        if self._until is not None:
            # Calls that had nowhere else to go fail too, as fast as they come: only the one that tries says how
            # long to wait next.
            opens = given.probe and given.opening == self._openings
        elif given.opening != self._openings:
            opens = False  # it began before an opening that has counted it already
        else:
            self._in_a_row += 1
            self._count(now, failed=True)
            opens = self._enough()
        if opens:
            self._open(now)
        return opens

    def ended(self, given: Pass) -> None:
        """The call ended in a way that says nothing of the provider."""
        self._leave(given)

    def _leave(self, given: Pass) -> None:
        if given.probe:
            self._probing = False

    def _count(self, now: float, *, failed: bool) -> None:
        if now - self._window > self._rules.window:
            self._window = now
            self._failed = [0, 0]
        self._failed[failed] += 1

    def _enough(self) -> bool:
        good, bad = self._failed
        share = bad >= self._rules.failed_share * (good + bad) and good + bad >= self._rules.window_calls
        return share or self._in_a_row >= self._rules.consecutive_failures

    def _open(self, now: float) -> None:
        self._openings += 1
        self._usual = Pass(self._openings, probe=False)
        self._openings_in_a_row += 1
        self._in_a_row = 0
        self._failed = [0, 0]
        self._opened_at = now
        self._until = now + self._length()

    def _length(self) -> float:
        return min(self._rules.open_for * self._openings_in_a_row, self._rules.longest_open)
