"""What a codec says of streams and addresses whose provider has neither: the answer is whole, sources are bytes."""

from server.errors import ProviderBadResponse
from server.wire.codec import ImageStreamDecoder
from server.wire.pictures import ImageRequest


class WholeImages:
    """That part of an ImageCodec."""

    __slots__ = ()

    def decoder(self, request: ImageRequest) -> ImageStreamDecoder:
        """See ImageCodec.decoder. Raises: an answer came as a stream that was never asked for."""
        raise ProviderBadResponse("the provider answered with a stream where it was asked for the whole")

    def streams(self, model: str) -> bool:
        """See ImageCodec.streams."""
        return False

    def reads_urls(self, model: str) -> bool:
        """See ImageCodec.reads_urls."""
        return False
