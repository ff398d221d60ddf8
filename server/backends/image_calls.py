"""The two calls for whole images, which differ in their messages alone."""

from abc import ABC, abstractmethod
from typing import TypeVar

from aignehub.v1 import image_service_pb2 as pb

from server.backends.base import Call
from server.wire.pictures import ImageRequest

Whole = TypeVar("Whole", pb.GenerateImagesResponse, pb.EditImagesResponse)


class ImageCalls(ABC):
    """That part of an ImageBackend."""

    async def generate(self, request: pb.GenerateImagesRequest, call: Call) -> pb.GenerateImagesResponse:
        """See ImageBackend.generate."""
        return await self._whole(request, pb.GenerateImagesResponse(), call)

    async def edit(self, request: pb.EditImagesRequest, call: Call) -> pb.EditImagesResponse:
        """See ImageBackend.edit."""
        return await self._whole(request, pb.EditImagesResponse(), call)

    @abstractmethod
    async def _whole(self, request: ImageRequest, response: Whole, call: Call) -> Whole:
        """Fills ``response``. Raises HubError."""
