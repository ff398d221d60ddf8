"""Stability AI's Stable Image API (v2beta): a form in, one image out."""

from dataclasses import dataclass

from server.errors import HubError
from server.wire.codec import ImageStreamDecoder
from server.wire.http import HttpRequest, HttpResponse
from server.wire.images.ways import as_form, capabilities_of, drafted, way_of
from server.wire.images.whole import no_stream
from server.wire.pictures import Drawn, ImageRequest
from server.wire.stability.answer import decode, read_error
from server.wire.stability.ways import OWNED, WAYS

__all__ = ["StabilityCodec"]


@dataclass(frozen=True, slots=True)
class StabilityCodec:
    """The ImageCodec. Each request makes one image."""

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ImageCodec.encode."""
        way = way_of(WAYS, request, model)
        # The image itself, which is a third smaller than its base64 in JSON; errors are JSON all the same.
        return as_form(way, request, drafted(way, request, model, "stability"), owned=OWNED, accept="image/*")

    def decode(self, response: HttpResponse) -> Drawn:
        """See ImageCodec.decode."""
        return decode(response)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageCodec.decode_error."""
        return read_error(response)

    def decoder(self, request: ImageRequest) -> ImageStreamDecoder:
        """See ImageCodec.decoder."""
        return no_stream()

    def streams(self, model: str) -> bool:
        """See ImageCodec.streams."""
        return False

    def reads_urls(self, model: str) -> bool:
        """See ImageCodec.reads_urls."""
        return False

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
        return capabilities_of(WAYS, model)
