"""The conversation as the format has it."""

from collections.abc import Iterable
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, ImagePart, Message, ReasoningPart, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.media import data_url
from server.wire.cohere.documents import document_of
from server.wire.cohere.draft import Draft
from server.wire.cohere.words import IMAGE_DETAILS, PROVIDER, ROLES, TOOL_PLAN

_ASSISTANT = chat_pb2.ROLE_ASSISTANT
_TOOL = chat_pb2.ROLE_TOOL
_USER = chat_pb2.ROLE_USER


def encode_messages(messages: Iterable[Message], draft: Draft) -> list[dict[str, Any]]:
    """Every message, in order; documents of users go into ``draft.documents``.

    Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent.
    """
    return [_message(message, f"messages[{place}]", draft) for place, message in enumerate(messages)]


def _message(message: Message, path: str, draft: Draft) -> dict[str, Any]:
    role = ROLES.get(message.role)
    if role is None:
        raise InvalidArgument.field(f"{path}.role", "is required")
    entry: dict[str, Any] = {"role": role}
    blocks = _blocks(message, entry, path, draft)
    if blocks:
        entry["content"] = _simplest(blocks)
    elif message.role == _USER:
        raise InvalidArgument.field(
            f"{path}.content", "holds documents alone; add a text that says what to do with them"
        )
    elif not message.tool_calls or message.refusal:
        # To a host without the field a refusal is what the assistant said. A message must have a content.
        entry["content"] = message.refusal
    if message.role == _TOOL:
        entry["tool_call_id"] = message.tool_call_id
    if message.tool_calls:
        entry["tool_calls"] = [
            _call(call, f"{path}.tool_calls[{place}]", draft) for place, call in enumerate(message.tool_calls)
        ]
    _drop_rest(message, path, draft, refusal_said="content" in entry and not blocks)
    return entry


def _drop_rest(message: Message, path: str, draft: Draft, *, refusal_said: bool) -> None:
    notes = draft.notes
    if message.name:
        notes.drop(f"{path}.name", "the provider knows no names of participants")
    if message.tool_error:
        notes.drop(f"{path}.tool_error", "the provider has no mark for a failed tool; its text still says so")
    if message.refusal and not refusal_said:
        notes.drop(f"{path}.refusal", "the provider has no field for a refusal beside content")
    if message.audio_id:
        raise UnsupportedByProvider.of(f"{path}.audio_id", f"{PROVIDER} speaks no answers to replay")
    if message.phase:
        notes.drop(f"{path}.phase", "the provider knows no phases of a turn")


def _simplest(blocks: list[dict[str, Any]]) -> Any:
    """One text as a string, else the list."""
    return blocks[0]["text"] if len(blocks) == 1 and blocks[0]["type"] == "text" else blocks


def _blocks(message: Message, entry: dict[str, Any], path: str, draft: Draft) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        _note_marks(part, where, draft)
        match part.WhichOneof("part"):
            case "text":
                blocks.append({"type": "text", "text": part.text})
            case "reasoning":
                _keep_thought(part.reasoning, message, entry, blocks, where, draft)
            case "image" if message.role == _USER:
                blocks.append(_image(part.image, f"{where}.image"))
            case "file" if message.role in (_USER, _TOOL):
                _keep_document(part, message, blocks, where, draft)
            case "provider":
                draft.notes.drop(f"{where}.provider", "another provider's block cannot be sent")
            case None:
                raise InvalidArgument.field(where, "is empty; set text, image, file or reasoning")
            case kind:
                raise UnsupportedByProvider.of(f"{where}.{kind}", f"{PROVIDER} reads no {kind} part in such a message")
    return blocks


def _note_marks(part: ContentPart, path: str, draft: Draft) -> None:
    if part.HasField("cache_control"):
        draft.notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes; it caches by itself")
    if part.signature:
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a part")


def _keep_thought(
    part: ReasoningPart,
    message: Message,
    entry: dict[str, Any],
    blocks: list[dict[str, Any]],
    path: str,
    draft: Draft,
) -> None:
    ours = part.provider == PROVIDER or (not part.provider and not part.signature)
    if not ours or message.role != _ASSISTANT:
        draft.notes.drop(f"{path}.reasoning", "the provider takes no reasoning back that is not its own")
    elif part.format == TOOL_PLAN:
        entry["tool_plan"] = entry.get("tool_plan", "") + part.text
    else:
        blocks.append({"type": "thinking", "thinking": part.text})


def _keep_document(part: ContentPart, message: Message, blocks: list[dict[str, Any]], path: str, draft: Draft) -> None:
    document = document_of(part.file, f"{path}.file", draft)
    if message.role == _TOOL:
        blocks.append({"type": "document", "document": document})
    else:
        draft.documents.append(document)


def _image(part: ImagePart, path: str) -> dict[str, Any]:
    media = part.media
    match media.WhichOneof("source"):
        case "data":
            image = {"url": data_url(media, f"{path}.media")}
        case "url":
            image = {"url": media.url}
        case "file_id":
            raise UnsupportedByProvider.of(f"{path}.media.file_id", f"{PROVIDER} takes data or a url here")
        case _:
            raise InvalidArgument.field(f"{path}.media", "set data or url")
    if part.detail:
        image["detail"] = IMAGE_DETAILS[part.detail]
    return {"type": "image_url", "image_url": image}


def _call(call: ToolCall, path: str, draft: Draft) -> dict[str, Any]:
    match call.WhichOneof("call"):
        case "function":
            function = call.function
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", f"{PROVIDER} has no custom tools")
        case _:
            raise InvalidArgument.field(path, "set function")
    if call.signature:
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a call")
    # Streams of its own leave out the arguments of a function that has none.
    told = {"name": function.name, "arguments": function.arguments_json or "{}"}
    return {"id": call.id, "type": "function", "function": told}
