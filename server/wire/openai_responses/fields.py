"""Which response fields have a place in the contract; all others go into provider_fields_json."""

from server.wire import json_value as json
from server.wire.json_value import Object
from server.wire.openai_responses.usage import unread_usage

_READ = frozenset(
    {
        "id",
        "object",
        "created_at",
        "model",
        "output",
        "output_text",
        "usage",
        "service_tier",
        "status",
        "error",
        "moderation",
    }
)
_ECHO = frozenset(
    {
        "background",
        "frequency_penalty",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user",
    }
)
"""The request, told again in every answer."""


def unread_of_answer(answer: Object) -> Object:
    """What a response says beside the fields of the contract, the request's echo left out."""
    left = json.unread(answer, _READ | _ECHO)
    if usage := unread_usage(json.obj(answer.get("usage"))):
        left["usage"] = usage
    return left


def answer_fields(answer: Object, *, moderation: bool) -> str:
    """The same as text; with ``moderation`` where its result has no field of its own."""
    left = unread_of_answer(answer)
    if moderation and json.says_something(answer.get("moderation")):
        left["moderation"] = answer["moderation"]
    return json.to_text(left)
