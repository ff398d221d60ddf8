"""Chat over the plan of a call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aignehub.v1.chat_service_pb2 import (
    CountTokensResponse,
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from server.errors import UnsupportedByProvider
from server.routing.attempt import Attempt, Terms, served
from server.routing.resolve import Plan
from server.wire import estimate


async def chat(request: CreateChatCompletionRequest, plan: Plan, terms: Terms) -> CreateChatCompletionResponse:
    """The answer of the first candidate; ``gateway.attempts`` tells how it went."""
    attempt = Attempt(plan.candidates[0], terms)
    response = await served(attempt.provider.chat).chat(request, attempt.call)
    attempt.tell(response.gateway)
    return response


async def chat_stream(
    request: CreateChatCompletionRequest, plan: Plan, terms: Terms
) -> AsyncGenerator[StreamChatCompletionResponse]:
    """Chunks of the first candidate; the last one has ``gateway``, also where the stream then breaks."""
    attempt = Attempt(plan.candidates[0], terms)
    async with aclosing(served(attempt.provider.chat).chat_stream(request, attempt.call)) as chunks:
        async for chunk in chunks:
            if chunk.HasField("gateway"):
                attempt.tell(chunk.gateway)
            yield chunk


async def count_tokens(request: CreateChatCompletionRequest, plan: Plan, terms: Terms) -> CountTokensResponse:
    """Tokens as the first candidate counts them, or an estimate that says so where it cannot."""
    candidate = plan.candidates[0]
    if (counter := candidate.provider.counter) is not None:
        try:
            return await counter.count(request, Attempt(candidate, terms).call)
        except UnsupportedByProvider:
            pass  # this model, or something in this request, is not counted there
    return estimate.count(request, candidate.id)
