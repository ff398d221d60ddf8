"""The call in progress: what interceptors learn of it and services may use.

gRPC's own context never goes below the services; this is the part of it that others need.
"""

from contextvars import ContextVar
from dataclasses import dataclass, field

from server.errors import HubError
from server.identity.caller import Caller
from server.phases import Phases


@dataclass(slots=True)
class CurrentCall:
    """One RPC. Telemetry makes it; auth fills in the caller; services tell what was answered."""

    method: str
    """``/package.Service/Method``."""
    request_id: str
    """The caller's x-request-id, or one made here."""
    traceparent: str = ""
    phases: Phases = field(default_factory=Phases)
    caller: Caller | None = None
    request_model: str = ""
    """The model as the caller named it; for the log line."""
    provider: str = ""
    provider_model: str = ""
    """The provider's own name of the model that failed."""
    response_model: str = ""
    credential: str = ""
    """Name of the provider's key that was used last, of a call that failed or took several attempts."""
    attempts: int = 0
    """How many it took, where that is more than one or the call failed."""
    subject: str = ""
    """Whom an operator's call is about: the id of a key, or a provider and its credential."""
    input_tokens: int = 0
    output_tokens: int = 0
    refusal: HubError | None = None
    """Why the call ends unread; None where it goes on."""
    reason: str = ""
    """ErrorInfo reason of a call that failed."""

    @property
    def known_caller(self) -> Caller:
        """The caller, once auth has told it."""
        assert self.caller is not None, "auth comes first"  # noqa: S101 - a programming error, not input
        return self.caller

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """Trailing metadata of every call: its id and where its time went."""
        return (("x-request-id", self.request_id), ("server-timing", self.phases.server_timing()))


current_call: ContextVar[CurrentCall] = ContextVar("current_call")
"""Set before any handler runs. Never reset: a generator may end in another context than it began in."""
