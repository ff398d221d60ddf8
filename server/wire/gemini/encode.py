"""A request of the contract as one of the format."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument
from server.wire import json_value as json
from server.wire.chat.fields import put_fields
from server.wire.extra_body import PATH, merge_extra_body
from server.wire.gemini.contents import encode_conversation
from server.wire.gemini.draft import Draft
from server.wire.gemini.host import Host
from server.wire.gemini.options import FIELDS, encode_detail
from server.wire.gemini.tools import encode_tools
from server.wire.http import HttpRequest
from server.wire.json_text import check_object

HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}

_OWNED = frozenset(
    {
        *("model", "contents", "systemInstruction", "system_instruction", "tools", "labels", "serviceTier", "store"),
        # The format reads both spellings, and two of one field are none.
        *("service_tier", "generation_config", "tool_config", "safety_settings", "cached_content"),
    }
)
_OWNED_WITHIN = {
    "generationConfig": frozenset(
        {
            *("temperature", "topP", "topK", "seed", "maxOutputTokens", "stopSequences", "candidateCount"),
            *("frequencyPenalty", "presencePenalty", "responseLogprobs", "logprobs", "responseModalities"),
            *("responseMimeType", "responseSchema", "responseJsonSchema", "thinkingConfig"),
        }
    ),
    "toolConfig": frozenset({"functionCallingConfig"}),
}
"""What fields of the contract stand for; safetySettings, cachedContent and all else are the caller's."""


def encode(host: Host, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    draft = draft_of(host, request, model, stream=stream)
    merge_extra(request.gateway.extra_body_json, draft)
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return HttpRequest(
        path=host.path(model, method),
        body=orjson.dumps(draft.body),
        headers=_STREAM_HEADERS if stream else HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )


def draft_of(host: Host, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> Draft:
    """The whole body but for what the caller adds to it."""
    draft = Draft(request, model, host, stream=stream)
    encode_conversation(request.messages, draft)
    encode_tools(draft)
    put_fields(request, FIELDS, draft)
    encode_detail(request, draft)
    if draft.config:
        draft.body["generationConfig"] = draft.config
    return draft


def merge_extra(text: str, draft: Draft) -> None:
    """Adds what the caller wrote in gateway.extra_body_json. Raises InvalidArgument naming a key that is not his."""
    if not text:
        return
    told = check_object(PATH, text)
    for outer, owned in _OWNED_WITHIN.items():
        for key in json.obj(told.get(outer)):
            if key in owned:
                raise InvalidArgument.field(PATH, f"{outer}.{key} is set by a field of the request; use that")
    merge_extra_body(text, draft.body, owned=_OWNED)
