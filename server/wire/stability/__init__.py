"""Stability AI's Stable Image API (v2beta): a form in, one image out."""

from typing_extensions import override

from server.errors import HubError
from server.wire.http import HttpResponse
from server.wire.images.by_form import FormImageCodec
from server.wire.pictures import Drawn
from server.wire.stability.answer import decode, read_error
from server.wire.stability.ways import OWNED, WAYS

__all__ = ["StabilityCodec"]


class StabilityCodec(FormImageCodec):
    """The ImageCodec. Each request makes one image."""

    __slots__ = ()

    provider = "stability"
    ways = WAYS
    owned = OWNED
    # The image itself, which is a third smaller than its base64 in JSON; errors are JSON all the same.
    accept = "image/*"

    @override
    def decode(self, response: HttpResponse) -> Drawn:
        return decode(response)

    @override
    def decode_error(self, response: HttpResponse) -> HubError:
        return read_error(response)
