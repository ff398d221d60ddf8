"""Responses as a host sends them, and how the codec reads them."""

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from server.providers.registry import PROVIDERS
from server.wire.codec import ChatCodec
from server.wire.http import HttpRequest, HttpResponse
from tests.unit.wire.support import ask


def codec(host: str = "openai") -> ChatCodec:
    kind = PROVIDERS[host]
    assert kind.chat is not None
    return kind.chat({"api": "responses"})


def encoded(
    request: CreateChatCompletionRequest, host: str = "openai", model: str = "gpt-5.2", *, stream: bool = False
) -> HttpRequest:
    return codec(host).encode(request, model, stream=stream)


def body(
    request: CreateChatCompletionRequest, host: str = "openai", model: str = "gpt-5.2", *, stream: bool = False
) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encoded(request, host, model, stream=stream).body)
    return parsed


def response(*output: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """A whole response of these items."""
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_750_000_000,
        "status": "completed",
        "error": None,
        "model": "m-1",
        "output": list(output),
        "usage": {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5},
        **fields,
    }


def message(*content: Mapping[str, Any] | str, **fields: Any) -> dict[str, Any]:
    """A message item; a string is a text without annotations."""
    parts = [{"type": "output_text", "text": part} if isinstance(part, str) else part for part in content]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": parts, **fields}


def answer(
    told: Mapping[str, Any] | bytes, host: str = "openai", request: CreateChatCompletionRequest | None = None
) -> CreateChatCompletionResponse:
    raw = told if isinstance(told, bytes) else json.dumps(told).encode()
    return codec(host).decode(HttpResponse(200, {}, raw), request or ask())


def events(*told: Mapping[str, Any]) -> bytes:
    """A stream of these events."""
    return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in told)


def read(
    data: bytes,
    host: str = "openai",
    request: CreateChatCompletionRequest | None = None,
    cuts: Iterable[int] = (),
) -> list[StreamChatCompletionResponse]:
    """Every message of a stream whose body comes in reads that end at ``cuts``."""
    decoder = codec(host).decoder(request or ask())
    messages = []
    for start, end in pairwise([0, *cuts, len(data)]):
        if decoder.done:
            break
        if (told := decoder.feed(data[start:end])) is not None:
            messages.append(told)
    if not decoder.done:
        messages.append(decoder.finish())
    return messages
