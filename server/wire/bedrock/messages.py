"""The conversation as Converse has it: instructions apart, then turns of user and assistant in alternation."""

from collections.abc import Callable, Mapping
from hashlib import blake2b
from re import ASCII
from re import compile as pattern
from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import CacheControl, ContentPart, Message, ReasoningPart, ToolCall

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.bedrock.draft import PROVIDER, Draft
from server.wire.bedrock.media import encode_media
from server.wire.json_text import object_of

_ASSISTANT = chat_pb2.ROLE_ASSISTANT
_TOOL = chat_pb2.ROLE_TOOL
_INSTRUCTIONS = (chat_pb2.ROLE_SYSTEM, chat_pb2.ROLE_DEVELOPER)
_ROLES: Mapping[int, str] = {chat_pb2.ROLE_USER: "user", _TOOL: "user", _ASSISTANT: "assistant"}
_TOOL_USE_ID = pattern(r"[a-zA-Z0-9_.:-]{1,64}", ASCII)
_TOOL_NAME = pattern(r"[a-zA-Z0-9_-]{1,64}", ASCII)
_KIN = frozenset({"anthropic", "azure-anthropic"})
_TTLS = frozenset({"5m", "1h"})

Block = dict[str, Any]


def encode_messages(draft: Draft) -> None:
    """Puts ``messages`` and ``system`` into the body.

    Raises InvalidArgument or UnsupportedByProvider naming the part that cannot be sent.
    """
    system: list[Any] = []
    turns: list[Block] = []
    documents: set[str] = set()
    for place, message in enumerate(draft.request.messages):
        path = f"messages[{place}]"
        if message.role in _INSTRUCTIONS:
            system += _instructions(message, path, draft)
            continue
        if (role := _ROLES.get(message.role)) is None:
            raise InvalidArgument.field(f"{path}.role", "is required")
        blocks = _blocks(message, path, draft, documents)
        if turns and turns[-1]["role"] == role:
            # Two turns of one side are refused, and results of parallel calls belong together.
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if not turns or turns[0]["role"] != "user":
        raise InvalidArgument.field("messages", "bedrock wants the first turn to be the user's, and to say something")
    if system and not draft.family.system:
        turns[0]["content"] = [*system, *turns[0]["content"]]
    elif system:
        draft.body["system"] = system
    draft.body["messages"] = turns


def tool_use_id(call_id: str) -> str:
    """``call_id`` where Bedrock takes it, else an id in its place that is the same for the call and for its result."""
    if _TOOL_USE_ID.fullmatch(call_id):
        return call_id
    return f"tooluse_{blake2b(call_id.encode('utf-8', 'replace'), digest_size=16).hexdigest()}"


def check_tool_name(name: str, path: str) -> str:
    """``name`` itself. Raises InvalidArgument where Bedrock takes no such name."""
    if not _TOOL_NAME.fullmatch(name):
        raise InvalidArgument.field(path, "bedrock takes 1 to 64 letters, digits, underscores and hyphens")
    return name


def cache_point(mark: CacheControl, path: str, where: str, draft: Draft) -> list[Any]:
    """The block that ends a cached prefix; none, and noted, where the model takes none there."""
    if where not in draft.family.caches:
        draft.notes.drop(f"{path}.cache_control", f"the model {draft.model} ends no cached prefix there")
        return []
    point = {"type": "default"}
    if mark.ttl in _TTLS:
        point["ttl"] = mark.ttl
    elif mark.ttl:
        draft.notes.drop(f"{path}.cache_control.ttl", "the provider knows 5m and 1h")
    return [{"cachePoint": point}]


def _instructions(message: Message, path: str, draft: Draft) -> list[Any]:
    blocks: list[Any] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        match part.WhichOneof("part"):
            case "text":
                blocks += [{"text": part.text}] if part.text else []
            case "provider":
                blocks += _provider_block(part, where, draft)
            case kind:
                raise UnsupportedByProvider.of(f"{where}.{kind}", "bedrock takes instructions as text")
        blocks += _end_of_part(part, where, "system", draft)
    _drop_about(message, path, draft)
    return blocks


def _blocks(message: Message, path: str, draft: Draft, documents: set[str]) -> list[Any]:
    _drop_about(message, path, draft)
    if message.role == _TOOL:
        return _result(message, path, draft, documents)
    blocks: list[Any] = []
    calls = _calls(message, path, draft) if message.role == _ASSISTANT else []
    for place, part in enumerate(message.content):
        blocks += [block for before, block in calls if before == place]
        blocks += _part(part, f"{path}.content[{place}]", message, draft, documents)
    if message.refusal:
        if blocks:
            draft.notes.drop(f"{path}.refusal", "the provider has no field for a refusal beside content")
        else:
            blocks.append({"text": message.refusal})
    return blocks + [block for before, block in calls if before >= len(message.content)]


def _drop_about(message: Message, path: str, draft: Draft) -> None:
    if message.name:
        draft.notes.drop(f"{path}.name", "the provider knows no names of participants")
    if message.audio_id:
        raise UnsupportedByProvider.of(f"{path}.audio_id", "bedrock speaks no answers to replay")
    if message.phase:
        draft.notes.drop(f"{path}.phase", "the provider knows no phases of a turn")


def _part(part: ContentPart, path: str, message: Message, draft: Draft, documents: set[str]) -> list[Any]:
    match part.WhichOneof("part"):
        case "text":
            # A block of nothing but white space is refused.
            blocks = [{"text": part.text}] if part.text.strip() else []
        case "reasoning":
            blocks = _reasoning(part.reasoning, path, draft)
        case "provider":
            blocks = _provider_block(part, path, draft)
        case kind if message.role == _ASSISTANT:
            raise UnsupportedByProvider.of(f"{path}.{kind}", "bedrock reads no media of the assistant's own")
        case _:
            blocks = [encode_media(part, path, draft, documents)]
    return blocks + _end_of_part(part, path, "messages", draft)


def _end_of_part(part: ContentPart, path: str, where: str, draft: Draft) -> list[Any]:
    if part.signature:
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a part")
    return cache_point(part.cache_control, path, where, draft) if part.HasField("cache_control") else []


def _reasoning(part: ReasoningPart, path: str, draft: Draft) -> list[Any]:
    signed = bool(part.signature)
    if not _is_ours(part, draft) or draft.family.replays_reasoning not in ("any", "signed" if signed else "unsigned"):
        draft.notes.drop(f"{path}.reasoning", f"the model {draft.model} takes no such reasoning back")
        return []
    signature = part.signature.decode("utf-8", "replace")
    if part.redacted:
        return [{"reasoningContent": {"redactedContent": signature}}]
    text = {"text": part.text, "signature": signature} if signed else {"text": part.text}
    return [{"reasoningContent": {"reasoningText": text}}]


def _is_ours(part: ReasoningPart, draft: Draft) -> bool:
    if part.provider == PROVIDER or not (part.provider or part.signature):
        return True
    # Claude's signatures hold on every platform:
    # https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption
    return draft.family.claude is not None and part.provider in _KIN and not part.redacted


def _provider_block(part: ContentPart, path: str, draft: Draft) -> list[Any]:
    """A block that came from Bedrock, or one that a caller wrote in its form, such as a searchResult."""
    if part.provider.provider != PROVIDER:
        draft.notes.drop(f"{path}.provider", "another provider's block cannot be sent")
        return []
    return [object_of(f"{path}.provider.json", part.provider.json)]


def _calls(message: Message, path: str, draft: Draft) -> list[tuple[int, Block]]:
    """Each call with the number of parts before it; those that do not say come last."""
    last = len(message.content)
    return [
        (call.part_index if call.HasField("part_index") else last, _call(call, f"{path}.tool_calls[{place}]", draft))
        for place, call in enumerate(message.tool_calls)
    ]


def _call(call: ToolCall, path: str, draft: Draft) -> Block:
    if call.HasField("custom"):
        raise UnsupportedByProvider.of(f"{path}.custom", "bedrock has no custom tools")
    function = call.function
    if call.signature:
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a call")
    arguments = function.arguments_json
    return {
        "toolUse": {
            "toolUseId": tool_use_id(call.id),
            "name": check_tool_name(function.name, f"{path}.function.name"),
            "input": object_of(f"{path}.function.arguments_json", arguments) if arguments.strip() else {},
        }
    }


def _result(message: Message, path: str, draft: Draft, documents: set[str]) -> list[Any]:
    content: list[Any] = []
    ends: list[Any] = []
    for place, part in enumerate(message.content):
        where = f"{path}.content[{place}]"
        read = _RESULT_PARTS.get(part.WhichOneof("part") or "")
        content += read(part, where, draft) if read else [encode_media(part, where, draft, documents)]
        # A result holds no mark of its own: the prefix ends after the whole of it.
        ends += _end_of_part(part, where, "messages", draft)
    result: Block = {"toolUseId": tool_use_id(message.tool_call_id), "content": content}
    if message.tool_error and draft.family.tool_status:
        result["status"] = "error"
    elif message.tool_error:
        draft.notes.drop(
            f"{path}.tool_error", f"the model {draft.model} has no mark for a failed tool; its text says so"
        )
    return [{"toolResult": result}, *ends[:1]]


def _result_text(part: ContentPart, path: str, draft: Draft) -> list[Any]:
    if not draft.family.json_results:
        return [{"text": part.text}]
    try:
        told = orjson.loads(part.text)
    except ValueError:
        told = None
    return [{"json": orjson.Fragment(part.text) if isinstance(told, dict) else {"result": part.text}}]


def _result_reasoning(part: ContentPart, path: str, draft: Draft) -> list[Any]:
    raise UnsupportedByProvider.of(f"{path}.reasoning", "bedrock reads no reasoning of a tool")


_RESULT_PARTS: Mapping[str, Callable[[ContentPart, str, Draft], list[Any]]] = {
    "text": _result_text,
    "provider": _provider_block,
    "reasoning": _result_reasoning,
}
