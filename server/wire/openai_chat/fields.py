"""Which response fields have a place in the contract; all others go into provider_fields_json."""

from server.wire import json_value as json
from server.wire.json_value import Object
from server.wire.openai_chat.usage import unread_usage

ANSWER = frozenset(
    {
        "id",
        "object",
        "created",
        "model",
        "choices",
        "usage",
        "service_tier",
        "system_fingerprint",
        "moderation",
        "citations",
        "obfuscation",
        "error",
        # Mistral's padding of chunks, as obfuscation is OpenAI's.
        "p",
        # An echo of the prompt at Together, empty unless asked for.
        "prompt",
    }
)
"""``search_results`` is read as citations and still kept whole: it holds dates that Citation has no field for."""

CHOICE = frozenset(
    {
        "index",
        "message",
        "delta",
        "finish_reason",
        "finish_details",
        "native_finish_reason",
        "logprobs",
        "text",
        "usage",
    }
)

MESSAGE = frozenset(
    {
        "role",
        "content",
        "refusal",
        "tool_calls",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "images",
        "audio",
        "annotations",
        "executed_tools",
    }
)


def unread_of_answer(answer: Object) -> Object:
    """What an answer or a chunk says beside the fields of the contract."""
    left = json.unread(answer, ANSWER)
    groq = left.get("x_groq")
    if type(groq) is dict and "usage" in groq:
        # The usage of Groq's streams, read as such.
        left["x_groq"] = {key: value for key, value in groq.items() if key != "usage"}
        if not left["x_groq"]:
            del left["x_groq"]
    usage = unread_usage(usage_of(answer))
    if usage:
        left["usage"] = usage
    return left


def usage_of(answer: Object) -> Object:
    """The usage a provider told, wherever it put it; empty where it told none.

    Moonshot tells it in the choice that ends (https://platform.kimi.ai/docs/api/chat), others beside the choices.
    """
    beside = json.obj(answer.get("usage")) or json.obj(json.obj(answer.get("x_groq")).get("usage"))
    within = (json.obj(choice.get("usage")) for choice in json.objects(answer.get("choices")))
    return beside or next(filter(None, within), {})


def unread_of_choice(choice: Object) -> Object:
    """What a choice says beside the fields of the contract."""
    left = json.unread(choice, CHOICE)
    if json.text(left.get("stop_reason")):
        del left["stop_reason"]
    if json.text(left.get("matched_stop")):
        del left["matched_stop"]
    if not json.obj(choice.get("logprobs")) and json.says_something(choice.get("logprobs")):
        left["logprobs"] = choice["logprobs"]
    return left


def finish_word(choice: Object) -> str:
    """The provider's word for the end; OpenAI's first vision models had it in ``finish_details``."""
    return json.text(choice.get("finish_reason")) or json.text(json.obj(choice.get("finish_details")).get("type"))


def stop_sequence(choice: Object) -> str:
    """The stop sequence that was hit, where the host tells it: ``stop_reason`` of vLLM, ``matched_stop`` of SGLang."""
    return json.text(choice.get("stop_reason")) or json.text(choice.get("matched_stop"))
