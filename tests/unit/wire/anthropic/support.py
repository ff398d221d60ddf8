"""What the tests of Anthropic's answers share: one answer, told whole and streamed."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from aignehub.v1.chat_pb2 import ContentPart
from aignehub.v1.chat_service_pb2 import ChatChoiceDelta, CreateChatCompletionResponse, StreamChatCompletionResponse

from server.wire.codec import ChatStreamDecoder
from tests.unit.wire.support import answer, ask, codec

USAGE = {"input_tokens": 10, "output_tokens": 5}


def whole(*blocks: Mapping[str, Any], **more: Any) -> CreateChatCompletionResponse:
    told = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-1",
        "content": list(blocks),
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **more,
    }
    return answer(told, "anthropic")


def start(usage: Mapping[str, Any] = USAGE, **more: Any) -> dict[str, Any]:
    message = {"id": "msg_1", "type": "message", "model": "claude-1", "content": [], "stop_reason": None, **more}
    return {"type": "message_start", "message": {**message, "usage": dict(usage)}}


def block(index: int, opened: Mapping[str, Any], *deltas: Mapping[str, Any]) -> list[dict[str, Any]]:
    """All events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": dict(opened)},
        *({"type": "content_block_delta", "index": index, "delta": dict(delta)} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def text(index: int, *pieces: str) -> list[dict[str, Any]]:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in pieces))


def end(reason: str | None = "end_turn", usage: Mapping[str, Any] = USAGE, **more: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None, **more}
    return [{"type": "message_delta", "delta": delta, "usage": dict(usage)}, {"type": "message_stop"}]


def framed(events: Iterable[Mapping[str, Any]]) -> bytes:
    return b"".join(
        f"event: {event['type']}\ndata: ".encode() + json.dumps(event, ensure_ascii=False).encode() + b"\n\n"
        for event in events
    )


def decoder() -> ChatStreamDecoder:
    return codec("anthropic").decoder(ask())


def streamed(*events: Mapping[str, Any], size: int = 0) -> list[StreamChatCompletionResponse]:
    """Everything the decoder tells of the events, cut every ``size`` bytes."""
    reader, data = decoder(), framed(events)
    size = size or len(data)
    told = [reader.feed(data[at : at + size]) for at in range(0, len(data), size)]
    if not reader.done:
        told.append(reader.finish())
    return [message for message in told if message is not None]


def deltas(messages: Iterable[StreamChatCompletionResponse]) -> list[ChatChoiceDelta]:
    return [delta for message in messages for delta in message.choices]


def parts_of(messages: Iterable[StreamChatCompletionResponse]) -> list[ContentPart]:
    """The parts of a streamed answer, put together as the contract says."""
    parts: dict[int, ContentPart] = {}
    for delta in deltas(messages):
        part = parts.setdefault(delta.part_index, ContentPart())
        if delta.content:
            part.text += delta.content
        if delta.HasField("reasoning"):
            joined = part.reasoning.text + delta.reasoning.text
            part.reasoning.MergeFrom(delta.reasoning)
            part.reasoning.text = joined
        for one in delta.parts:
            part.CopyFrom(one)
    return [parts[place] for place in sorted(parts) if parts[place].WhichOneof("part")]
