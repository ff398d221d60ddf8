"""OpenAI's Responses API, and hosts that speak it: a conversation of items rather than of messages.

https://platform.openai.com/docs/api-reference/responses
"""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import HubError
from server.wire import provider_errors
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_responses.decode import decode
from server.wire.openai_responses.dialect import ResponsesDialect
from server.wire.openai_responses.encode import encode
from server.wire.openai_responses.names import NAMES
from server.wire.openai_responses.stream import ResponsesStreamDecoder

__all__ = ["OpenAIResponsesCodec", "ResponsesDialect"]


@dataclass(frozen=True, slots=True)
class OpenAIResponsesCodec:
    """The ChatCodec of one host."""

    dialect: ResponsesDialect

    def encode(self, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
        """See ChatCodec.encode."""
        return encode(self.dialect, request, model, stream=stream)

    def decode(self, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
        """See ChatCodec.decode."""
        return decode(self.dialect.name, response, request)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ChatCodec.decode_error."""
        return provider_errors.read_error(response, NAMES)

    def decoder(self, request: CreateChatCompletionRequest) -> ResponsesStreamDecoder:
        """See ChatCodec.decoder."""
        return ResponsesStreamDecoder(self.dialect.name, request)
