"""What the format calls things."""

from collections.abc import Mapping

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import FinishReason

PROVIDER = "cohere"
"""Reasoning carries this name and goes back to it alone."""

TOOL_PLAN = "tool_plan"
"""ReasoningPart.format of a plan that comes before tool calls, beside the thoughts that are parts of the content."""

ROLES: Mapping[int, str] = {
    chat_pb2.ROLE_SYSTEM: "system",
    chat_pb2.ROLE_DEVELOPER: "system",
    chat_pb2.ROLE_USER: "user",
    chat_pb2.ROLE_ASSISTANT: "assistant",
    chat_pb2.ROLE_TOOL: "tool",
}

IMAGE_DETAILS: Mapping[int, str] = {
    chat_pb2.IMAGE_DETAIL_AUTO: "auto",
    chat_pb2.IMAGE_DETAIL_LOW: "low",
    chat_pb2.IMAGE_DETAIL_HIGH: "high",
}

FINISH_REASONS: "Mapping[str, FinishReason.ValueType]" = {
    # https://docs.cohere.com/reference/chat#response.body.finish_reason
    "complete": chat_pb2.FINISH_REASON_STOP,
    "stop_sequence": chat_pb2.FINISH_REASON_STOP,
    "max_tokens": chat_pb2.FINISH_REASON_LENGTH,
    "tool_call": chat_pb2.FINISH_REASON_TOOL_CALLS,
    # Of the first version, which gateways in front of Cohere still use.
    "error_limit": chat_pb2.FINISH_REASON_LENGTH,
    "error_toxic": chat_pb2.FINISH_REASON_CONTENT_FILTER,
}
"""By the word in lower case; ``error`` and ``timeout`` are no answers, see failures.py."""


def document_id(place: int) -> str:
    """The id of the file part of that number, by which citations name it."""
    return f"doc:{place}"
