"""The messages of a request."""

from dataclasses import dataclass
from typing import Any

from server.sandbox.fields import Fields
from server.sandbox.refusal import Refusal

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_TEXT_PARTS = {"text": "text", "refusal": "refusal"}
_MEDIA_PARTS = ("image_url", "input_audio", "file", "video_url")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message: ``text`` of a text, ``url`` and ``detail`` of an image; ``path`` says where it stands."""

    kind: str
    path: str
    text: str = ""
    url: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class PastCall:
    """A tool call of an earlier answer."""

    id: str
    name: str
    payload: str


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the conversation."""

    role: str
    parts: tuple[Part, ...] = ()
    name: str = ""
    calls: tuple[PastCall, ...] = ()
    tool_call_id: str = ""

    @property
    def text(self) -> str:
        """The text parts, a line each."""
        return "\n".join(part.text for part in self.parts if part.kind == "text")


def read_messages(body: Fields) -> tuple[Message, ...]:
    """The conversation; it must hold at least one message."""
    if not body.array("messages"):
        raise body.wrong("messages", "an array of at least one message")
    return tuple(_message(fields) for fields in body.each("messages"))


def _message(fields: Fields) -> Message:
    role = fields.choice("role", _ROLES)
    if role is None:
        raise fields.wrong("role", f"one of {', '.join(_ROLES)}")
    calls = tuple(_call(call) for call in fields.each("tool_calls"))
    parts = _parts(fields)
    if parts is None and role != "assistant":
        raise fields.wrong("content", "a string or an array of parts")
    call_id = fields.needed_text("tool_call_id") if role == "tool" else ""
    return Message(role, parts or (), fields.text("name") or "", calls, call_id)


def _call(fields: Fields) -> PastCall:
    kind = fields.choice("type", ("function", "custom")) or "function"
    inner = fields.needed(kind)
    payload = inner.text("input" if kind == "custom" else "arguments")
    return PastCall(fields.needed_text("id"), inner.needed_text("name"), payload or "")


def _parts(fields: Fields) -> tuple[Part, ...] | None:
    content: Any = fields.values.get("content")
    if content is None:
        return None
    if isinstance(content, str):
        return (Part("text", fields.at("content"), content),)
    if not isinstance(content, list):
        raise fields.wrong("content", "a string or an array of parts")
    return tuple(_part(part) for part in fields.each("content"))


def _part(fields: Fields) -> Part:
    kind = fields.needed_text("type")
    if kind in _TEXT_PARTS:
        text = fields.text(_TEXT_PARTS[kind])
        if text is None:
            raise fields.wrong(_TEXT_PARTS[kind], "a string")
        return Part(kind, fields.path, text)
    if kind not in _MEDIA_PARTS:
        known = ", ".join((*_TEXT_PARTS, *_MEDIA_PARTS))
        path = fields.at("type")
        raise Refusal(f"Invalid value for '{path}'. Supported values are: {known}.", param=path)
    media = fields.needed(kind)
    if kind != "image_url":
        return Part(kind, fields.path)
    return Part(kind, media.at("url"), url=media.needed_text("url"), detail=media.text("detail") or "")
