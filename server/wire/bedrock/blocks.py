"""Blocks of an answer that come whole, or are put together before they are read; words are read as they come."""

import orjson
from aignehub.v1.chat_pb2 import ContentPart, ImagePart, ProviderPart, ReasoningPart
from aignehub.v1.media_pb2 import Media

from server.wire import json_value as json
from server.wire.bedrock.draft import PROVIDER
from server.wire.json_value import Json, Object

CLAUDE_FORMAT = "anthropic-claude-v1"
"""ReasoningPart.format of reasoning with a proof: none but Claude's has one here."""


def reasoning(told: Object) -> ReasoningPart | None:
    """``reasoningContent`` of a whole answer or of one event; None where it says nothing."""
    text = json.obj(told.get("reasoningText")) or told
    redacted = json.text(told.get("redactedContent"))
    words, signature = json.text(text.get("text")), json.text(text.get("signature")) or redacted
    if not words and not signature:
        return None
    return ReasoningPart(
        text=words,
        signature=signature.encode(),
        redacted=bool(redacted),
        provider=PROVIDER,
        format=CLAUDE_FORMAT if signature else "",
    )


def is_call(told: Object) -> bool:
    """True for a ``toolUse`` that the caller is to run; the provider runs those that have a type."""
    return not told.get("type")


def arguments(told: Json) -> str:
    """``input`` of a call as JSON text."""
    if type(told) is str:
        return told
    return "" if told is None else orjson.dumps(told).decode()


def whole_block(block: Object) -> ContentPart | None:
    """An image as such, anything else as a block that its provider alone understands; None where it is empty."""
    kind = next(iter(block), "")
    inner = json.obj(block.get(kind))
    if kind == "image" and (picture := _image(inner)) is not None:
        return ContentPart(image=picture)
    if not block:
        return None
    part = ProviderPart(
        provider=PROVIDER,
        type=json.text(inner.get("type")) or kind or "unknown",
        json=json.to_text(block),
        id=json.text(inner.get("toolUseId")),
    )
    return ContentPart(provider=part)


def _image(told: Object) -> ImagePart | None:
    source = json.obj(told.get("source"))
    kind = json.text(told.get("format"))
    mime_type = f"image/{kind}" if kind else ""
    if data := json.text(source.get("bytes")):
        return ImagePart(media=Media(data=json.base64_bytes(data), mime_type=mime_type))
    if uri := json.text(json.obj(source.get("s3Location")).get("uri")):
        return ImagePart(media=Media(url=uri, mime_type=mime_type))
    return None
