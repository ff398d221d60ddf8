"""Hand-made exchanges in the recordings' format, for tests of the harness itself."""

from collections.abc import Mapping
from typing import Any

import orjson

from tests.wire.recording import Json, Recording, parse

CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 12,
    "total_tokens": 42,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 4},
}
REQUEST: Mapping[str, Json] = {
    "model": "gpt-made",
    "messages": [{"role": "user", "content": "What is the weather in Oslo?"}],
    "temperature": 0.5,
    "tools": [
        {
            "type": "function",
            "function": {"name": "weather", "parameters": {"type": "object", "properties": {"city": {}, "at": {}}}},
        }
    ],
}


def whole(message: Mapping[str, Json], finish: str = "stop", usage: Json = USAGE) -> Json:
    """A whole answer of one choice."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-made-1",
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": usage,
    }


def chunk(delta: Mapping[str, Json], finish: str | None = None) -> Json:
    """One chunk of a streamed answer of one choice."""
    return {
        "id": "chatcmpl-2",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-made-1",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }


def stream(*chunks: Json, usage: Json = USAGE, end: str = "data: [DONE]\n\n") -> bytes:
    """The chunks as server-sent events, with usage in a chunk of its own."""
    last = [{**chunk({}), "choices": [], "usage": usage}] if usage else []
    told = b"".join(b"data: " + orjson.dumps(each) + b"\n\n" for each in [*chunks, *last])
    return told + end.encode()


def exchange(id_: str, response: Json | bytes, *, request: Json = REQUEST, **fields: Any) -> dict[str, Json]:
    """One file of the format; ``fields`` replace its own."""
    streaming = isinstance(response, bytes)
    return {
        "id": id_,
        "provider": "openai",
        "api": "chat.completions",
        "modality": "chat.text",
        "streaming": streaming,
        "features": [],
        "path": "/v1/chat/completions",
        "request_body": request if request is None or not streaming else {**request, "stream": True},
        "request_body_encoding": "none" if request is None else "json",
        "status": 200,
        "response_headers": {"content-type": "text/event-stream" if streaming else "application/json"},
        "response_body": response.decode() if isinstance(response, bytes) else orjson.dumps(response).decode(),
        "response_body_encoding": "text",
        **fields,
    }


def recording(response: Json | bytes, **fields: Any) -> Recording:
    """The same, read."""
    return parse(orjson.dumps(exchange("made", response, **fields)))
