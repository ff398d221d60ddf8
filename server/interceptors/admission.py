"""Bounded concurrency: overall, and for each caller, looked at before the message is read."""

from server.errors import ConcurrencyExceeded, Overloaded, QuotaViolation
from server.identity.caller import Caller

_RETRY_AFTER = 1.0
"""Seconds a refused caller is asked to wait. Calls last seconds, so a slot is likely by then."""


class Slots:
    """Calls in progress. One object for the whole server, touched by its event loop alone."""

    def __init__(self, overall: int, per_caller: int) -> None:
        self._overall = overall
        self._per_caller = per_caller
        self._of_caller: dict[str, int] = {}
        self.active = 0
        """Calls in progress now, all callers together."""

    def check(self, caller: Caller) -> None:
        """Raises Overloaded or ConcurrencyExceeded where ``take`` would."""
        if self.active >= self._overall:
            raise Overloaded(
                f"the hub has {self._overall} calls in progress, its most; try again shortly",
                retry_after=_RETRY_AFTER,
                quota=[QuotaViolation("server", f"concurrent calls: {self._overall}")],
            )
        most = caller.concurrent_calls or self._per_caller
        if self._of_caller.get(caller.id, 0) >= most:
            raise ConcurrencyExceeded(
                f"this key has {most} calls in progress, its most; wait for one to end",
                retry_after=_RETRY_AFTER,
                quota=[QuotaViolation(caller.id, f"concurrent calls: {most}")],
            )

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
