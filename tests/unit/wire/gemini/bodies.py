"""What the tests of the format share: requests as JSON, answers and streams of it."""

import json
from collections.abc import Mapping
from typing import Any

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)

from server.wire.codec import ChatStreamDecoder
from server.wire.http import HttpResponse
from tests.unit.wire.support import ask, codec, encoded

FLASH = "gemini-2.5-flash"
THREE = "gemini-3-flash-preview"


def body(model: str = FLASH, **fields: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(encoded(ask(**fields), "gemini", model).body)
    return parsed


def config(model: str = FLASH, **fields: Any) -> dict[str, Any]:
    told: dict[str, Any] = body(model, **fields).get("generationConfig", {})
    return told


def adjusted(model: str = FLASH, **fields: Any) -> list[str]:
    return list(encoded(ask(**fields), "gemini", model).adjusted_fields)


def user(*parts: Mapping[str, Any]) -> dict[str, Any]:
    return {"role": "ROLE_USER", "content": list(parts)}


def says(role: str, text: str) -> dict[str, Any]:
    return {"role": f"ROLE_{role}", "content": [{"text": text}]}


def calls(*tool_calls: Mapping[str, Any], **message: Any) -> dict[str, Any]:
    return {"role": "ROLE_ASSISTANT", "toolCalls": list(tool_calls), **message}


def call(id: str, name: str = "f", arguments: str = "{}", **more: Any) -> dict[str, Any]:
    return {"id": id, "function": {"name": name, "argumentsJson": arguments}, **more}


def result(id: str, *parts: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"role": "ROLE_TOOL", "toolCallId": id, "content": list(parts), **more}


USAGE = {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}


def candidate(*parts: Any, finish: Any = "STOP", **more: Any) -> dict[str, Any]:
    return {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish, **more}


def told(*candidates: Any, **more: Any) -> dict[str, Any]:
    return {
        "candidates": list(candidates),
        "usageMetadata": USAGE,
        "modelVersion": FLASH,
        "responseId": "r-1",
        **more,
    }


def read(answer: Any, request: CreateChatCompletionRequest | None = None) -> CreateChatCompletionResponse:
    raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return codec("gemini").decode(HttpResponse(200, {}, raw), request or ask())


def events(*chunks: Any) -> bytes:
    """As with alt=sse: CRLF, and nothing that marks the end."""
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\r\n\r\n" for chunk in chunks)


def array(*chunks: Any) -> bytes:
    """As without it."""
    return b"[" + b"\n,\r\n".join(json.dumps(chunk, indent=2).encode() for chunk in chunks) + b"\n]\n"


def feed(decoder: ChatStreamDecoder, data: bytes, size: int = 1 << 20) -> list[StreamChatCompletionResponse]:
    found = [decoder.feed(data[at : at + size]) for at in range(0, len(data), size)]
    return [one for one in (*found, decoder.finish()) if one is not None]


def stream(
    data: bytes, request: CreateChatCompletionRequest | None = None, size: int = 1 << 20
) -> list[StreamChatCompletionResponse]:
    return feed(codec("gemini").decoder(request or ask()), data, size)
