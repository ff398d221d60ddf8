"""What a codec says of streams whose provider has none."""

from server.errors import ProviderBadResponse
from server.wire.codec import ImageStreamDecoder


def no_stream() -> ImageStreamDecoder:
    """Raises: an answer came as a stream that was never asked for."""
    raise ProviderBadResponse("the provider answered with a stream where it was asked for the whole")
