"""Chat over the plan of a call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from server.routing.attempt import Attempt, Terms, served
from server.routing.resolve import Plan


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
