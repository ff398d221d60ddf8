"""aignehub.v1.ImageService: validate, resolve, delegate."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from aignehub.v1.image_service_pb2 import (
    EditImagesRequest,
    EditImagesResponse,
    GenerateImagesRequest,
    GenerateImagesResponse,
    ImageStreamEvent,
)
from aignehub.v1.image_service_pb2_grpc import ImageServiceServicer
from typing_extensions import override

from server.calls import current_call
from server.routing.catalogue import Modality
from server.routing.images import edit, generate, stream
from server.routing.plan import Plan
from server.services.frame import Context, Frame, conclude
from server.services.replays import refuse_for_streams
from server.services.validation import validate


class ImageService(ImageServiceServicer):
    """Images of every provider of the catalogue that draws."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @override
    async def GenerateImages(self, request: GenerateImagesRequest, context: Context) -> GenerateImagesResponse:
        call = current_call.get()
        plan = self._plan(request)

        async def make() -> GenerateImagesResponse:
            return await generate(request, plan, self._frame.terms(context), self._frame.dispatch)

        response = await self._frame.once(request, request.gateway, make)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    async def EditImages(self, request: EditImagesRequest, context: Context) -> EditImagesResponse:
        call = current_call.get()
        plan = self._plan(request)

        async def make() -> EditImagesResponse:
            return await edit(request, plan, self._frame.terms(context), self._frame.dispatch)

        response = await self._frame.once(request, request.gateway, make)
        conclude(call, response.gateway, response.usage)
        call.response_model = response.model
        return response

    @override
    async def StreamGenerateImages(
        self, request: GenerateImagesRequest, context: Context
    ) -> AsyncIterator[ImageStreamEvent]:
        async with aclosing(self._stream(request, context)) as events:
            async for event in events:
                yield event

    @override
    async def StreamEditImages(self, request: EditImagesRequest, context: Context) -> AsyncIterator[ImageStreamEvent]:
        async with aclosing(self._stream(request, context)) as events:
            async for event in events:
                yield event

    async def _stream(
        self, request: GenerateImagesRequest | EditImagesRequest, context: Context
    ) -> AsyncGenerator[ImageStreamEvent]:
        call = current_call.get()
        refuse_for_streams(request.gateway)
        plan = self._plan(request)
        first_at: float | None = None
        async with aclosing(stream(request, plan, self._frame.terms(context), self._frame.dispatch)) as events:
            async for event in events:
                if first_at is None:
                    first_at = call.phases.total()
                if event.HasField("summary"):
                    summary = event.summary
                    conclude(call, summary.gateway, summary.usage)
                    call.response_model = summary.model
                    summary.gateway.time_to_first_token.FromMicroseconds(int(first_at * 1_000_000))
                yield event

    def _plan(self, request: GenerateImagesRequest | EditImagesRequest) -> Plan:
        """The plan for a request that is sound and that the caller may make."""
        validate(request)
        return self._frame.plan(request.model, request.gateway, Modality.IMAGES)
