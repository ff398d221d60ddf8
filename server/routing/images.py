"""Images over the plan of a call."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from aignehub.v1.image_service_pb2 import (
    EditImagesRequest,
    EditImagesResponse,
    GenerateImagesRequest,
    GenerateImagesResponse,
    ImageStreamEvent,
)

from server.routing.attempt import Attempt, Terms, served
from server.routing.resolve import Plan


async def generate(request: GenerateImagesRequest, plan: Plan, terms: Terms) -> GenerateImagesResponse:
    """The images of the first candidate; ``gateway.attempts`` tells how it went."""
    attempt = Attempt(plan.candidates[0], terms)
    response = await served(attempt.provider.images).generate(request, attempt.call)
    attempt.tell(response.gateway)
    return response


async def edit(request: EditImagesRequest, plan: Plan, terms: Terms) -> EditImagesResponse:
    """The same for changed images."""
    attempt = Attempt(plan.candidates[0], terms)
    response = await served(attempt.provider.images).edit(request, attempt.call)
    attempt.tell(response.gateway)
    return response


async def stream(
    request: GenerateImagesRequest | EditImagesRequest, plan: Plan, terms: Terms
) -> AsyncGenerator[ImageStreamEvent]:
    """Events of the first candidate; the summary is the last, also where the stream then breaks."""
    attempt = Attempt(plan.candidates[0], terms)
    async with aclosing(served(attempt.provider.images).stream(request, attempt.call)) as events:
        async for event in events:
            if event.HasField("summary"):
                attempt.tell(event.summary.gateway)
            yield event
