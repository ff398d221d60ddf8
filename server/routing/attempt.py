"""One try at one candidate, and what a call brings along to all of them."""

from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

from aignehub.v1.usage_pb2 import Attempt as AttemptInfo
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call
from server.errors import Internal
from server.phases import Phases
from server.routing.catalogue import Candidate, Provider
from server.transport.endpoint import Credential

B = TypeVar("B")

_KEYLESS = Credential("none")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one call brings along, whichever provider serves it."""

    deadline: float
    """When it must be over, on the event loop's clock."""
    request_id: str
    phases: Phases
    traceparent: str = ""


class Attempt:
    """One try at one candidate. Further attempts, when they come, make one of these each."""

    def __init__(self, candidate: Candidate, terms: Terms) -> None:
        provider = candidate.provider
        self.provider: Provider = provider
        self._began = perf_counter()
        self.call = Call(
            deadline=terms.deadline,
            model=candidate.model,
            credential=provider.credentials[0] if provider.credentials else _KEYLESS,
            request_id=terms.request_id,
            phases=terms.phases,
            traceparent=terms.traceparent,
        )

    def tell(self, gateway: GatewayInfo) -> None:
        """Adds this attempt to what the caller is told."""
        attempt = AttemptInfo(
            provider=self.provider.name, provider_model=self.call.model, credential=self.call.credential.name
        )
        attempt.duration.FromMicroseconds(int((perf_counter() - self._began) * 1_000_000))
        gateway.attempts.append(attempt)


def served(backend: B | None) -> B:
    """The backend of a modality that the plan has made sure of."""
    if backend is None:
        raise Internal("the plan holds a provider that does not serve the call")
    return backend
