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

    __slots__ = ("_clock", "_health", "_leave", "_over", "call", "candidate", "first_at", "info", "phases", "reason")

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
        credential = leave.credential
        self.call = Call(
            deadline=deadline,
            model=candidate.model,
            credential=credential,
            request_id=terms.request_id,
            phases=phases,
            traceparent=terms.traceparent,
        )
        self.info = AttemptInfo(
            provider=candidate.provider.name, provider_model=candidate.model, credential=credential.name
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
            self.info.status.code = error.code
            self.info.status.message = error.message
            self.info.status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN))

    def lost(self) -> None:
        """Another attempt won; what this one cost is not known to anybody."""
        if self._end():
            self._health.ended(self._leave)
            self.info.lost = True

    def abandoned(self) -> None:
        """Its caller went away. Says nothing where it has ended already."""
        if self._end():
            self._health.ended(self._leave)

    def _end(self) -> bool:
        if self._over:
            return False
        self._over = True
        put_seconds(self.info.duration, self._clock() - self._leave.began)
        return True


def served(backend: B | None) -> B:
    """The backend of a modality that the plan has made sure of."""
    if backend is None:
        raise Internal("the plan holds a provider that does not serve the call")
    return backend
