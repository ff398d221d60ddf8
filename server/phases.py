"""Where the time of one call went."""

from time import perf_counter
from typing import Protocol

_PHASE, _TOTAL = "%s;dur=%.3f, ", "total;dur=%.3f"


class Phases:
    """Seconds a call spent in each named phase, in the order the phases ended.

    One object lives as long as one call and is only touched by that call's task.
    """

    __slots__ = ("_spent", "started")

    def __init__(self) -> None:
        self.started = perf_counter()
        self._spent: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """Adds to a phase; a phase met twice is summed."""
        self._spent[name] = self._spent.get(name, 0.0) + seconds

    def spent(self, name: str) -> float:
        """Seconds of one phase so far; 0 where it never ran."""
        return self._spent.get(name, 0.0)

    def total(self) -> float:
        """Seconds since the call arrived."""
        return perf_counter() - self.started

    def server_timing(self) -> str:
        """The phases as a Server-Timing value, milliseconds: ``auth;dur=0.02, total;dur=1.30``.

        https://www.w3.org/TR/server-timing/
        """
        told: list[object] = []
        for name, seconds in self._spent.items():
            told += (name, seconds * 1000)
        told.append(self.total() * 1000)
        # One format for all of them takes a third of the time of one for each.
        return (_PHASE * len(self._spent) + _TOTAL) % tuple(told)


class Duration(Protocol):
    """google.protobuf.Duration, as far as it is written."""

    seconds: int
    nanos: int


def put_seconds(duration: Duration, seconds: float) -> None:
    """Writes seconds, at least 0, to the microsecond; protobuf's own way of it takes four times as long."""
    micros = int(seconds * 1_000_000)
    duration.seconds = micros // 1_000_000
    duration.nanos = micros % 1_000_000 * 1000
