"""A request of the contract as one of the format."""

from typing import Any

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.fields import put_fields
from server.wire.extra_body import merge_extra_body
from server.wire.http import HttpRequest, path_segment
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.messages import encode_messages
from server.wire.openai_chat.options import FIELDS, Draft
from server.wire.openai_chat.tools import encode_tools

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_STREAM_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


def encode(dialect: Dialect, request: CreateChatCompletionRequest, model: str, *, stream: bool) -> HttpRequest:
    """See ChatCodec.encode."""
    body: dict[str, Any] = {"model": model, **dialect.always}
    draft = Draft(request, model, dialect, body, stream=stream)
    body["messages"] = encode_messages(request.messages, dialect, draft.notes)
    if dialect.turns is not None:
        dialect.turns(body["messages"], model)
    if stream:
        body["stream"] = True
        if dialect.stream_usage:
            body["stream_options"] = {"include_usage": True}
    put_fields(request, FIELDS, draft)
    encode_tools(request, dialect, body, draft.notes)
    if request.gateway.extra_body_json:
        merge_extra_body(request.gateway.extra_body_json, body)
    return HttpRequest(
        path=_path(dialect, model),
        body=orjson.dumps(body),
        headers=_headers(dialect, stream=stream),
        adjusted_fields=tuple(draft.notes.fields),
    )


def _path(dialect: Dialect, model: str) -> str:
    path = dialect.chat_path
    return path.replace("{model}", path_segment(model)) if "{model}" in path else path


def _headers(dialect: Dialect, *, stream: bool) -> dict[str, str]:
    headers = _STREAM_HEADERS if stream else _HEADERS
    return {**headers, **dialect.headers} if dialect.headers else headers
