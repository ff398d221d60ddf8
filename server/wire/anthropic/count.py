"""Counting the tokens of a request: https://platform.claude.com/docs/en/build-with-claude/token-counting."""

from dataclasses import dataclass

from aignehub.v1.chat_service_pb2 import CountTokensResponse, CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from server.errors import HubError
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.encode import drafted, sent
from server.wire.anthropic.parts import reads_url
from server.wire.chat.counting import counted_part, told_count
from server.wire.http import HttpRequest, HttpResponse, path_segment

_COUNTED = frozenset(
    {
        *("messages", "tools", "tool_choice", "response_format", "web_search_options", "prompt_cache_ttl", "gateway"),
        # A budget to think with is judged by the limit.
        *("reasoning", "max_completion_tokens"),
    }
)
"""Fields that are part of what the model reads, or that the provider wants to know beside it."""


@dataclass(frozen=True, slots=True)
class AnthropicCountCodec:
    """The CountCodec of one host."""

    dialect: Dialect

    def encode(self, request: CreateChatCompletionRequest, model: str) -> HttpRequest:
        """See CountCodec.encode."""
        draft = drafted(self.dialect, counted_part(request, _COUNTED), model, stream=False)
        del draft.body["max_tokens"]
        return sent(draft, self.dialect.count_path.replace("{model}", path_segment(model)), stream=False)

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """See CountCodec.decode."""
        answer = json.obj(json.parse(response.body))
        if (error := provider_errors.error_in(answer, response.headers)) is not None:
            raise error
        return CountTokensResponse(input_tokens=told_count(answer.get("input_tokens")), model=model)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return reads_url(self.dialect, kind, media)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See CountCodec.decode_error."""
        return provider_errors.read_error(response)
