"""A request of the contract as one of the format."""

from typing import Any

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.fields import put_fields
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest
from server.wire.openai_responses.dialect import ResponsesDialect
from server.wire.openai_responses.items import encode_items
from server.wire.openai_responses.options import FIELDS, Draft
from server.wire.openai_responses.reasoning import wants_proof
from server.wire.openai_responses.tools import encode_tools

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}

_OWNED = frozenset(
    {
        "model",
        "input",
        "instructions",
        "stream",
        # An answer that is fetched later would never reach the caller of this call.
        "background",
        "max_output_tokens",
        "temperature",
        "top_p",
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "service_tier",
        "store",
        "metadata",
        "moderation",
        "safety_identifier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "user",
    }
)
"""Top-level keys that a field of the contract stands for. Into ``text``, ``reasoning`` and ``include`` a caller may
add what the contract has no field for, such as ``{"include": ["file_search_call.results"]}``."""


def encode(dialect: ResponsesDialect, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    body: dict[str, Any] = {"model": model}
    draft = Draft(request, model, dialect, body, stream=stream)
    body["input"] = encode_items(request, dialect, draft.notes)
    if stream:
        body["stream"] = True
    # Unless asked to, this API keeps every answer for 30 days where the older one keeps none:
    # https://platform.openai.com/docs/guides/migrate-to-responses
    body["store"] = request.store
    put_fields(request, FIELDS, draft)
    encode_tools(request, dialect, body, draft.notes)
    if wants_proof(request, model, dialect):
        draft.include("reasoning.encrypted_content")
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED, lists={"include"})
    return HttpRequest(
        path=dialect.path,
        body=orjson.dumps(body),
        headers=_STREAM_HEADERS if stream else _HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )
