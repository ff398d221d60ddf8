"""Where parts of a conversation may stand at hosts that are particular about it."""

from typing import Any

from server.wire.openai_chat.dialect import Dialect

_ELSEWHERE = "The result is in the next message of the user."


def simplest(parts: list[Any]) -> Any:
    """One plain text part as a string, which every host reads; else the list."""
    return parts[0]["text"] if len(parts) == 1 and _is_plain(parts[0]) else parts


def rearrange(entries: list[dict[str, Any]], dialect: Dialect) -> list[dict[str, Any]]:
    """The messages with what each may hold; those that hold plain text alone are left as they are."""
    lists = [entry for entry in entries if type(entry["content"]) is list]
    if not dialect.tool_media and any(entry["role"] == "tool" and _media(entry) for entry in lists):
        entries = _moved(entries)
    if dialect.plain_texts:
        for entry in lists:
            content = entry["content"]
            if entry["role"] != "user" and type(content) is list and all(map(_is_plain, content)):
                entry["content"] = "\n".join(part["text"] for part in content)
    return entries


def _moved(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Media of tools' results in a message of the user, after the last result of the turn.

    OpenAI answers 400 "Image URLs are only allowed for messages with role 'user'":
    https://platform.openai.com/docs/api-reference/chat/create
    """
    moved: list[dict[str, Any]] = []
    waiting: list[Any] = []
    for entry in entries:
        if entry["role"] != "tool" and waiting:
            moved.append({"role": "user", "content": waiting})
            waiting = []
        moved.append(entry)
        if entry["role"] == "tool" and type(entry["content"]) is list and (media := _media(entry)):
            waiting += [{"type": "text", "text": f"Of the result of {entry['tool_call_id']}:"}, *media]
            texts = [part for part in entry["content"] if part not in media]
            entry["content"] = simplest(texts) or _ELSEWHERE
    return [*moved, {"role": "user", "content": waiting}] if waiting else moved


def _media(entry: dict[str, Any]) -> list[Any]:
    # What is no object here is a block of the provider's own, as it came.
    return [part for part in entry["content"] if isinstance(part, dict) and part["type"] != "text"]


def _is_plain(part: Any) -> bool:
    return isinstance(part, dict) and part.keys() == {"type", "text"}
