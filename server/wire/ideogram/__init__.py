"""Ideogram's images: a form in, addresses of images out."""

from typing_extensions import override

from server.errors import HubError
from server.wire.http import HttpResponse
from server.wire.ideogram.answer import decode, read_error
from server.wire.ideogram.ways import OWNED, WAYS
from server.wire.images.by_form import FormImageCodec
from server.wire.pictures import Drawn

__all__ = ["IdeogramCodec"]


class IdeogramCodec(FormImageCodec):
    """The ImageCodec."""

    __slots__ = ()

    provider = "ideogram"
    ways = WAYS
    owned = OWNED
    accept = "application/json"

    @override
    def decode(self, response: HttpResponse) -> Drawn:
        return decode(response)

    @override
    def decode_error(self, response: HttpResponse) -> HubError:
        return read_error(response)
