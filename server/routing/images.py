"""Images over the plan of a call."""

from collections.abc import AsyncGenerator
from operator import methodcaller

from aignehub.v1.image_service_pb2 import (
    EditImagesRequest,
    EditImagesResponse,
    GenerateImagesRequest,
    GenerateImagesResponse,
    ImageStreamEvent,
)

from server.routing.attempt import Attempt, Terms, served
from server.routing.dispatch import Dispatch, Reading
from server.routing.plan import Plan


async def generate(
    request: GenerateImagesRequest, plan: Plan, terms: Terms, dispatch: Dispatch
) -> GenerateImagesResponse:
    """All images; ``gateway.attempts`` tells every attempt it took."""

    async def send(attempt: Attempt) -> GenerateImagesResponse:
        return await served(attempt.provider.images).generate(request, attempt.call)

    return await dispatch.whole(plan, terms, send)


async def edit(request: EditImagesRequest, plan: Plan, terms: Terms, dispatch: Dispatch) -> EditImagesResponse:
    """The same for changed images."""

    async def send(attempt: Attempt) -> EditImagesResponse:
        return await served(attempt.provider.images).edit(request, attempt.call)

    return await dispatch.whole(plan, terms, send)


def stream(
    request: GenerateImagesRequest | EditImagesRequest, plan: Plan, terms: Terms, dispatch: Dispatch
) -> AsyncGenerator[ImageStreamEvent]:
    """Events as they come; the summary is the last, also where the stream then breaks."""

    def send(attempt: Attempt) -> AsyncGenerator[ImageStreamEvent]:
        return served(attempt.provider.images).stream(request, attempt.call)

    return dispatch.stream(plan, terms, send, _READING)


_READING: Reading[ImageStreamEvent] = Reading(
    has_content=lambda event: not event.HasField("summary"),
    is_last=methodcaller("HasField", "summary"),
    gateway=lambda event: event.summary.gateway,
    usage=lambda event: event.summary.usage,
)
