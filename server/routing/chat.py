"""Chat over the plan of a call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from time import perf_counter

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import Attempt, GatewayInfo

from server.backends.base import Call, ChatBackend
from server.errors import HubError
from server.phases import Phases
from server.routing.catalogue import Candidate
from server.routing.resolve import Plan
from server.transport.endpoint import Credential

_KEYLESS = Credential("none")


@dataclass(frozen=True, slots=True)
class Terms:
    """What one call brings along, whichever provider serves it."""

    deadline: float
    """When it must be over, on the event loop's clock."""
    request_id: str
    phases: Phases
    traceparent: str = ""


async def chat(request: CreateChatCompletionRequest, plan: Plan, terms: Terms) -> CreateChatCompletionResponse:
    """The answer of the first candidate; ``gateway.attempts`` tells how it went."""
    attempt = _Attempt(plan.candidates[0], terms)
    response = await attempt.backend.chat(request, attempt.call)
    attempt.tell(response.gateway)
    return response


async def chat_stream(
    request: CreateChatCompletionRequest, plan: Plan, terms: Terms
) -> AsyncGenerator[StreamChatCompletionResponse]:
    """Chunks of the first candidate; the last one has ``gateway``, also where the stream then breaks."""
    attempt = _Attempt(plan.candidates[0], terms)
    async with aclosing(attempt.backend.chat_stream(request, attempt.call)) as chunks:
        async for chunk in chunks:
            if chunk.HasField("gateway"):
                attempt.tell(chunk.gateway)
            yield chunk


class _Attempt:
    """One try at one candidate. Further attempts, when they come, make one of these each."""

    def __init__(self, candidate: Candidate, terms: Terms) -> None:
        provider = candidate.provider
        if provider.chat is None:
            raise HubError("the plan holds a provider without chat")
        self.backend: ChatBackend = provider.chat
        self._candidate = candidate
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
        attempt = Attempt(
            provider=self._candidate.provider.name,
            provider_model=self._candidate.model,
            credential=self.call.credential.name,
        )
        attempt.duration.FromMicroseconds(int((perf_counter() - self._began) * 1_000_000))
        gateway.attempts.append(attempt)
