"""All that is known of one provider instance: its keys, its limit, and how each of its models does."""

from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum

from server.errors import HubError, ProviderQuotaExceeded
from server.routing.health.breaker import Breaker, BreakerRules, Pass
from server.routing.health.concurrency import ConcurrencyLimit, ConcurrencyRules
from server.routing.health.credentials import CredentialPool, Lease
from server.routing.health.notices import Notices
from server.routing.health.pace import Pace
from server.routing.health.share import FailureShare
from server.transport.endpoint import Credential

_MOST_MODELS = 1000
"""Models of one provider of which something is remembered; their names come from callers."""
KEYLESS = Credential("none")


@dataclass(frozen=True, slots=True)
class HealthRules:
    """How providers are judged."""

    breaker: BreakerRules = field(default_factory=BreakerRules)
    concurrency: ConcurrencyRules = field(default_factory=ConcurrencyRules)


class Refusal(Enum):
    """Why a provider is not to be asked just now."""

    BROKEN = "its breaker is open"
    BUSY = "it has as many calls in progress as it takes"
    COOLING = "every key of it must wait out a rate limit"
    TRIED = "every key of it was tried"


@dataclass(slots=True)
class ModelHealth:
    """How one model at one provider does."""

    breaker: Breaker
    pace: Pace = field(default_factory=Pace)
    failures: FailureShare = field(default_factory=FailureShare)
    """Of the calls that tell something of the provider."""
    name: str = ""
    """The provider's own."""
    last_error: HubError | None = None


@dataclass(slots=True)
class Admission:
    """Leave to make one attempt. It is given back exactly once, by one of ProviderHealth's methods."""

    model: ModelHealth
    given: Pass
    lease: Lease | None
    began: float

    @property
    def credential(self) -> Credential:
        """The key to use; a nameless one where the provider needs none."""
        return self.lease.credential if self.lease else KEYLESS


class ProviderHealth:
    """One provider instance. Times are in seconds on one clock, the caller's."""

    def __init__(self, credentials: tuple[Credential, ...], rules: HealthRules, name: str = "") -> None:
        """``name`` is the instance's."""
        self.notices = Notices(name)
        self.pool = CredentialPool(credentials)
        self.limit = ConcurrencyLimit(rules.concurrency)
        self._rules = rules
        self._models: OrderedDict[str, ModelHealth] = OrderedDict()

    def follow(self, rules: HealthRules) -> None:
        """Goes by other rules from now on; what was learned stays."""
        if rules == self._rules:
            return
        self._rules = rules
        self.limit.follow(rules.concurrency)
        for model in self._models.values():
            model.breaker.follow(rules.breaker)

    def forgive(self) -> None:
        """What failed may work now, with other keys: breakers are closed, failures forgotten; pace and limit stay."""
        for model in self._models.values():
            model.breaker = Breaker(self._rules.breaker)
            model.failures = FailureShare()
            model.last_error = None

    def model(self, name: str) -> ModelHealth:
        """What is known of a model; made where nothing is."""
        known = self._models.get(name)
        if known is None:
            if len(self._models) >= _MOST_MODELS:
                self._models.popitem(last=False)
            known = self._models[name] = ModelHealth(Breaker(self._rules.breaker), name=name)
        return known

    def known(self, name: str) -> ModelHealth | None:
        """What is known of a model; None where it was never asked."""
        return self._models.get(name)

    def models(self) -> Iterable[tuple[str, ModelHealth]]:
        """Every model that was asked, with what is known of it."""
        return tuple(self._models.items())

    def enter(self, name: str, now: float, tried: Collection[str], *, force: bool = False) -> Admission | Refusal:
        """Leave for an attempt with a key not ``tried``, or why there is none.

        ``force`` passes over what the hub only infers (breaker, limit) and never over what the provider said.
        """
        lease = None
        if self.pool.size:
            lease = self.pool.pick(name, now, tried)
            if lease is None:
                return Refusal.COOLING if self.pool.wait(name, now) > 0 else Refusal.TRIED
        elif KEYLESS.name in tried:
            return Refusal.TRIED
        model = self.model(name)
        given = model.breaker.enter(now, force=force)
        refusal = Refusal.BROKEN
        if given is not None:
            if self.limit.enter(force=force):
                return Admission(model, given, lease, now)
            model.breaker.ended(given)
            refusal = Refusal.BUSY
        if lease is not None:
            self.pool.ended(lease)
        return refusal

    def first_content(self, leave: Admission, now: float) -> None:
        """Content has begun to come."""
        seconds = now - leave.began
        leave.model.pace.first_content(seconds, now)
        self.limit.observe(seconds)

    def succeeded(self, leave: Admission, now: float, tokens: int = 0) -> None:
        """The call was answered, with so many tokens."""
        self.limit.leave()
        if leave.model.breaker.succeeded(leave.given, now):
            self.notices.good("breaker closed", now, model=leave.model.name)
        leave.model.pace.produced(tokens, now - leave.began)
        leave.model.failures.count(now, failed=False)
        if leave.lease is not None:
            self.key_taken(leave.lease, now)

    def failed(self, leave: Admission, error: HubError, now: float) -> None:
        """The call ended with an error, which says whose fault it was."""
        self.limit.leave()
        fault = fault_of(error)
        model = leave.model
        if fault in (Fault.PROVIDER, Fault.OVERLOAD):
            if model.breaker.failed(leave.given, now):
                wait = round(model.breaker.wait(now), 3)
                self.notices.bad("breaker opened", now, model=model.name, reason=error.reason, open_for=wait)
            model.failures.count(now, failed=True)
            model.last_error = error
        else:
            model.breaker.ended(leave.given)
        if fault in (Fault.OVERLOAD, Fault.LIMIT):
            self.limit.overloaded()
        if fault is Fault.SLOW:
            model.pace.waited(now - leave.began, now)
        if leave.lease is not None:
            self._judge_key(leave.lease, fault, error, now)

    def ended(self, leave: Admission) -> None:
        """The call was given up: by its caller, or because another attempt won."""
        self.limit.leave()
        leave.model.breaker.ended(leave.given)
        if leave.lease is not None:
            self.pool.ended(leave.lease)

    def key_taken(self, lease: Lease, now: float) -> None:
        """The provider took a key."""
        if self.pool.succeeded(lease):
            self.notices.good("key works again", now, credential=lease.credential.name)

    def key_refused(self, lease: Lease, error: HubError, now: float) -> None:
        """The provider refused a key."""
        if self.pool.refused(lease, now, spent=isinstance(error, ProviderQuotaExceeded)):
            self.notices.bad("key refused", now, credential=lease.credential.name, reason=error.reason)

    def _judge_key(self, lease: Lease, fault: "Fault", error: HubError, now: float) -> None:
        if fault is Fault.KEY:
            self.key_refused(lease, error, now)
        elif fault is Fault.LIMIT:
            self.pool.limited(lease, now, error.retry_after)
        else:
            self.pool.ended(lease)


class Fault(Enum):
    """Whose fault a failure was."""

    CALLER = "caller"
    """The request's, or the deadline's: nobody else suffers for it."""
    KEY = "key"
    LIMIT = "limit"
    PROVIDER = "provider"
    OVERLOAD = "overload"
    """The provider's, because it has too much to do."""
    SLOW = "slow"
    """The call's own time ran out while the provider was silent."""


_FAULTS = {
    "PROVIDER_CREDENTIAL_INVALID": Fault.KEY,
    "PROVIDER_QUOTA_EXCEEDED": Fault.KEY,
    "PROVIDER_RATE_LIMITED": Fault.LIMIT,
    "PROVIDER_UNAVAILABLE": Fault.PROVIDER,
    "PROVIDER_BAD_RESPONSE": Fault.PROVIDER,
    "PROVIDER_TIMEOUT": Fault.OVERLOAD,
    "ATTEMPT_TIMED_OUT": Fault.SLOW,
}
_OVERLOADED = frozenset({"503", "529"})


def fault_of(error: HubError) -> Fault:
    """Whose fault ``error`` was, by its reason."""
    fault = _FAULTS.get(error.reason, Fault.CALLER)
    if fault is Fault.OVERLOAD and not error.helps:
        return Fault.SLOW
    if fault is Fault.PROVIDER and error.metadata.get("providerStatus") in _OVERLOADED:
        return Fault.OVERLOAD
    return fault
