"""Every field of the request beside the conversation, each with the one function that sends it.

https://docs.ollama.com/modelfile#valid-parameters-and-values
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.effort import effort_word
from server.wire.chat.refusals import one_choice, refuse, text_alone
from server.wire.chat.schema_prompt import SCHEMA_PATH
from server.wire.json_text import object_of
from server.wire.ollama.names import NAME

_OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "temperature": "temperature",
        "top_p": "top_p",
        "top_k": "top_k",
        "min_p": "min_p",
        "seed": "seed",
        "frequency_penalty": "frequency_penalty",
        "presence_penalty": "presence_penalty",
        "repetition_penalty": "repeat_penalty",
        "max_completion_tokens": "num_predict",
    }
)
"""Fields of the contract that are options of the model's runner, and their names there."""

_DROPPED = (
    *("logit_bias", "parallel_tool_calls", "prediction", "verbosity", "service_tier", "store", "metadata"),
    *("safety_identifier", "prompt_cache_key", "prompt_cache_ttl", "user"),
)

# https://docs.ollama.com/capabilities/thinking: of these it takes levels and no switch, of others a switch alone.
_LEVELLED = re.compile(r"(.*/)?gpt-oss")
_LEVELS: Mapping[int, str] = MappingProxyType(
    {
        chat_pb2.REASONING_EFFORT_LOW: "low",
        chat_pb2.REASONING_EFFORT_MEDIUM: "medium",
        chat_pb2.REASONING_EFFORT_HIGH: "high",
    }
)
_OFF = chat_pb2.REASONING_MODE_OFF
_NONE = chat_pb2.REASONING_EFFORT_NONE


class Draft:
    """A body in the making."""

    __slots__ = ("body", "model", "notes", "request")

    def __init__(self, request: CreateChatCompletionRequest, model: str, body: dict[str, Any]) -> None:
        self.request = request
        self.model = model
        self.body = body
        self.notes = Adjustments(request, model, host=NAME, knobs=frozenset(_OPTIONS))

    def option(self, name: str, value: Any) -> None:
        """Sets one option of the model's runner."""
        self.body.setdefault("options", {})[name] = value


Put = Callable[[Draft, Any], None]


def _option(name: str, draft: Draft, value: Any) -> None:
    draft.option(name, value)


def _dropped(name: str, draft: Draft, value: Any) -> None:
    draft.notes.takes(name)


def _stop(draft: Draft, value: Any) -> None:
    draft.option("stop", list(value))


def _logprobs(draft: Draft, value: bool) -> None:
    if value:
        draft.body["logprobs"] = True


def _top_logprobs(draft: Draft, value: int) -> None:
    draft.body["top_logprobs"] = value


def _response_format(draft: Draft, value: Any) -> None:
    match value.WhichOneof("format"):
        case "text":
            return
        case "json_object":
            draft.body["format"] = "json"
        case "json_schema":
            # Its grammar holds every answer to the schema, strict or not: https://docs.ollama.com/capabilities/structured-outputs
            draft.body["format"] = object_of(SCHEMA_PATH, value.json_schema.schema_json)
            if value.json_schema.description:
                draft.notes.drop("response_format.json_schema.description", "the provider shows the model no schema")
        case "regex" | "grammar" as kind:
            raise UnsupportedByProvider.of(f"response_format.{kind}", f"{NAME} cannot hold an answer to a {kind}")
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object, json_schema, regex or grammar")


def _reasoning(draft: Draft, value: Any) -> None:
    told = _think(draft, value)
    if told is not None:
        draft.body["think"] = told
    if value.budget_tokens:
        draft.notes.drop("reasoning.budget_tokens", "the provider has no such option")
    if value.summary:
        draft.notes.drop("reasoning.summary", "the provider sends reasoning whole, never a summary")
    if value.include_signature:
        draft.notes.drop("reasoning.include_signature", "the provider does not sign reasoning")
    if value.HasField("include_text") and not value.include_text and told is not False:
        draft.notes.drop("reasoning.include_text", "the provider always sends reasoning text")


def _think(draft: Draft, value: Any) -> bool | str | None:
    """The switch or the level; None where the caller leaves it to the model."""
    budget_off = value.HasField("budget_tokens") and not value.budget_tokens
    off = value.effort == _NONE or (not value.effort and (value.mode == _OFF or budget_off))
    if _LEVELLED.match(draft.model):
        if off:
            draft.notes.drop("reasoning", "the model always thinks; its lowest level is low")
            return "low"
        level = value.effort or (chat_pb2.REASONING_EFFORT_MEDIUM if value.mode == chat_pb2.REASONING_MODE_ON else 0)
        return effort_word(level, _LEVELS, draft.notes) if level else None
    if value.effort and not off:
        draft.notes.drop("reasoning.effort", "the model thinks or it does not, and knows no levels")
        return True
    if off:
        return False
    return True if value.mode == chat_pb2.REASONING_MODE_ON else None


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


def _stream_options(draft: Draft, value: Any) -> None:
    if value.include_obfuscation:
        draft.notes.drop("stream_options.include_obfuscation", "the provider pads nothing")


FIELDS: Mapping[str, Put] = {
    **{name: partial(_option, option) for name, option in _OPTIONS.items()},
    **{name: partial(_dropped, name) for name in _DROPPED},
    "model": _nothing,
    "messages": _nothing,
    "tools": _nothing,
    "tool_choice": _nothing,
    "gateway": _nothing,
    "stream_options": _stream_options,
    "response_format": _response_format,
    "reasoning": _reasoning,
    "stop": _stop,
    "n": lambda _, value: one_choice(NAME, value),
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "modalities": lambda _, value: text_alone(NAME, value),
    "audio": partial(refuse, "audio", f"{NAME} speaks no answers"),
    "web_search_options": partial(refuse, "web_search_options", f"{NAME} does not search the web by this option"),
    "moderation_json": partial(refuse, "moderation_json", f"{NAME} runs no moderation"),
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
