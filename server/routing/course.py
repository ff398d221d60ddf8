"""The course of one call through its plan: which attempt comes next, and when there is none left."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Self

from aignehub.v1.usage_pb2 import GatewayInfo

from server.errors import HubError, ProviderRateLimited, ProviderUnavailable, UnsupportedByProvider
from server.phases import Phases
from server.routing.attempt import Attempt, Terms
from server.routing.catalogue import Candidate
from server.routing.health.provider import Admission, ProviderHealth
from server.routing.plan import Plan
from server.routing.retry import Step, pause, phase_of, steps
from server.routing.rules import Shared

_MOST_WAITS = 3
"""Times that one call waits out a rate limit; the key may meet another meanwhile."""
_SHARE_OF_USUAL = 0.5
"""A further attempt that has less than half of the usual time to first content left is not begun."""


@dataclass(slots=True)
class _Slot:
    """One candidate and what has become of it in this call."""

    candidate: Candidate
    tier: int
    health: ProviderHealth
    tried: set[str] = field(default_factory=set)
    """Names of its credentials that failed."""
    asked: bool = False
    repeatable: HubError | None = None
    """Its last failure, where the same may be sent again."""


class Course:
    """State of one call, which lasts as long as its ``with``.

    ``next`` gives an attempt to make or seconds to wait; ``after`` is told how one failed.

    Within a tier, which is the plan's candidates for one model, other keys come first, then other providers, then
    repeats; only then the next model.
    """

    def __init__(
        self, plan: Plan, terms: Terms, shared: Shared, clock: Callable[[], float], *, streaming: bool
    ) -> None:
        self._plan = plan
        self._terms = terms
        self._shared = shared
        self._clock = clock
        self._streaming = streaming
        of = shared.book.of
        self._slots = [_Slot(one, plan.tier_of(place), of(one.provider)) for place, one in enumerate(plan.candidates)]
        self._again: _Slot | None = None
        self._repeats = 0
        self._waits = 0
        self._error: HubError | None = None
        self._made: list[Attempt] = []

    def next(self) -> Attempt | float:
        """The next attempt, or seconds after which to ask again. Raises the call's error where neither is left."""
        now = self._clock()
        if self._again is not None:
            slot, self._again = self._again, None
            candidates = [slot]
        else:
            candidates = [slot for slot in self._slots if not slot.asked]
        if self._error is not None and self._too_late(candidates, now):
            raise self._failure()
        for force in (False, True):
            for slot in candidates:
                leave = slot.health.enter(slot.candidate.model, now, slot.tried, force=force)
                if isinstance(leave, Admission):
                    if self._error is not None:
                        self._tell_of_another(slot, now)
                    return self._begin(slot, leave)
        return self._nowhere(candidates, now)

    def beside(self, running: Attempt) -> Attempt | None:
        """An attempt at another provider for the same model, to race ``running``; None where there is none."""
        tier = self._slot_of(running).tier
        for slot in self._slots:
            if slot.asked or slot.tier != tier or slot.candidate.provider.name == running.provider.name:
                continue
            leave = slot.health.enter(slot.candidate.model, self._clock(), slot.tried)
            if isinstance(leave, Admission):
                return self._begin(slot, leave)
        return None

    def failed(self, attempt: Attempt, error: HubError) -> tuple[Step, ...]:
        """Notes how an attempt failed; what may follow it."""
        attempt.failed(error)
        if self._error is None or not isinstance(error, UnsupportedByProvider):
            self._error = error
        allowed = steps(error, phase_of(error, told=False), streaming=self._streaming)
        slot = self._slot_of(attempt)
        slot.repeatable = error if Step.REPEAT in allowed else None
        if Step.CREDENTIAL in allowed:
            slot.tried.add(attempt.call.credential.name)
        return allowed

    def after(self, attempt: Attempt, error: HubError) -> float:
        """Seconds to wait before ``next``. Raises the call's error where nothing may follow."""
        allowed = self.failed(attempt, error)
        slot = self._slot_of(attempt)
        if Step.CREDENTIAL in allowed and len(slot.tried) < slot.health.pool.size:
            slot.asked = False
            return 0.0
        same_model = [one for one in self._slots if one.tier == slot.tier]
        if Step.PROVIDER in allowed and not all(one.asked for one in same_model):
            return 0.0
        further = Step.MODEL in allowed and any(one.tier > slot.tier and not one.asked for one in self._slots)
        if (wait := self._repeat(same_model, further=further)) is not None:
            return wait
        if further:
            for one in same_model:
                one.asked = True
            return 0.0
        raise self._failure()

    def blame(self, error: HubError) -> HubError:
        """``error`` that ends the call, knowing how many attempts were made and with which key the last."""
        if self._made:
            error.attempts, error.credential = len(self._made), self._made[-1].call.credential.name
        return error

    def tell(self, gateway: GatewayInfo) -> None:
        """Tells the caller of every attempt."""
        for attempt in self._made:
            attempt.tell(gateway.attempts.add())

    def __enter__(self) -> Self:
        """The call begins."""
        self._shared.repeats.calls += 1
        self._shared.hedges.earn()
        return self

    def __exit__(self, *error: object) -> None:
        """The call is over."""
        self._shared.repeats.calls -= 1
        for _ in range(self._repeats):
            self._shared.repeats.repay()
        self._repeats = 0

    def _slot_of(self, attempt: Attempt) -> _Slot:
        return next(slot for slot in self._slots if slot.candidate is attempt.candidate)

    def _begin(self, slot: _Slot, leave: Admission) -> Attempt:
        slot.asked = True
        terms, bound = self._terms, self._plan.attempt_timeout
        deadline = terms.deadline
        if bound is not None and not self._streaming:
            deadline = min(deadline, leave.began + bound)
        # Attempts that may overlap count their waits apart: a sum of them would be longer than the call.
        phases = terms.phases if self._plan.hedge_after is None else Phases()
        attempt = Attempt(slot.candidate, leave, slot.health, terms, self._clock, deadline=deadline, phases=phases)
        self._made.append(attempt)
        return attempt

    def _tell_of_another(self, slot: _Slot, now: float) -> None:
        """Logs that another candidate is asked in place of the one that failed last."""
        if self._made and (failed := self._made[-1]).candidate is not slot.candidate:
            self._slot_of(failed).health.notices.bad(
                "failover",
                now,
                model=failed.candidate.model,
                to=slot.candidate.id,
                reason=failed.reason,
                request_id=self._terms.request_id,
            )

    def _repeat(self, slots: Sequence[_Slot], *, further: bool) -> float | None:
        """Seconds after which one of the slots is asked the same again; None where that is no use or not allowed."""
        rules = self._shared.rules
        repeatable = [(slot, slot.repeatable) for slot in slots if slot.repeatable is not None]
        if not repeatable or self._repeats >= rules.max_repeats:
            return None
        slot, error = min(repeatable, key=lambda one: one[1].retry_after or 0.0)
        wait = pause(self._repeats, error.retry_after, self._shared.random)
        # Its own pauses are short, and beyond them there is nothing better to do where no other model is left.
        weighed = wait if further else error.retry_after or 0.0
        if weighed > rules.longest_wait or self._clock() + wait >= self._terms.deadline:
            return None
        if not self._shared.repeats.borrow():
            return None
        self._repeats += 1
        slot.tried.clear()
        self._again = slot
        return wait

    def _too_late(self, slots: Sequence[_Slot], now: float) -> bool:
        left = self._terms.deadline - now
        usual = [model.pace.p50 or 0.0 for slot in slots if (model := slot.health.known(slot.candidate.model))]
        return left <= min(usual, default=0.0) * _SHARE_OF_USUAL

    def _nowhere(self, slots: Sequence[_Slot], now: float) -> float:
        """No provider may be asked just now: seconds until one may, or the error.

        Where another attempt failed in a way that may be repeated, that is sooner done than waiting out a rate limit.
        """
        if (again := self._repeat(self._slots, further=False)) is not None:
            return again
        waits = [wait for slot in slots if (wait := slot.health.pool.wait(slot.candidate.model, now)) > 0]
        wait = min(waits, default=0.0)
        short = 0 < wait <= self._shared.rules.longest_wait and now + wait < self._terms.deadline
        if short and self._waits < _MOST_WAITS:
            self._waits += 1
            return wait
        if self._error is not None:
            raise self._failure()
        where = self._slots[0].candidate
        told = {"provider": where.provider.name, "model": where.model}
        if waits:
            raise ProviderRateLimited(
                f"every key of {where.provider.name} waits out the provider's rate limit",
                metadata=told,
                retry_after=wait,
            )
        raise ProviderUnavailable(
            f"{where.provider.name} has as many calls in progress as it takes just now", metadata=told, retry_after=1.0
        )

    def _failure(self) -> HubError:
        """The error of the call, telling how many attempts it took."""
        error = self.blame(self._error or ProviderUnavailable("no provider could be asked"))
        if len(self._made) > 1:
            tried = [f"{one.candidate.id} {one.reason}" for one in self._made[:8]]
            error.metadata["attempts"] = ", ".join(tried)[:512]
        return error
