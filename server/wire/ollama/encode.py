"""A request of the contract as one of the format: https://docs.ollama.com/api/chat."""

from typing import Any

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.fields import put_fields
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest
from server.wire.ollama.messages import encode_messages
from server.wire.ollama.options import FIELDS, Draft
from server.wire.ollama.tools import encode_tools

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "application/x-ndjson"}
_OWNED = frozenset({"model", "messages", "tools", "format", "stream", "think", "logprobs", "top_logprobs"})
"""Top-level keys that a field of the contract stands for; ``options`` a caller may add to, such as num_ctx."""


def encode(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    # Unlike everywhere else, a stream is what it sends unless told otherwise.
    body: dict[str, Any] = {"model": model, "messages": [], "stream": stream}
    draft = Draft(request, model, body)
    body["messages"] = encode_messages(request.messages, draft.notes)
    put_fields(request, FIELDS, draft)
    encode_tools(request, body, draft.notes)
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
    return HttpRequest(
        path="/api/chat",
        body=orjson.dumps(body),
        headers=_STREAM_HEADERS if stream else _HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )
