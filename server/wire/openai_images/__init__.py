"""OpenAI's images API, and everything that calls itself compatible with it."""

from dataclasses import dataclass

from server.errors import HubError
from server.wire import provider_errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_images.answer import decode
from server.wire.openai_images.host import ImageHost
from server.wire.openai_images.names import NAMES
from server.wire.openai_images.request import encode
from server.wire.openai_images.stream import ImageStreamReader
from server.wire.pictures import Drawn, ImageRequest

__all__ = ["ImageHost", "OpenAIImagesCodec"]


@dataclass(frozen=True, slots=True)
class OpenAIImagesCodec:
    """The ImageCodec of one host."""

    host: ImageHost

    def encode(self, request: ImageRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ImageCodec.encode."""
        return encode(self.host, request, model, stream=stream)

    def decode(self, response: HttpResponse) -> Drawn:
        """See ImageCodec.decode."""
        return decode(response)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageCodec.decode_error."""
        return provider_errors.read_error(response, NAMES)

    def decoder(self, request: ImageRequest) -> ImageStreamReader:
        """See ImageCodec.decoder."""
        return ImageStreamReader(request)

    def streams(self, model: str) -> bool:
        """See ImageCodec.streams."""
        return self.host.row(model).streams

    def reads_urls(self, model: str) -> bool:
        """See ImageCodec.reads_urls."""
        return self.host.row(model).reads_urls

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageCodec.capabilities."""
        return self.host.row(model).capabilities
