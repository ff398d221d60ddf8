"""Black Forest Labs' API: a job in JSON, asked after until its image is ready at an address."""

from dataclasses import dataclass

from server.errors import HubError
from server.wire import provider_errors
from server.wire.bfl.answer import drawn, job
from server.wire.bfl.request import encode
from server.wire.bfl.ways import WAYS
from server.wire.http import HttpRequest, HttpResponse
from server.wire.images.ways import capabilities_of
from server.wire.pictures import Drawn, ImageJob, ImageRequest

__all__ = ["BflCodec"]


@dataclass(frozen=True, slots=True)
class BflCodec:
    """The ImageJobCodec. Each job makes one image."""

    # Regions have hosts of their own, and a job lives at one: https://docs.bfl.ai/api_integration/integration_guidelines
    domains: tuple[str, ...] = ("bfl.ai", "bfl.ml")

    def encode(self, request: ImageRequest, model: str) -> HttpRequest:
        """See ImageJobCodec.encode."""
        return encode(request, model)

    def job(self, response: HttpResponse) -> ImageJob:
        """See ImageJobCodec.job."""
        return job(response)

    def drawn(self, response: HttpResponse, job: ImageJob, request: ImageRequest) -> Drawn | None:
        """See ImageJobCodec.drawn."""
        return drawn(response, job, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ImageJobCodec.decode_error."""
        return provider_errors.read_error(response)

    def reads_urls(self, model: str) -> bool:
        """See ImageJobCodec.reads_urls."""
        return False

    def capabilities(self, model: str) -> tuple[str, ...]:
        """See ImageJobCodec.capabilities."""
        return capabilities_of(WAYS, model)
