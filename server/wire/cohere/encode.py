"""A request of the contract as one of the format: https://docs.cohere.com/reference/chat."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.fields import put_fields
from server.wire.cohere.documents import put_documents
from server.wire.cohere.messages import encode_messages
from server.wire.cohere.options import FIELDS, Draft
from server.wire.cohere.tools import encode_tools
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}
_OWNED = frozenset(
    {"model", "messages", "stream", "tools", "strict_tools", "tool_choice", "response_format", "max_tokens", "thinking"}
    | {"stop_sequences", "temperature", "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs"}
)
"""Top-level keys that a field of the contract stands for; ``safety_mode`` and ``priority`` are the caller's own."""


def encode(request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    draft = Draft(request, model, stream=stream)
    body = draft.body
    body["messages"] = encode_messages(request.messages, draft)
    if stream:
        body["stream"] = True
    put_documents(draft)
    put_fields(request, FIELDS, draft)
    encode_tools(draft)
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, body, owned=_OWNED)
    return HttpRequest(
        path="/v2/chat",
        body=orjson.dumps(body),
        headers=_STREAM_HEADERS if stream else _HEADERS,
        adjusted_fields=tuple(draft.notes.fields),
    )
