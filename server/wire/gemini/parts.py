"""One content part of a request as the format has it."""

import re
from typing import Any

from aignehub.v1.chat_pb2 import ContentPart, FilePart, ProviderPart, ReasoningPart, VideoPart
from google.protobuf.duration_pb2 import Duration

from server.errors import InvalidArgument
from server.wire.chat.blocks import is_item_id
from server.wire.gemini.draft import Draft
from server.wire.gemini.media import encode_media
from server.wire.json_text import object_of

_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]+={0,2}")
"""Of either alphabet; words that stand for a missing signature are written in it as well."""


def encode_part(part: ContentPart, path: str, draft: Draft) -> Any:
    """A part of the body's ``parts``, or None where it is not sent. Raises naming ``path``."""
    if part.HasField("cache_control"):
        # Prefixes are cached by themselves: https://ai.google.dev/gemini-api/docs/caching
        draft.notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes")
    encoded: Any
    match part.WhichOneof("part"):
        case "text":
            encoded = {"text": part.text}
        case "reasoning":
            encoded = _thought(part.reasoning, f"{path}.reasoning", draft)
        case "provider":
            return _block(part.provider, f"{path}.provider", draft)
        case "image":
            encoded = encode_media(part.image.media, f"{path}.image.media", draft.host)
        case "audio":
            encoded = encode_media(part.audio.media, f"{path}.audio.media", draft.host)
        case "video":
            encoded = _video(part.video, f"{path}.video", draft)
        case "file":
            encoded = _file(part.file, f"{path}.file", draft)
        case _:
            raise InvalidArgument.field(path, "is empty; set text, image, audio, video, file, reasoning or provider")
    if part.signature and encoded is not None:
        put_proof(encoded, part.signature, path, draft)
    return encoded


def put_proof(encoded: dict[str, Any], signature: bytes, path: str, draft: Draft) -> None:
    """Adds a signature as the provider's own text, untouched; one that it cannot have made is noted instead."""
    if is_item_id(signature):
        draft.notes.drop(f"{path}.signature", "it is the id that another provider gave it")
    elif not _BASE64.fullmatch(signature):
        draft.notes.drop(f"{path}.signature", "the provider writes its own in base64")
    else:
        encoded["thoughtSignature"] = signature.decode()


def _thought(thought: ReasoningPart, path: str, draft: Draft) -> dict[str, Any] | None:
    if thought.provider != draft.host.name and (thought.provider or thought.signature):
        draft.notes.drop(path, "the provider takes no reasoning back that is not its own")
        return None
    encoded: dict[str, Any] = {"text": thought.text, "thought": True}
    if thought.signature:
        put_proof(encoded, thought.signature, path, draft)
    return encoded


def _block(block: ProviderPart, path: str, draft: Draft) -> Any:
    if block.provider != draft.host.name:
        draft.notes.drop(path, "another provider's block cannot be sent")
        return None
    return object_of(f"{path}.json", block.json)


def _video(video: VideoPart, path: str, draft: Draft) -> dict[str, Any]:
    """https://ai.google.dev/gemini-api/docs/video-understanding#customize-video-processing."""
    encoded = encode_media(video.media, f"{path}.media", draft.host)
    told: dict[str, Any] = {}
    if video.HasField("start_offset"):
        told["startOffset"] = _seconds(video.start_offset, f"{path}.start_offset")
    if video.HasField("end_offset"):
        told["endOffset"] = _seconds(video.end_offset, f"{path}.end_offset")
    if video.HasField("fps"):
        if video.fps > _MOST_FRAMES:
            raise InvalidArgument.field(f"{path}.fps", f"{draft.host.name} looks at {_MOST_FRAMES:g} a second at most")
        told["fps"] = video.fps
    if told:
        encoded["videoMetadata"] = told
    return encoded


_MOST_FRAMES = 24.0


def _seconds(offset: Duration, path: str) -> str:
    if offset.seconds < 0 or offset.nanos < 0:
        raise InvalidArgument.field(path, "must not be negative")
    return offset.ToJsonString()


def _file(file: FilePart, path: str, draft: Draft) -> dict[str, Any]:
    named = draft.host.display_names
    if file.media.filename and not named:
        draft.notes.drop(f"{path}.media.filename", "the provider takes no names of files")
    for name in ("title", "context"):
        if getattr(file, name):
            draft.notes.drop(f"{path}.{name}", "the provider takes no words about a file")
    if file.citations:
        draft.notes.drop(f"{path}.citations", "the provider does not cite files")
    return encode_media(file.media, f"{path}.media", draft.host, named=named)
