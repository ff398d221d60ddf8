"""What the codec's tests share: requests from JSON, bodies as JSON, streams from chunks."""

import json
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from google.protobuf.json_format import ParseDict

from server.providers.registry import PROVIDERS
from server.wire.codec import ChatCodec
from server.wire.http import HttpRequest, HttpResponse

HELLO = {"role": "ROLE_USER", "content": [{"text": "Hello"}]}


def codec(host: str = "openai", **options: str) -> ChatCodec:
    kind = PROVIDERS[host]
    assert kind.chat is not None
    return kind.chat(options)


def ask(**fields: Any) -> CreateChatCompletionRequest:
    """A request; ``messages`` may be left out."""
    return ParseDict({"model": "m", "messages": [HELLO], **fields}, CreateChatCompletionRequest())


def encoded(
    request: CreateChatCompletionRequest, host: str = "openai", model: str = "gpt-4.1", *, stream: bool = False
) -> HttpRequest:
    return codec(host).encode(request, model, stream=stream)


def body(
    request: CreateChatCompletionRequest, host: str = "openai", model: str = "gpt-4.1", *, stream: bool = False
) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encoded(request, host, model, stream=stream).body)
    return parsed


def answer(
    payload: Mapping[str, Any] | bytes, host: str = "openai", request: CreateChatCompletionRequest | None = None
) -> CreateChatCompletionResponse:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return codec(host).decode(HttpResponse(200, {}, raw), request or ask())


def whole(message: Mapping[str, Any], **choice: Any) -> dict[str, Any]:
    """An answer with one choice."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "m-1",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


def chunk(delta: Mapping[str, Any] | None = None, **choice: Any) -> dict[str, Any]:
    """A chunk with one choice."""
    entry = {"index": 0, "delta": delta or {}, "finish_reason": None, **choice}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_750_000_000,
        "model": "m-1",
        "choices": [entry],
    }


END = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "choices": [],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def sse(*events: Mapping[str, Any] | str, done: bool = True) -> bytes:
    """A body of events: objects as data, strings as they are."""
    blocks = [event if isinstance(event, str) else f"data: {json.dumps(event)}" for event in events]
    return "".join(f"{block}\n\n" for block in [*blocks, *(["data: [DONE]"] if done else [])]).encode()


def read(
    data: bytes,
    host: str = "openai",
    request: CreateChatCompletionRequest | None = None,
    cuts: Iterable[int] = (),
) -> list[StreamChatCompletionResponse]:
    """Every message of a stream whose body comes in reads that end at ``cuts``."""
    decoder = codec(host).decoder(request or ask())
    messages = []
    edges = [0, *cuts, len(data)]
    for start, end in pairwise(edges):
        if decoder.done:
            break
        if (message := decoder.feed(data[start:end])) is not None:
            messages.append(message)
    if not decoder.done:
        messages.append(decoder.finish())
    return messages


def at(value: Any, path: str) -> Any:
    """``at(body, "tools.0.function.name")``; None where the way ends."""
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if int(step) < len(value) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
