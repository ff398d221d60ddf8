"""The conversation as the format has it: a text, pictures beside it, and what an assistant called."""

from collections.abc import Iterable
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.media import base64_text
from server.wire.json_text import object_of
from server.wire.ollama.names import NAME

_ROLES = {
    chat_pb2.ROLE_SYSTEM: "system",
    chat_pb2.ROLE_DEVELOPER: "system",
    chat_pb2.ROLE_USER: "user",
    chat_pb2.ROLE_ASSISTANT: "assistant",
    chat_pb2.ROLE_TOOL: "tool",
}
_BETWEEN_TEXTS = "\n"


def encode_messages(messages: Iterable[Message], notes: Adjustments) -> list[dict[str, Any]]:
    """Every message, in order. Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent."""
    messages = list(messages)
    names = {call.id: call.function.name for message in messages for call in message.tool_calls}
    return [_encode(message, f"messages[{place}]", names, notes) for place, message in enumerate(messages)]


def _encode(message: Message, path: str, names: dict[str, str], notes: Adjustments) -> dict[str, Any]:
    role = _ROLES.get(message.role)
    if role is None:
        raise InvalidArgument.field(f"{path}.role", "is required")
    entry: dict[str, Any] = {"role": role, "content": ""}
    _put_content(message, entry, path, notes)
    if message.tool_calls:
        entry["tool_calls"] = [
            _call(call, f"{path}.tool_calls[{place}]", notes) for place, call in enumerate(message.tool_calls)
        ]
    if message.role == chat_pb2.ROLE_TOOL:
        # Newer releases find the call by its id, older ones and most templates by the tool's name.
        if name := names.get(message.tool_call_id):
            entry["tool_name"] = name
        entry["tool_call_id"] = message.tool_call_id
    _drop_rest(message, path, notes)
    return entry


def _put_content(message: Message, entry: dict[str, Any], path: str, notes: Adjustments) -> None:
    texts: list[str] = []
    thoughts: list[str] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        match part.WhichOneof("part"):
            case "text":
                texts.append(part.text)
            case "image":
                entry.setdefault("images", []).append(_image(part, f"{where}.image", notes))
            case "reasoning":
                if part.reasoning.provider not in ("", NAME) or part.reasoning.signature:
                    notes.drop(f"{where}.reasoning", "the provider takes no reasoning back that is not its own")
                else:
                    thoughts.append(part.reasoning.text)
            case "provider":
                notes.drop(f"{where}.provider", "another provider's block cannot be sent")
            case None:
                raise InvalidArgument.field(
                    where, "is empty; set text, image, audio, video, file, reasoning or provider"
                )
            case kind:
                raise UnsupportedByProvider.of(f"{where}.{kind}", f"{NAME} reads text and pictures")
        _drop_marks(part, where, notes)
    if message.refusal:
        # The format has no field for it: a refusal is what the assistant said.
        texts.append(message.refusal)
    entry["content"] = _BETWEEN_TEXTS.join(texts)
    if thoughts:
        entry["thinking"] = "".join(thoughts)


def _image(part: ContentPart, path: str, notes: Adjustments) -> str:
    media = part.image.media
    match media.WhichOneof("source"):
        case "data":
            if part.image.detail not in (chat_pb2.IMAGE_DETAIL_UNSPECIFIED, chat_pb2.IMAGE_DETAIL_AUTO):
                notes.drop(f"{path}.detail", "the provider reads every picture alike")
            return base64_text(media.data)
        case None:
            raise InvalidArgument.field(f"{path}.media", "set data, url or file_id")
        case source:
            raise UnsupportedByProvider.of(f"{path}.media.{source}", f"{NAME} takes pictures as data")


def _drop_marks(part: ContentPart, path: str, notes: Adjustments) -> None:
    if part.HasField("cache_control"):
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes")
    if part.signature:
        notes.drop(f"{path}.signature", "the provider takes no signature of a part")


def _drop_rest(message: Message, path: str, notes: Adjustments) -> None:
    if message.name:
        notes.drop(f"{path}.name", "the provider knows no names of participants")
    if message.tool_error:
        notes.drop(f"{path}.tool_error", "the provider has no mark for a failed tool; its text still says so")
    if message.phase:
        notes.drop(f"{path}.phase", "the provider knows no phases of a turn")
    if message.audio_id:
        raise UnsupportedByProvider.of(f"{path}.audio_id", f"{NAME} speaks no answers to replay")


def _call(call: ToolCall, path: str, notes: Adjustments) -> dict[str, Any]:
    if call.WhichOneof("call") != "function":
        raise UnsupportedByProvider.of(f"{path}.custom", f"{NAME} has no custom tools")
    function = call.function
    arguments: Any = {}
    if function.arguments_json:
        arguments = object_of(f"{path}.function.arguments_json", function.arguments_json)
    if call.signature:
        notes.drop(f"{path}.signature", "the provider takes no signature of a call")
    return {"id": call.id, "function": {"name": function.name, "arguments": arguments}}
