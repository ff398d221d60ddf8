"""Where the time of one call went."""

from time import perf_counter


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
        parts = [f"{name};dur={seconds * 1000:.3f}" for name, seconds in self._spent.items()]
        return ", ".join([*parts, f"total;dur={self.total() * 1000:.3f}"])
