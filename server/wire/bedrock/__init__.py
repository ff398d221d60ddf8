"""Amazon Bedrock: Converse for chat, CountTokens, and InvokeModel for what has no API common to all makers."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire.bedrock.count import BedrockCountCodec
from server.wire.bedrock.decode import decode
from server.wire.bedrock.encode import encode
from server.wire.bedrock.errors import read_error
from server.wire.bedrock.media import S3
from server.wire.bedrock.stream import BedrockStreamDecoder
from server.wire.http import HttpRequest, HttpResponse

__all__ = ["BedrockChatCodec", "BedrockCountCodec"]


class BedrockChatCodec:
    """The ChatCodec of Converse and ConverseStream."""

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return read_error(response)

    def decoder(self, request: CreateChatCompletionRequest) -> BedrockStreamDecoder:
        """See ChatCodec.decoder."""
        return BedrockStreamDecoder(request)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url: Bedrock fetches from S3 alone."""
        return media.url.startswith(S3)
