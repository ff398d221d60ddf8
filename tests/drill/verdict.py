"""What a run comes to: every call judged by what the proxy, the providers and the caller saw of it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.drill.calls import Made
from tests.drill.faults import BEGUN, FAULTS, HARMLESS
from tests.drill.providers import Providers
from tests.drill.proxy import FaultProxy, Journey

CANCEL_SECONDS = 0.05
_RIGHT_CODES = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED", "INTERNAL", "RESOURCE_EXHAUSTED"})


@dataclass
class Verdict:
    """The figures of a run, and every call that went wrong."""

    calls: int = 0
    answered: int = 0
    rightly_failed: int = 0
    cancelled: int = 0
    repeats: int = 0
    hedges_lost: int = 0
    wrong: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    too_soon: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    cancel_seconds: list[float] = field(default_factory=list)
    by_fault: dict[str, Counter[str]] = field(default_factory=dict)
    by_dialect: dict[str, Counter[str]] = field(default_factory=dict)

    @property
    def cancel_p99(self) -> float:
        """Seconds from a caller's cancel to the closed connection at the provider's side."""
        ordered = sorted(self.cancel_seconds)
        return ordered[int(len(ordered) * 0.99)] if ordered else 0.0

    @property
    def passed(self) -> bool:
        """Whether all that must hold did."""
        fine = not (self.wrong or self.twice or self.too_soon or self.leaks)
        return fine and self.repeats <= 0.2 * self.calls and self.cancel_p99 <= CANCEL_SECONDS


def judge(made: Sequence[Made], proxy: FaultProxy, providers: Providers) -> Verdict:
    """Judges every call of a run that is over."""
    verdict = Verdict(calls=len(made), too_soon=list(proxy.too_soon))
    verdict.wrong += [f"a request that no provider would take: {one}" for one in providers.complaints]
    for call in made:
        journey = proxy.journeys.get(call.number, Journey())
        outcome = _outcome(call, journey)
        _count(verdict, call, journey, outcome)
        completed = providers.completed[call.number]
        # A hedge is a second request on purpose; it may be answered as well as the first.
        if call.cancelled_at is None and completed > 1 + call.hedged:
            verdict.twice.append(f"call {call.number}: {completed} completed outputs, {journey.faults}")
        verdict.repeats += call.repeats
        verdict.hedges_lost += call.lost
        if call.cancelled_at is not None and journey.left_at is not None and journey.left_at >= call.cancelled_at:
            verdict.cancel_seconds.append(journey.left_at - call.cancelled_at)
    return verdict


def _outcome(call: Made, journey: Journey) -> str:
    """answered, cancelled, failed rightly, or why it is wrong."""
    if call.cancelled_at is not None:
        return "cancelled"
    if call.answered:
        return "answered"
    if call.failed is None:
        return f"answered with {call.text[:60]!r}"
    if call.code == "DEADLINE_EXCEEDED" and not call.failed.reason and journey.faults:
        return "failed rightly"  # gRPC at the caller was faster to say so than the hub
    if call.code not in _RIGHT_CODES or not call.failed.reason:
        return f"ended with {call.code} {call.failed.reason}: {call.failed.message[:80]}"
    if call.stream and call.text:
        return "failed rightly"  # the caller had content: nothing may follow
    spoiled = {name for name, fault in journey.faults if fault and fault not in HARMLESS}
    last = journey.faults[-1][1] if journey.faults else ""
    if len(spoiled) > 1 or journey.limited or (not call.stream and last in BEGUN) or call.code == "RESOURCE_EXHAUSTED":
        return "failed rightly"
    return f"failed with {call.failed.reason} although somebody was left to ask: {call.failed.message[:80]}"


def _count(verdict: Verdict, call: Made, journey: Journey, outcome: str) -> None:
    match outcome:
        case "answered":
            verdict.answered += 1
        case "cancelled":
            verdict.cancelled += 1
        case "failed rightly":
            verdict.rightly_failed += 1
        case _:
            verdict.wrong.append(f"call {call.number} of {call.dialect}: {outcome}; {journey.faults}")
            outcome = "wrong"
    verdict.by_dialect.setdefault(call.dialect, Counter())[outcome] += 1
    for _, fault in journey.faults:
        if fault:
            verdict.by_fault.setdefault(fault, Counter())[outcome] += 1


def lines(verdict: Verdict, injected: Mapping[str, int]) -> Iterator[str]:
    """The report; the last line gives the figures."""
    outcomes = ("answered", "failed rightly", "cancelled", "wrong")
    yield f"{'fault':<16}{'injected':>10}" + "".join(f"{name:>16}" for name in outcomes)
    for name in FAULTS:
        row = verdict.by_fault.get(name, Counter())
        yield f"{name:<16}{injected.get(name, 0):>10}" + "".join(f"{row[outcome]:>16}" for outcome in outcomes)
    yield ""
    yield f"{'dialect':<26}" + "".join(f"{name:>16}" for name in outcomes)
    for name in sorted(verdict.by_dialect):
        row = verdict.by_dialect[name]
        yield f"{name:<26}" + "".join(f"{row[outcome]:>16}" for outcome in outcomes)
    yield ""
    for title, found in (
        ("wrong", verdict.wrong), ("paid for twice", verdict.twice), ("Retry-After broken", verdict.too_soon),
        ("left behind", verdict.leaks),
    ):  # fmt: skip
        yield from (f"{title}: {one}" for one in found[:20])
    yield (
        f"drill {'passed' if verdict.passed else 'FAILED'}: {verdict.calls} calls, {sum(injected.values())} faults, "
        f"{verdict.answered} answered, {verdict.rightly_failed} failed rightly, {verdict.cancelled} cancelled, "
        f"{len(verdict.wrong)} wrong, {len(verdict.twice)} paid for twice, {len(verdict.too_soon)} too soon, "
        f"{verdict.repeats} repeats ({100 * verdict.repeats / max(verdict.calls, 1):.1f} %), "
        f"{verdict.hedges_lost} hedges lost, cancel p99 {verdict.cancel_p99 * 1000:.0f} ms, {len(verdict.leaks)} leaks"
    )
