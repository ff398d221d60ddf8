"""What bounds further attempts over all calls together, so that they never become the storm they answer."""


class RetryBudget:
    """Repeats in progress: at most a share of the calls in progress, and always a few.

    The share and the floor are Envoy's retry budget:
    https://www.envoyproxy.io/docs/envoy/latest/api-v3/config/cluster/v3/circuit_breaker.proto
    """

    __slots__ = ("calls", "floor", "repeats", "share")

    def __init__(self, share: float = 0.2, floor: int = 3) -> None:
        self.share = share
        self.floor = floor
        self.calls = 0
        """Calls in progress."""
        self.repeats = 0
        """Repeats in progress."""

    def borrow(self) -> bool:
        """Takes leave for one repeat; False where there are too many. ``repay`` gives it back."""
        if self.repeats >= max(self.floor, self.share * self.calls):
            return False
        self.repeats += 1
        return True

    def repay(self) -> None:
        """A repeat ended."""
        self.repeats -= 1


class HedgeBudget:
    """Second attempts beside a first: each call earns a share of one, saved up to a few."""

    __slots__ = ("_most", "_saved", "share")

    def __init__(self, share: float = 0.05, most: float = 10.0) -> None:
        self.share = share
        self._most = most
        self._saved = 0.0

    def earn(self) -> None:
        """A call began."""
        self._saved = min(self._most, self._saved + self.share)

    def spend(self) -> bool:
        """Takes leave for one hedge; False where too many were made lately."""
        if self._saved < 1.0:
            return False
        self._saved -= 1.0
        return True
