"""What an answer says that has no field in the contract."""

from aignehub.v1 import chat_pb2

from server.wire import json_value as json
from server.wire.anthropic.usage import unread_usage
from server.wire.chat.finish import FINISH_REASONS
from server.wire.json_value import Object

FINISH_WORDS = {
    **FINISH_REASONS,
    # A pause that was asked for: https://platform.claude.com/docs/en/build-with-claude/compaction
    "compaction": chat_pb2.FINISH_REASON_PAUSE,
}

_ANSWER = frozenset(
    {
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "stop_details",
        "usage",
        "error",
    }
)


def unread_of_answer(answer: Object, usage: Object) -> str:
    """Everything beside the fields of the contract, as JSON; empty where there is nothing."""
    left = json.unread(answer, _ANSWER)
    if rest := unread_usage(usage):
        left["usage"] = rest
    return json.to_text(left)


def unread_of_choice(stop_details: Object, citations: list[Object]) -> str:
    """The same for the choice."""
    left: Object = {}
    if stop_details:
        left["stop_details"] = stop_details
    if citations:
        left["citations"] = citations
    return json.to_text(left)


def refusal_of(stop_reason: str, stop_details: Object) -> str:
    """Why Claude refuses, in words: https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback."""
    return json.text(stop_details.get("explanation")) if stop_reason == "refusal" else ""
