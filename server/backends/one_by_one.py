"""Several images of a provider that draws one a request: as many requests, a few at once, and one answer."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from copy import deepcopy
from dataclasses import replace
from time import perf_counter
from typing import TypeVar

from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1.usage_pb2 import GatewayInfo

from server.backends.base import Call, ImageBackend
from server.errors import HubError
from server.phases import Phases
from server.wire.images.usage import add
from server.wire.pictures import ImageRequest

AT_ONCE = 4
"""Requests of one call in progress together."""

T = TypeVar("T")
_Q = TypeVar("_Q", bound=ImageRequest)
_R = TypeVar("_R", pb.GenerateImagesResponse, pb.EditImagesResponse)


class OneByOneImages:
    """An ImageBackend around another that takes no ``n``, or whose models of which ``splits`` is true take none.

    Image k of a call with a seed is drawn with seed + k: the images differ, and each can be drawn again. Where one
    request fails, the call fails with its error and the others are cancelled.
    """

    def __init__(self, inner: ImageBackend, splits: Callable[[str], bool] = lambda _: True) -> None:
        self._inner = inner
        self._splits = splits

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageBackend.capabilities."""
        return self._inner.capabilities(model)

    async def generate(self, request: pb.GenerateImagesRequest, call: Call) -> pb.GenerateImagesResponse:
        """See ImageBackend.generate."""
        if not self._splits(call.model):
            return await self._inner.generate(request, call)
        async with _together(request, call, self._inner.generate) as tasks:
            return _joined(await _all(tasks))

    async def edit(self, request: pb.EditImagesRequest, call: Call) -> pb.EditImagesResponse:
        """See ImageBackend.edit."""
        if not self._splits(call.model):
            return await self._inner.edit(request, call)
        async with _together(request, call, self._inner.edit) as tasks:
            return _joined(await _all(tasks))

    async def stream(self, request: ImageRequest, call: Call) -> AsyncGenerator[pb.ImageStreamEvent]:
        """See ImageBackend.stream. The events of one image stay together; images come as they are ready."""
        if not self._splits(call.model):
            async with aclosing(self._inner.stream(request, call)) as unsplit:
                async for event in unsplit:
                    yield event
            return
        summary = pb.ImageStreamSummary()
        begun = False
        try:
            async with _together(request, call, self._events) as tasks, aclosing(_as_ready(tasks)) as answers:
                async for place, events in answers:
                    _add_summary(summary, events.pop().summary)
                    for event in events:
                        begun = True
                        yield _placed(event, place, request.options.n or 1)
        except HubError:
            if begun:
                yield pb.ImageStreamEvent(summary=summary)
            raise
        yield pb.ImageStreamEvent(summary=summary)

    async def _events(self, request: ImageRequest, call: Call) -> list[pb.ImageStreamEvent]:
        async with aclosing(self._inner.stream(request, call)) as events:
            return [event async for event in events]


def _alone(request: _Q, place: int) -> _Q:
    """The request for the image of one place."""
    alone = deepcopy(request)
    alone.options.ClearField("n")
    if alone.options.HasField("seed"):
        alone.options.seed += place
    return alone


@asynccontextmanager
async def _together(
    request: _Q, call: Call, ask: Callable[[_Q, Call], Awaitable[T]]
) -> AsyncIterator[list["asyncio.Task[T]"]]:
    """A task for each image. All are over when it is left."""
    count = request.options.n or 1
    gate = asyncio.Semaphore(AT_ONCE)
    # Waits that overlap must not be summed: what they come to together is measured here.
    apart = [Phases() for _ in range(count)]

    async def one(place: int) -> T:
        async with gate:
            return await ask(_alone(request, place), replace(call, phases=apart[place]))

    began = perf_counter()
    tasks = [asyncio.ensure_future(one(place)) for place in range(count)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        waited = sum(phases.spent("upstream") for phases in apart)
        call.phases.add("upstream_ttfb", apart[0].spent("upstream_ttfb"))
        call.phases.add("upstream", min(waited, perf_counter() - began))


async def _all(tasks: Sequence["asyncio.Task[T]"]) -> list[T]:
    """Every answer. An image that was made is paid for, also where another then fails."""
    try:
        return await asyncio.gather(*tasks)
    except HubError as error:
        error.answered = error.answered or any(_answered(task) for task in tasks)
        raise


def _answered(task: "asyncio.Task[T]") -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _as_ready(tasks: Sequence["asyncio.Task[T]"]) -> AsyncGenerator[tuple[int, T]]:
    """Each answer with its place, as soon as it is there."""
    places = {task: place for place, task in enumerate(tasks)}
    while places:
        done, _ = await asyncio.wait(places, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(done, key=places.__getitem__):
            yield places.pop(task), task.result()


def _joined(answers: Sequence[_R]) -> _R:
    whole = answers[0]
    for place, answer in enumerate(answers[1:], start=1):
        for image in answer.images:
            image.index = place + len(answers) * image.index
        whole.images.extend(answer.images)
        add(whole.usage, answer.usage)
        _add_adjusted(whole.gateway, answer.gateway)
    return whole


def _add_summary(total: pb.ImageStreamSummary, more: pb.ImageStreamSummary) -> None:
    if not total.gateway.provider:
        total.CopyFrom(more)
        return
    add(total.usage, more.usage)
    _add_adjusted(total.gateway, more.gateway)


def _add_adjusted(total: GatewayInfo, more: GatewayInfo) -> None:
    total.adjusted_fields.extend(path for path in more.adjusted_fields if path not in total.adjusted_fields)


def _placed(event: pb.ImageStreamEvent, place: int, count: int) -> pb.ImageStreamEvent:
    """The event under a number of its own among all of ``count`` requests; one may be answered with several images."""
    kind = event.WhichOneof("event")
    if kind:
        image = getattr(event, kind)
        image.index = place + count * image.index
    return event
