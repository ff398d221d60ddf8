"""One recorded chat message as the contract's, with the paths of what has no field there."""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from aignehub.v1 import chat_pb2, media_pb2

_Fields = Mapping[str, Any]
_Part = chat_pb2.ContentPart

_ROLES = {
    "system": chat_pb2.ROLE_SYSTEM,
    "developer": chat_pb2.ROLE_DEVELOPER,
    "user": chat_pb2.ROLE_USER,
    "assistant": chat_pb2.ROLE_ASSISTANT,
    "tool": chat_pb2.ROLE_TOOL,
}
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^,]*)?,(.*)", re.DOTALL)
_DETAILS = frozenset(chat_pb2.ImageDetail.keys())
_REASONING = ("reasoning_content", "reasoning", "reasoning_details")


def message_of(fields: _Fields, provider: str) -> tuple[chat_pb2.Message, list[str]]:
    """The message, and the paths below it that it cannot say."""
    message = chat_pb2.Message(role=_ROLES.get(fields.get("role", ""), chat_pb2.ROLE_UNSPECIFIED))
    unmapped = [] if message.role else ["role"]
    unmapped += _reasoning(message, fields, provider)
    for name, value in fields.items():
        if value is None or name in _REASONING or name == "role":
            continue
        write = _FIELDS.get(name)
        unmapped += [name] if write is None else [name + path for path in write(message, value)]
    return message, unmapped


def _reasoning(message: chat_pb2.Message, fields: _Fields, provider: str) -> list[str]:
    """Reasoning comes before the text it led to. Details hold the same text with its proofs, so they win."""
    details = fields.get("reasoning_details") or ()
    for detail in details:
        part = message.content.add().reasoning
        part.text = detail.get("text") or detail.get("summary") or ""
        part.signature = (detail.get("signature") or detail.get("data") or "").encode()
        part.redacted = detail.get("type") == "reasoning.encrypted"
        part.format = detail.get("format") or ""
        part.id = detail.get("id") or ""
        part.provider = provider
    told = [fields[name] for name in ("reasoning_content", "reasoning") if fields.get(name)]
    if told and not details:
        message.content.add().reasoning.text = told[0]
    return ["reasoning"] if len(set(told)) > 1 else []


def _content(message: chat_pb2.Message, value: Any) -> list[str]:
    if isinstance(value, str):
        message.content.add().text = value
        return []
    unmapped = []
    for place, fields in enumerate(value):
        write = _PARTS.get(fields.get("type", ""))
        if fields.get("type") == "refusal":
            message.refusal = fields.get("refusal", "")
            continue
        if write is None:
            unmapped.append(f"[{place}]")
            continue
        part = message.content.add()
        unmapped += [f"[{place}]{path}" for path in write(part, fields)]
        if fields.get("cache_control"):
            part.cache_control.ttl = fields["cache_control"].get("ttl", "")
            part.cache_control.SetInParent()
    return unmapped


def _text_part(part: _Part, fields: _Fields) -> list[str]:
    part.text = fields.get("text") or ""
    return _others(fields, "text")


def _image_part(part: _Part, fields: _Fields) -> list[str]:
    image = fields.get("image_url")
    told: _Fields = {"url": image} if isinstance(image, str) else image or {}
    _media(part.image.media, told.get("url", ""))
    if told.get("detail"):
        name = f"IMAGE_DETAIL_{told['detail'].upper()}"
        if name not in _DETAILS:
            return [".image_url.detail"]
        part.image.detail = chat_pb2.ImageDetail.Value(name)
    return _others(fields, "image_url")


def _audio_part(part: _Part, fields: _Fields) -> list[str]:
    audio = fields.get("input_audio") or {}
    kind = audio.get("format", "")
    part.audio.media.data = decoded(audio.get("data", ""))
    part.audio.media.mime_type = "audio/mpeg" if kind == "mp3" else f"audio/{kind}"
    return _others(fields, "input_audio")


def _file_part(part: _Part, fields: _Fields) -> list[str]:
    file = fields.get("file") or {}
    media = part.file.media
    if file.get("file_id"):
        media.file_id = file["file_id"]
    else:
        _media(media, file.get("file_data", ""))
    media.filename = file.get("filename") or ""
    return [f".file.{name}" for name in file if name not in ("file_id", "file_data", "filename")]


def _video_part(part: _Part, fields: _Fields) -> list[str]:
    _media(part.video.media, (fields.get("video_url") or {}).get("url", ""))
    return _others(fields, "video_url")


def _thinking_part(part: _Part, fields: _Fields) -> list[str]:
    """Mistral's thoughts stand in the content; their text may be in pieces (docs.mistral.ai/capabilities/reasoning)."""
    part.reasoning.text = "".join(piece.get("text") or "" for piece in fields["thinking"])
    part.reasoning.signature = (fields.get("signature") or "").encode()
    return [f".{name}" for name in fields if name not in ("type", "thinking", "closed", "signature")]


def _others(fields: _Fields, name: str) -> list[str]:
    known = (name, "type", "cache_control")
    return [f".{other}" for other, value in fields.items() if other not in known and value is not None]


_PARTS: dict[str, Callable[[_Part, _Fields], list[str]]] = {
    "text": _text_part,
    "image_url": _image_part,
    "input_audio": _audio_part,
    "file": _file_part,
    "video_url": _video_part,
    "thinking": _thinking_part,
}


def _media(media: media_pb2.Media, url: str) -> None:
    match = _DATA_URL.fullmatch(url)
    if match is None:
        media.url = url
        return
    media.mime_type = match[1]
    media.data = decoded(match[2])


def decoded(text: str) -> bytes:
    """The bytes of base64 as far as it goes: recordings cut long media, perhaps inside a group of four."""
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""


def _calls(message: chat_pb2.Message, value: Any) -> list[str]:
    unmapped = []
    for place, fields in enumerate(value):
        call = message.tool_calls.add(id=fields.get("id") or "")
        if fields.get("custom"):
            call.custom.name = fields["custom"].get("name", "")
            call.custom.input = fields["custom"].get("input", "")
        else:
            function = fields.get("function") or {}
            call.function.name = function.get("name", "")
            call.function.arguments_json = function.get("arguments") or ""
        known = ("id", "type", "index", "function", "custom")
        unmapped += [f"[{place}].{name}" for name, told in fields.items() if name not in known and told is not None]
    return unmapped


def _plain(name: str) -> Callable[[chat_pb2.Message, Any], list[str]]:
    def write(message: chat_pb2.Message, value: Any) -> list[str]:
        setattr(message, name, value)
        return []

    return write


def _audio(message: chat_pb2.Message, value: Any) -> list[str]:
    message.audio_id = value.get("id", "")
    return []


def _prefix(message: chat_pb2.Message, value: Any) -> list[str]:
    """Mistral's mark of a last message that the answer goes on from; anywhere else there is nothing to mark."""
    return [""] if value else []


_FIELDS: dict[str, Callable[[chat_pb2.Message, Any], list[str]]] = {
    "prefix": _prefix,
    "content": _content,
    "tool_calls": _calls,
    "audio": _audio,
} | {name: _plain(name) for name in ("name", "tool_call_id", "refusal", "phase")}
