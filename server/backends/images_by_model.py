"""Images at a provider whose models are asked in several ways."""

import re
from collections.abc import AsyncGenerator, Sequence

from aignehub.v1 import image_service_pb2 as pb

from server.backends.base import Call, ImageBackend
from server.wire.pictures import ImageRequest


class ImagesByModel:
    """An ImageBackend that hands each call to another, by the provider's own name of the model."""

    def __init__(self, usual: ImageBackend, rows: Sequence[tuple[re.Pattern[str], ImageBackend]]) -> None:
        """``usual`` takes what matches no row from its beginning; the first row that does counts."""
        self._usual = usual
        self._rows = tuple(rows)

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageBackend.capabilities."""
        return self._of(model).capabilities(model)

    async def generate(self, request: pb.GenerateImagesRequest, call: Call) -> pb.GenerateImagesResponse:
        """See ImageBackend.generate."""
        return await self._of(call.model).generate(request, call)

    async def edit(self, request: pb.EditImagesRequest, call: Call) -> pb.EditImagesResponse:
        """See ImageBackend.edit."""
        return await self._of(call.model).edit(request, call)

    def stream(self, request: ImageRequest, call: Call) -> AsyncGenerator[pb.ImageStreamEvent]:
        """See ImageBackend.stream."""
        return self._of(call.model).stream(request, call)

    def _of(self, model: str) -> ImageBackend:
        return next((backend for pattern, backend in self._rows if pattern.match(model)), self._usual)
