"""Bounded concurrency: overall, and for each caller."""

from types import TracebackType

import grpc
from typing_extensions import override

from server.calls import current_call
from server.errors import ConcurrencyExceeded, Overloaded, QuotaViolation
from server.identity.caller import Caller
from server.methods import HEALTH, Context, Continuation, MethodHandler, reading, wrap

# Cheap, and asked most when the hub is busiest.
_EXEMPT = "/aignehub.v1.HealthService/"
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


class AdmissionInterceptor(grpc.aio.ServerInterceptor):
    """Refuses what is too much at once, before the message is read."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MethodHandler | None:
        """Looks here, takes inside: a call that dies before its handler runs must not keep a slot."""
        name = handler_call_details.method
        if name.startswith(HEALTH):
            return await continuation(handler_call_details)
        if name.startswith(_EXEMPT):
            method = await continuation(handler_call_details)
            return method and reading(method)
        self._slots.check(_caller())
        method = await continuation(handler_call_details)
        return method and wrap(reading(method), self._scope)

    def _scope(self, _context: Context) -> "_SlotScope":
        return _SlotScope(self._slots, _caller())


class _SlotScope:
    __slots__ = ("_caller", "_slots")

    def __init__(self, slots: Slots, caller: Caller) -> None:
        self._slots = slots
        self._caller = caller

    async def __aenter__(self) -> None:
        self._slots.take(self._caller)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._slots.give_back(self._caller)


def _caller() -> Caller:
    caller = current_call.get().caller
    assert caller is not None, "auth comes before admission"  # noqa: S101 - a programming error, not input
    return caller
