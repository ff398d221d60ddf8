"""Why a choice ended: the providers' words for the contract's."""

from collections.abc import Mapping

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import FinishReason

FINISH_REASONS: "Mapping[str, FinishReason.ValueType]" = {
    "stop": chat_pb2.FINISH_REASON_STOP,
    # Together, and what models behind OpenRouter and vLLM call it.
    "eos": chat_pb2.FINISH_REASON_STOP,
    "end_turn": chat_pb2.FINISH_REASON_STOP,
    "stop_sequence": chat_pb2.FINISH_REASON_STOP,
    "completed": chat_pb2.FINISH_REASON_STOP,
    "length": chat_pb2.FINISH_REASON_LENGTH,
    "max_tokens": chat_pb2.FINISH_REASON_LENGTH,
    "model_length": chat_pb2.FINISH_REASON_LENGTH,
    "model_context_window_exceeded": chat_pb2.FINISH_REASON_LENGTH,
    "tool_calls": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "function_call": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "tool_use": chat_pb2.FINISH_REASON_TOOL_CALLS,
    "content_filter": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "refusal": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "safety": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    # Z.ai: https://docs.z.ai/api-reference/llm/chat-completion
    "sensitive": chat_pb2.FINISH_REASON_CONTENT_FILTER,
    "pause_turn": chat_pb2.FINISH_REASON_PAUSE,
}
"""By the word in lower case: OpenAI's, those of hosts that speak its format, and Anthropic's."""


def finish_reason(
    word: str, *, calls: bool, words: "Mapping[str, FinishReason.ValueType]" = FINISH_REASONS
) -> "FinishReason.ValueType":
    """What ``word`` means. A natural end with calls for the caller to run is TOOL_CALLS, whatever the word."""
    if not word:
        return chat_pb2.FINISH_REASON_UNSPECIFIED
    reason = words.get(word.lower(), chat_pb2.FINISH_REASON_OTHER)
    if calls and reason == chat_pb2.FINISH_REASON_STOP:
        return chat_pb2.FINISH_REASON_TOOL_CALLS
    return reason
