"""Bounded concurrency: overall, and for each caller, looked at before the message is read."""

from server.errors import ConcurrencyExceeded, Overloaded, QuotaViolation
from server.identity.caller import Caller

_RETRY_AFTER = 1.0
"""Seconds a refused caller is asked to wait. Calls last seconds, so a slot is likely by then."""


class Slots:
    """Calls in progress. One object for the whole server, touched by its event loop alone."""

    def __init__(self, overall: int, per_caller: int, workers: int = 1) -> None:
        """With several ``workers`` this one admits its share of every limit, rounded up."""
        self._workers = workers
        self._whose = "the hub has" if workers == 1 else f"this one of {workers} workers has"
        self._where = "" if workers == 1 else f" at this one of {workers} workers"
        self._overall = self._share(overall)
        self._per_caller = self._share(per_caller)
        self._of_caller: dict[str, int] = {}
        self.active = 0
        """Calls in progress now, all callers together."""

    def check(self, caller: Caller) -> None:
        """Raises Overloaded or ConcurrencyExceeded where ``take`` would."""
        if self.active >= self._overall:
            raise Overloaded(
                f"{self._whose} {self._overall} calls in progress, its most; try again shortly",
                retry_after=_RETRY_AFTER,
                quota=[QuotaViolation("server", f"concurrent calls: {self._overall}")],
            )
        most = self._share(caller.concurrent_calls) or self._per_caller
        if self._of_caller.get(caller.id, 0) >= most:
            raise ConcurrencyExceeded(
                f"this key has {most} calls in progress{self._where}, its most; wait for one to end",
                retry_after=_RETRY_AFTER,
                quota=[QuotaViolation(caller.id, f"concurrent calls: {most}")],
            )

    def _share(self, limit: int) -> int:
        return -(-limit // self._workers)

    def take(self, caller: Caller) -> None:
        """One call begins; raises as ``check`` does."""
        self.check(caller)
        self.active += 1
        self._of_caller[caller.id] = self._of_caller.get(caller.id, 0) + 1

    def give_back(self, caller: Caller) -> None:
        """One call ended."""
        self.active -= 1
        left = self._of_caller[caller.id] - 1
        if left:
            self._of_caller[caller.id] = left
        else:
            del self._of_caller[caller.id]
