"""The conversation as the format has it."""

from collections.abc import Iterable, Sequence
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, ReasoningPart, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.blocks import is_response_item
from server.wire.json_text import object_of
from server.wire.openai_chat import parts, reasoning, words
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.places import rearrange, simplest

_ASSISTANT = chat_pb2.ROLE_ASSISTANT
_TOOL = chat_pb2.ROLE_TOOL
_ROLE_AND_CONTENT = 2


def encode_messages(messages: Iterable[Message], dialect: Dialect, notes: Adjustments) -> list[dict[str, Any]]:
    """Every message, in order. Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent."""
    roles = words.ROLES if dialect.developer_role else _ROLES_WITHOUT_DEVELOPER
    entries = [_encode(message, place, roles, dialect, notes) for place, message in enumerate(messages)]
    return rearrange(entries, dialect)


_ROLES_WITHOUT_DEVELOPER = {**words.ROLES, chat_pb2.ROLE_DEVELOPER: "system"}


def _encode(message: Message, place: int, roles: Any, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    role = roles.get(message.role)
    if role is None:
        raise InvalidArgument.field(f"messages[{place}].role", "is required")
    content = message.content
    if len(content) == 1 and (text := _lone_text(content[0])) is not None:
        entry: dict[str, Any] = {"role": role, "content": text}
    else:
        entry = {"role": role, "content": None if message.role == _ASSISTANT else ""}
        _put_content(content, entry, f"messages[{place}]", dialect, notes)
    # Role and content is all that most messages have.
    if len(message.ListFields()) > (_ROLE_AND_CONTENT if content else 1):
        _put_rest(message, entry, f"messages[{place}]", dialect, notes)
    return entry


def _lone_text(part: ContentPart) -> str | None:
    """The text of a part that is nothing else."""
    fields = part.ListFields()
    return fields[0][1] if len(fields) == 1 and fields[0][0].name == "text" else None


def _put_content(
    content: Sequence[ContentPart], entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments
) -> None:
    entries: list[Any] = []
    thoughts: list[ReasoningPart] = []
    for place, part in enumerate(content):
        where = f"{path}.content[{place}]"
        match part.WhichOneof("part"):
            case "text":
                encoded: Any = {"type": "text", "text": part.text}
            case "reasoning":
                _keep_thought(part.reasoning, entries, thoughts, where, dialect, notes)
                continue
            case "provider":
                _keep_block(part, entries, where, dialect, notes)
                continue
            case "image" if entry["role"] == "assistant":
                _put_assistant_image(part, entry, where, dialect, notes)
                continue
            case kind:
                _check_place(kind, entry["role"], where, dialect)
                encoded = parts.encode_media(part, where, dialect, notes)
        if part.HasField("cache_control"):
            parts.mark_cache_end(part, encoded, where, dialect, notes)
        if part.signature:
            notes.drop(f"{where}.signature", "the provider takes no signature of a text")
        entries.append(encoded)
    if thoughts:
        reasoning.replay(thoughts, dialect.replay_reasoning, entry)
    if entries:
        entry["content"] = simplest(entries)


def _check_place(kind: str | None, role: str, path: str, dialect: Dialect) -> None:
    if role in ("system", "developer") and kind and not dialect.system_media:
        raise UnsupportedByProvider.of(f"{path}.{kind}", f"{dialect.name} reads text alone in instructions")


def _keep_thought(
    part: ReasoningPart,
    entries: list[Any],
    thoughts: list[ReasoningPart],
    path: str,
    dialect: Dialect,
    notes: Adjustments,
) -> None:
    ours = part.provider == dialect.name or (not part.provider and not part.signature)
    if not ours or not dialect.replay_reasoning:
        notes.drop(f"{path}.reasoning", "the provider takes no reasoning back that is not its own")
    elif dialect.replay_reasoning == reasoning.IN_PLACE:
        entries.append(reasoning.thinking_part(part))
    else:
        thoughts.append(part)


def _keep_block(part: ContentPart, entries: list[Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    block = part.provider
    if block.provider != dialect.name:
        notes.drop(f"{path}.provider", "another provider's block cannot be sent")
    elif is_response_item(block.type):
        notes.drop(f"{path}.provider", "a block of the provider's other API cannot be sent")
    elif block.type == EXECUTED_TOOL:
        # Told in answers only; the host keeps no use for it: https://console.groq.com/docs/compound
        return
    elif block.type == TOOL_REFERENCE and entries and entries[-1].get("type") == "thinking":
        # A thought refers to its sources inside itself: https://docs.mistral.ai/api/#tag/chat
        entries[-1]["thinking"].append(object_of(f"{path}.provider.json", block.json))
    else:
        entries.append(object_of(f"{path}.provider.json", block.json))


TOOL_REFERENCE = "tool_reference"
"""Type of the blocks that hold what a thought of Mistral's models refers to."""
EXECUTED_TOOL = "executed_tool"
"""Type of the blocks that hold what Groq tells of tools it ran itself."""


def _put_assistant_image(
    part: ContentPart, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments
) -> None:
    if not dialect.assistant_images:
        raise UnsupportedByProvider.of(f"{path}.image", f"{dialect.name} reads no images of the assistant's own")
    entry.setdefault("images", []).append(parts.encode_media(part, path, dialect, notes))


def _put_rest(message: Message, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    if message.name:
        # A tool is known by the id of its call: https://platform.openai.com/docs/api-reference/chat/create
        if ("tool_name" if message.role == _TOOL else "name") in dialect.knobs:
            entry["name"] = message.name
        else:
            notes.drop(f"{path}.name", "the provider knows no names of participants")
    if message.tool_calls:
        entry["tool_calls"] = [
            _call(call, f"{path}.tool_calls[{place}]", dialect, notes) for place, call in enumerate(message.tool_calls)
        ]
    if message.role == _TOOL:
        entry["tool_call_id"] = _call_id(message.tool_call_id, dialect)
    if message.tool_error:
        notes.drop(f"{path}.tool_error", "the provider has no mark for a failed tool; its text still says so")
    if message.refusal:
        _put_refusal(message, entry, path, dialect, notes)
    if message.audio_id:
        if "audio" not in dialect.modalities:
            raise UnsupportedByProvider.of(f"{path}.audio_id", f"{dialect.name} speaks no answers to replay")
        entry["audio"] = {"id": message.audio_id}
    if message.phase:
        notes.drop(f"{path}.phase", "the provider knows no phases of a turn in this format")


def _put_refusal(message: Message, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    if dialect.refusal_field:
        entry["refusal"] = message.refusal
    elif entry["content"] is None:
        # To a host without the field a refusal is what the assistant said.
        entry["content"] = message.refusal
    else:
        notes.drop(f"{path}.refusal", "the provider has no field for a refusal beside content")


def _call_id(given: str, dialect: Dialect) -> str:
    return dialect.call_id(given) if dialect.call_id else given


def _call(call: ToolCall, path: str, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    entry: dict[str, Any]
    match call.WhichOneof("call"):
        case "function":
            function = call.function
            entry = {
                "id": _call_id(call.id, dialect),
                "type": "function",
                "function": {"name": function.name, "arguments": function.arguments_json},
            }
        case "custom":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of(f"{path}.custom", f"{dialect.name} has no custom tools")
            custom = {"name": call.custom.name, "input": call.custom.input}
            entry = {"id": _call_id(call.id, dialect), "type": "custom", "custom": custom}
        case _:
            raise InvalidArgument.field(path, "set function or custom")
    if call.signature:
        if dialect.google_signatures:
            entry["extra_content"] = {"google": {"thought_signature": call.signature.decode("utf-8", "replace")}}
        else:
            notes.drop(f"{path}.signature", "the provider takes no signature of a call")
    return entry
