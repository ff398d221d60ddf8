"""Counting the tokens of a request: https://platform.claude.com/docs/en/build-with-claude/token-counting."""

from dataclasses import dataclass
from typing import Any, cast

from aignehub.v1.chat_service_pb2 import CountTokensResponse, CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.encode import drafted, sent
from server.wire.anthropic.parts import reads_url
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
        draft = drafted(self.dialect, _counted(request), model, stream=False)
        del draft.body["max_tokens"]
        return sent(draft, self.dialect.count_path.replace("{model}", path_segment(model)), stream=False)

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """See CountCodec.decode."""
        answer = json.obj(json.parse(response.body))
        if (error := provider_errors.error_in(answer, response.headers)) is not None:
            raise error
        told = json.index(answer.get("input_tokens"))
        if told is None:
            raise ProviderBadResponse("the provider answered without a count of tokens")
        return CountTokensResponse(input_tokens=told, model=model)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return reads_url(self.dialect, kind, media)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See CountCodec.decode_error."""
        return provider_errors.read_error(response)


def _counted(request: CreateChatCompletionRequest) -> CreateChatCompletionRequest:
    kept = CreateChatCompletionRequest()
    kept.CopyFrom(request)
    for field, _ in request.ListFields():
        if field.name not in _COUNTED:
            kept.ClearField(cast("Any", field.name))
    return kept
