"""One try at one candidate, and what a call brings along to all of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from aignehub.v1.usage_pb2 import Attempt as AttemptInfo
from google.rpc.error_details_pb2 import ErrorInfo

from server.backends.base import Call
from server.errors import DOMAIN, HubError, Internal
from server.phases import Phases, put_seconds
from server.routing.catalogue import Candidate, Provider
from server.routing.health.provider import Admission, ProviderHealth

B = TypeVar("B")


@dataclass(slots=True)
class Terms:
    """What one call brings along, whichever provider serves it."""

    deadline: float
    """When it must be over, on the event loop's clock."""
    request_id: str
    phases: Phases
    traceparent: str = ""


class Attempt:
    """One try at one candidate. It ends exactly once, in one of four ways, and tells what was learned of it."""

    __slots__ = (
        "_clock",
        "_error",
        "_health",
        "_leave",
        "_lost",
        "_over",
        "_seconds",
        "call",
        "candidate",
        "cost_nano_usd",
        "first_at",
        "phases",
        "reason",
    )

    def __init__(
        self,
        candidate: Candidate,
        leave: Admission,
        health: ProviderHealth,
        terms: Terms,
        clock: Callable[[], float],
        *,
        deadline: float,
        phases: Phases,
    ) -> None:
        self.candidate = candidate
        self.first_at: float | None = None
        """When its content began, on the clock."""
        self.phases = phases
        self.reason = "OK"
        """The ErrorInfo reason of its failure."""
        self._leave = leave
        self._health = health
        self._clock = clock
        self._over = False
        self._seconds = 0.0
        self._error: HubError | None = None
        self._lost = False
        self.cost_nano_usd: int | None = None
        """What it cost; None where that is not known."""
        credential = leave.credential
        self.call = Call(
            deadline=deadline,
            model=candidate.model,
            credential=credential,
            request_id=terms.request_id,
            phases=phases,
            traceparent=terms.traceparent,
        )

    @property
    def provider(self) -> Provider:
        """Where it is made."""
        return self.candidate.provider

    @property
    def began(self) -> float:
        """When it began, on the clock."""
        return self._leave.began

    def content(self) -> None:
        """Its content has begun to come; said once."""
        self.first_at = self._clock()
        self._health.first_content(self._leave, self.first_at)

    def succeeded(self, tokens: int = 0) -> None:
        """It was answered to the end, with so many tokens."""
        if self._end():
            self._health.succeeded(self._leave, self._clock(), tokens)

    def failed(self, error: HubError) -> None:
        """It ended with ``error``."""
        if self._end():
            self._health.failed(self._leave, error, self._clock())
            self.reason = error.reason
            self._error = error

    def lost(self) -> None:
        """Another attempt won; what this one cost is not known to anybody."""
        if self._end():
            self._health.ended(self._leave)
            self._lost = True

    def abandoned(self) -> None:
        """Its caller went away. Says nothing where it has ended already."""
        if self._end():
            self._health.ended(self._leave)

    def tell(self, info: AttemptInfo) -> None:
        """Tells the caller of it, once the call is over."""
        call = self.call
        info.provider, info.provider_model, info.credential = self.provider.name, call.model, call.credential.name
        put_seconds(info.duration, self._seconds)
        if self.cost_nano_usd is not None:
            info.cost_nano_usd = self.cost_nano_usd
        if self._lost:
            info.lost = True
        if (error := self._error) is not None:
            info.status.code = error.code
            info.status.message = error.message
            info.status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN))

    def _end(self) -> bool:
        if self._over:
            return False
        self._over = True
        self._seconds = self._clock() - self._leave.began
        return True


def served(backend: B | None) -> B:
    """The backend of a modality that the plan has made sure of."""
    if backend is None:
        raise Internal("the plan holds a provider that does not serve the call")
    return backend
