"""The conversation: instructions apart, results before words, calls where they were made."""

from collections.abc import Iterator, Sequence
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message, ReasoningPart

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.calls import encode_call, encode_result
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.parts import cache_control, drop_signature, encode_block, encode_part

CLAUDE_FORMAT = "anthropic-claude-v1"
"""ReasoningPart.format of Claude's reasoning, wherever it was made."""

_SYSTEM = frozenset({chat_pb2.ROLE_SYSTEM, chat_pb2.ROLE_DEVELOPER})
_USER = chat_pb2.ROLE_USER
_ASSISTANT = chat_pb2.ROLE_ASSISTANT
_TOOL = chat_pb2.ROLE_TOOL

_EMPTY = {"type": "text", "text": ""}

Placed = tuple[int, Message]
"""A message and its place in the request."""


def encode_messages(messages: Sequence[Message], draft: Draft) -> None:
    """Puts ``system`` and ``messages`` into the body.

    Instructions within the conversation stay there at models that take them, and go up to the others at the top, where
    all instructions of this API are.
    """
    within = _system_turns(messages) if draft.facts.system_turns else frozenset()
    instructions: list[Any] = []
    entries: list[dict[str, Any]] = []
    run: list[Placed] = []
    for place, message in enumerate(messages):
        if message.role in (_USER, _TOOL):
            run.append((place, message))
            continue
        if message.role in _SYSTEM and place not in within:
            instructions += _texts(message, place, draft)
            continue
        entries += _asked(run, draft)
        run = []
        if (entry := _other(message, place, draft))["content"]:
            entries.append(entry)
    entries += _asked(run, draft)
    if not entries:
        raise InvalidArgument.field("messages", "hold nothing but instructions; add what the user says")
    if instructions:
        draft.body["system"] = _simplest(instructions)
    draft.body["messages"] = entries


def _system_turns(messages: Sequence[Message]) -> frozenset[int]:
    """Places of instructions that may stay: after a user's turn, and last or before the assistant's.

    https://platform.claude.com/docs/en/build-with-claude/prompt-caching#mid-conversation-system-messages
    """
    last = len(messages) - 1
    return frozenset(
        place
        for place, message in enumerate(messages)
        if message.role in _SYSTEM
        and place > 0
        and messages[place - 1].role in (_USER, _TOOL)
        and (place == last or messages[place + 1].role == _ASSISTANT)
    )


def _other(message: Message, place: int, draft: Draft) -> dict[str, Any]:
    path = f"messages[{place}]"
    if message.role == _ASSISTANT:
        return {"role": "assistant", "content": _said(message, path, draft)}
    if message.role in _SYSTEM:
        return {"role": "system", "content": _simplest(_texts(message, place, draft))}
    raise InvalidArgument.field(f"{path}.role", "is required")


def _asked(run: Sequence[Placed], draft: Draft) -> Iterator[dict[str, Any]]:
    """Consecutive turns of users and tools. Results are all in one turn and its first blocks, as the API demands.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/handle-tool-calls
    """
    results = [encode_result(message, f"messages[{at}]", draft) for at, message in run if message.role == _TOOL]
    if not results:
        for at, message in run:
            if blocks := _blocks(message, f"messages[{at}]", draft):
                yield {"role": "user", "content": _simplest(blocks)}
        return
    words: list[Any] = []
    for at, message in run:
        if message.role == _USER:
            words += _blocks(message, f"messages[{at}]", draft)
        else:
            _drop_names(message, f"messages[{at}]", draft)
    yield {"role": "user", "content": [*results, *words]}


def _texts(message: Message, place: int, draft: Draft) -> list[Any]:
    path = f"messages[{place}]"
    for at, part in enumerate(message.content):
        if (kind := part.WhichOneof("part")) != "text":
            raise UnsupportedByProvider.of(f"{path}.content[{at}].{kind or 'part'}", "instructions are text to Claude")
    return _blocks(message, path, draft)


def _blocks(message: Message, path: str, draft: Draft) -> list[Any]:
    _drop_names(message, path, draft)
    blocks = (encode_part(part, f"{path}.content[{at}]", draft) for at, part in enumerate(message.content))
    kept = [block for block in blocks if block is not None]
    # The API refuses empty text blocks, and beside others nothing is lost with one.
    return [block for block in kept if block != _EMPTY] or kept[:1]


def _simplest(blocks: list[Any]) -> Any:
    """One plain text as a string, which reads better in a log; else the list."""
    if len(blocks) == 1 and isinstance(blocks[0], dict) and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks


def _drop_names(message: Message, path: str, draft: Draft) -> None:
    if message.name:
        draft.notes.drop(f"{path}.name", "the provider knows no names of participants")
    if message.phase:
        draft.notes.drop(f"{path}.phase", "the provider knows no phases of a turn")


def _said(message: Message, path: str, draft: Draft) -> Any:
    """The assistant's own turn, each call at its place among the parts."""
    _drop_names(message, path, draft)
    if message.audio_id:
        raise UnsupportedByProvider.of(f"{path}.audio_id", "Claude speaks no answers to replay")
    blocks: list[Any] = []
    calls = [(call, f"{path}.tool_calls[{at}]") for at, call in enumerate(message.tool_calls)]
    for at, part in enumerate(message.content):
        while calls and calls[0][0].HasField("part_index") and calls[0][0].part_index <= at:
            blocks.append(encode_call(*calls.pop(0), draft))
        if (block := _said_part(part, f"{path}.content[{at}]", draft)) is not None:
            blocks.append(block)
    if message.refusal and not blocks:
        blocks.append({"type": "text", "text": message.refusal})
    elif message.refusal:
        draft.notes.drop(f"{path}.refusal", "the provider has no field for a refusal beside content")
    blocks += [encode_call(call, where, draft) for call, where in calls]
    return _simplest(blocks)


def _said_part(part: ContentPart, path: str, draft: Draft) -> Any:
    match part.WhichOneof("part"):
        case "text":
            return _said_text(part, path, draft)
        case "reasoning":
            return _thought(part, path, draft)
        case "provider":
            return encode_block(part, path, draft)
        case kind:
            raise UnsupportedByProvider.of(f"{path}.{kind or 'part'}", "Claude reads no such part of its own")


def _said_text(part: ContentPart, path: str, draft: Draft) -> Any:
    drop_signature(part, path, draft)
    if not part.text:
        # The API refuses empty text blocks, and nothing is lost with one.
        return None
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if part.HasField("cache_control"):
        block["cache_control"] = cache_control(part.cache_control, path, draft)
    return block


def _thought(part: ContentPart, path: str, draft: Draft) -> Any:
    """Reasoning as it came: a changed block is refused by the API.

    https://platform.claude.com/docs/en/build-with-claude/extended-thinking#preserving-thinking-blocks
    """
    thought = part.reasoning
    if part.HasField("cache_control"):
        draft.notes.drop(f"{path}.cache_control", "no cached prefix ends after reasoning")
    if not _is_ours(thought, draft):
        draft.notes.drop(f"{path}.reasoning", "the provider takes no reasoning back that Claude did not sign")
        return None
    signature = thought.signature.decode("utf-8", "replace")
    if thought.redacted:
        return {"type": "redacted_thinking", "data": signature}
    return {"type": "thinking", "thinking": thought.text, "signature": signature}


def _is_ours(thought: ReasoningPart, draft: Draft) -> bool:
    return bool(thought.signature) and draft.dialect.made(thought.provider) and thought.format in ("", CLAUDE_FORMAT)
