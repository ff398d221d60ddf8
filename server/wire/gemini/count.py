"""Counting the tokens of a request: https://ai.google.dev/api/tokens."""

from dataclasses import dataclass

import orjson
from aignehub.v1.chat_service_pb2 import CountTokensResponse, CreateChatCompletionRequest
from aignehub.v1.media_pb2 import Media

from server.errors import HubError, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.chat.counting import counted_part, told_count
from server.wire.extra_body import PATH
from server.wire.gemini import errors
from server.wire.gemini.encode import HEADERS, draft_of, merge_extra
from server.wire.gemini.host import Host
from server.wire.gemini.media import reads_url
from server.wire.gemini.usage import by_modality
from server.wire.http import HttpRequest, HttpResponse

_COUNTED = frozenset({"messages", "tools", "tool_choice", "response_format", "web_search_options", "gateway"})
"""Fields that are part of what the model reads."""


@dataclass(frozen=True, slots=True)
class GeminiCountCodec:
    """The CountCodec of one host."""

    host: Host

    def encode(self, request: CreateChatCompletionRequest, model: str) -> HttpRequest:
        """See CountCodec.encode. The Gemini API takes the request that would be sent, Vertex AI parts of one."""
        if not self.host.counts_whole and request.gateway.extra_body_json:
            raise UnsupportedByProvider.of(PATH, f"{self.host.name} counts nothing that the contract does not know")
        draft = draft_of(self.host, counted_part(request, _COUNTED), model, stream=False)
        if self.host.counts_whole:
            merge_extra(request.gateway.extra_body_json, draft)
            body = {"generateContentRequest": {"model": self.host.resource(model), **draft.body}}
        else:
            draft.body.pop("toolConfig", None)
            body = draft.body
        return HttpRequest(path=self.host.path(model, "countTokens"), body=orjson.dumps(body), headers=HEADERS)

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """See CountCodec.decode."""
        answer = json.obj(json.parse(response.body))
        if (error := errors.error_in(answer, response.headers)) is not None:
            raise error
        told = told_count(answer.get("totalTokens"))
        by_kind = by_modality(answer.get("promptTokensDetails"))
        return CountTokensResponse(input_tokens=told, model=model, input_by_modality=by_kind)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See CountCodec.decode_error."""
        return errors.read_error(response)

    def reads_url(self, kind: str, media: Media, model: str) -> bool:
        """See ReadsUrls.reads_url."""
        return reads_url(self.host, kind, media, model)
