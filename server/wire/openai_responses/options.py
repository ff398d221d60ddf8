"""Every field of the request beside the conversation, each with the one function that sends it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aignehub.v1 import usage_pb2
from aignehub.v1.chat_pb2 import JsonSchemaFormat
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.schema_prompt import SCHEMA_NAME, SCHEMA_PATH
from server.wire.json_text import object_of
from server.wire.openai_chat import words
from server.wire.openai_chat.options import cache_lifetime
from server.wire.openai_responses import reasoning
from server.wire.openai_responses.dialect import ResponsesDialect


class Draft:
    """A body in the making."""

    __slots__ = ("body", "dialect", "notes", "request", "stream")

    def __init__(
        self,
        request: CreateChatCompletionRequest,
        model: str,
        dialect: ResponsesDialect,
        body: dict[str, Any],
        *,
        stream: bool,
    ) -> None:
        self.request = request
        self.dialect = dialect
        self.body = body
        self.stream = stream
        self.notes = Adjustments(request, model, host=dialect.name, knobs=dialect.knobs, rules=dialect.model_rules)

    def include(self, what: str) -> None:
        """Asks for a part of the answer that comes on request alone."""
        self.body.setdefault("include", []).append(what)

    def text(self, name: str, value: Any) -> None:
        """Sets one of the settings of the answer's text."""
        self.body.setdefault("text", {})[name] = value


Put = Callable[[Draft, Any], None]


def _knob(name: str, draft: Draft, value: Any) -> None:
    if draft.notes.takes(name):
        draft.body[name] = value


def _sampling(name: str, draft: Draft, value: float) -> None:
    # Models that refuse sampling parameters accept their default: https://platform.openai.com/docs/guides/reasoning
    if value == 1 or draft.notes.takes(name):
        draft.body[name] = value


def _max_tokens(draft: Draft, value: int) -> None:
    least = draft.dialect.least_tokens
    if value < least:
        raise InvalidArgument.field("max_completion_tokens", f"{draft.dialect.name} takes at least {least} here")
    draft.body["max_output_tokens"] = value


def _stop(draft: Draft, value: Any) -> None:
    raise UnsupportedByProvider.of("stop", f"{draft.dialect.name} knows no stop sequences in this API")


def _choices(draft: Draft, value: int) -> None:
    if value > 1:
        raise UnsupportedByProvider.of("n", f"{draft.dialect.name} gives at most 1 in this API")


def _logprobs(draft: Draft, value: bool) -> None:
    # Leaving out what was not wanted is no change; leaving out what was is no tuning.
    if not value:
        return
    if why := draft.notes.refusal("logprobs"):
        raise UnsupportedByProvider.of("logprobs", why)
    if draft.dialect.logprobs_switch:
        draft.body["logprobs"] = True
    else:
        draft.include("message.output_text.logprobs")


def _top_logprobs(draft: Draft, value: int) -> None:
    if why := draft.notes.refusal("top_logprobs"):
        if value:
            raise UnsupportedByProvider.of("top_logprobs", why)
        return
    most = draft.dialect.max_top_logprobs
    if value > most:
        raise InvalidArgument.field("top_logprobs", f"{draft.dialect.name} takes at most {most}")
    draft.body["top_logprobs"] = value


def _modalities(draft: Draft, value: Any) -> None:
    for place, modality in enumerate(value):
        if modality != usage_pb2.MODALITY_TEXT:
            raise UnsupportedByProvider.of(
                f"modalities[{place}]",
                f"{draft.dialect.name} answers in text in this API; its own tool image_generation draws",
            )


def _audio(draft: Draft, value: Any) -> None:
    raise UnsupportedByProvider.of("audio", f"{draft.dialect.name} speaks no answers in this API")


def _verbosity(draft: Draft, value: int) -> None:
    if draft.notes.takes("verbosity"):
        draft.text("verbosity", words.VERBOSITIES[value])


def _metadata(draft: Draft, value: Mapping[str, str]) -> None:
    if draft.notes.takes("metadata"):
        draft.body["metadata"] = dict(value)


def _store(draft: Draft, value: bool) -> None:
    if value and draft.notes.refusal("store"):
        draft.notes.takes("store")
        draft.body["store"] = False


def _prompt_cache_ttl(draft: Draft, value: str) -> None:
    cache_lifetime(draft.notes, draft.dialect.name, draft.body, value)


def _moderation(draft: Draft, value: str) -> None:
    if not draft.dialect.moderation:
        raise UnsupportedByProvider.of("moderation_json", f"{draft.dialect.name} runs no moderation beside an answer")
    draft.body["moderation"] = object_of("moderation_json", value)


def _reasoning(draft: Draft, value: Any) -> None:
    reasoning.encode_reasoning(value, draft.dialect, draft.body, draft.notes)


def _response_format(draft: Draft, value: Any) -> None:
    match value.WhichOneof("format"):
        case "text":
            draft.text("format", {"type": "text"})
        case "json_object":
            draft.text("format", {"type": "json_object"})
        case "json_schema":
            draft.text("format", _schema(value.json_schema))
        case "regex" | "grammar" as kind:
            raise UnsupportedByProvider.of(
                f"response_format.{kind}", f"{draft.dialect.name} cannot hold an answer to a {kind}"
            )
        case _:
            raise InvalidArgument.field("response_format", "set text, json_object, json_schema, regex or grammar")


def _schema(schema: JsonSchemaFormat) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "json_schema", "name": schema.name or SCHEMA_NAME}
    if schema.description:
        told["description"] = schema.description
    told["schema"] = object_of(SCHEMA_PATH, schema.schema_json)
    if schema.HasField("strict"):
        told["strict"] = schema.strict
    return told


def _stream_options(draft: Draft, value: Any) -> None:
    """Only what the provider is told; coalescing and usage on every chunk are the gateway's own work."""
    if draft.stream and value.HasField("include_obfuscation") and draft.notes.takes("include_obfuscation"):
        draft.body["stream_options"] = {"include_obfuscation": value.include_obfuscation}


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_PLAIN_KNOBS = (
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "top_k",
    "min_p",
    "repetition_penalty",
    "logit_bias",
    "prediction",
    "parallel_tool_calls",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "user",
)

FIELDS: Mapping[str, Put] = {
    **{name: partial(_knob, name) for name in _PLAIN_KNOBS},
    "temperature": partial(_sampling, "temperature"),
    "top_p": partial(_sampling, "top_p"),
    "model": _nothing,
    "messages": _nothing,
    "tools": _nothing,
    "tool_choice": _nothing,
    "web_search_options": _nothing,
    "gateway": _nothing,
    "max_completion_tokens": _max_tokens,
    "response_format": _response_format,
    "reasoning": _reasoning,
    "stop": _stop,
    "n": _choices,
    "stream_options": _stream_options,
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "modalities": _modalities,
    "audio": _audio,
    "verbosity": _verbosity,
    "metadata": _metadata,
    "store": _store,
    "prompt_cache_ttl": _prompt_cache_ttl,
    "moderation_json": _moderation,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
