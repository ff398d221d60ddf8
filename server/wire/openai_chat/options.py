"""Every field of the request beside the conversation, each with the one function that sends it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from aignehub.v1 import usage_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.json_text import object_of
from server.wire.openai_chat import formats, words
from server.wire.openai_chat.dialect import Dialect


class Draft:
    """A body in the making."""

    __slots__ = ("body", "dialect", "notes", "request", "stream")

    def __init__(
        self, request: CreateChatCompletionRequest, model: str, dialect: Dialect, body: dict[str, Any], *, stream: bool
    ) -> None:
        self.request = request
        self.dialect = dialect
        self.body = body
        self.stream = stream
        self.notes = Adjustments(request, model, host=dialect.name, knobs=dialect.knobs, rules=dialect.model_rules)


Put = Callable[[Draft, Any], None]


def _knob(name: str, draft: Draft, value: Any) -> None:
    if draft.notes.takes(name):
        draft.body[name] = value


def _seed(draft: Draft, value: int) -> None:
    if not draft.notes.takes("seed"):
        return
    if value < draft.dialect.min_seed:
        draft.notes.drop("seed", f"{draft.dialect.name} takes none below {draft.dialect.min_seed}")
    else:
        draft.body[draft.dialect.seed] = value


def _sampling(name: str, draft: Draft, value: float) -> None:
    # Models that refuse sampling parameters accept their default: https://platform.openai.com/docs/guides/reasoning
    if value == 1 and name in draft.dialect.knobs and not draft.notes.fixes(name):
        draft.body[name] = value
    elif draft.notes.takes(name):
        if name == "temperature" and value > draft.dialect.max_temperature:
            raise InvalidArgument.field(name, f"{draft.dialect.name} takes at most {draft.dialect.max_temperature:g}")
        least = draft.dialect.min_temperature if name == "temperature" else 0.0
        if value < least:
            draft.notes.drop(name, f"{draft.dialect.name} takes no less than {least:g}")
        draft.body[name] = max(value, least)


def _max_tokens(draft: Draft, value: int) -> None:
    draft.body[draft.dialect.max_tokens] = value


def _stop(draft: Draft, value: Any) -> None:
    if why := draft.notes.refusal("stop"):
        raise UnsupportedByProvider.of("stop", why)
    if len(value) > draft.dialect.max_stop:
        raise InvalidArgument.field("stop", f"{draft.dialect.name} takes at most {draft.dialect.max_stop} sequences")
    draft.body["stop"] = list(value)


def _choices(draft: Draft, value: int) -> None:
    known = "n" in draft.dialect.knobs and not draft.notes.model_refusal("n")
    if value > (draft.dialect.max_n if known else 1):
        raise UnsupportedByProvider.of("n", f"{draft.dialect.name} gives at most {draft.dialect.max_n if known else 1}")
    if known:
        draft.body["n"] = value


def _logit_bias(draft: Draft, value: Mapping[int, float]) -> None:
    if not draft.notes.takes("logit_bias"):
        return
    biases: dict[str, float] = {}
    for token, bias in value.items():
        whole = bias.is_integer()
        if draft.dialect.whole_logit_bias and not whole:
            raise InvalidArgument.field(f"logit_bias[{token}]", f"{draft.dialect.name} takes whole numbers")
        biases[str(token)] = int(bias) if whole else bias
    draft.body["logit_bias"] = biases


def _logprobs(draft: Draft, value: bool) -> None:
    # Leaving out what was not wanted is no change; leaving out what was is no tuning.
    if why := draft.notes.refusal("logprobs"):
        if value:
            raise UnsupportedByProvider.of("logprobs", why)
        return
    if not draft.dialect.logprobs_number:
        draft.body["logprobs"] = value
    elif value:
        draft.body["logprobs"] = draft.request.top_logprobs or 1


def _top_logprobs(draft: Draft, value: int) -> None:
    if why := draft.notes.refusal("top_logprobs"):
        if value:
            raise UnsupportedByProvider.of("top_logprobs", why)
        return
    if value > draft.dialect.max_top_logprobs:
        raise InvalidArgument.field(
            "top_logprobs", f"{draft.dialect.name} takes at most {draft.dialect.max_top_logprobs}"
        )
    if not draft.dialect.logprobs_number:
        draft.body["top_logprobs"] = value


def _modalities(draft: Draft, value: Any) -> None:
    if list(value) == [usage_pb2.MODALITY_TEXT] and not draft.dialect.modalities:
        return
    told = []
    for place, modality in enumerate(value):
        word = words.MODALITIES.get(modality, "")
        if word != "text" and word not in draft.dialect.modalities:
            raise UnsupportedByProvider.of(
                f"modalities[{place}]",
                f"{draft.dialect.name} answers in {', '.join(['text', *sorted(draft.dialect.modalities)])}",
            )
        told.append(word)
    draft.body["modalities"] = told


def _audio(draft: Draft, value: Any) -> None:
    if "audio" not in draft.dialect.modalities:
        raise UnsupportedByProvider.of("audio", f"{draft.dialect.name} speaks no answers")
    if value.format:
        word = words.OUTPUT_AUDIO_FORMATS.get(value.format)
        if word is None:
            choice = ", ".join(words.OUTPUT_AUDIO_FORMATS.values())
            raise InvalidArgument.field("audio.format", f"{draft.dialect.name} speaks {choice}")
    else:
        # The format has no default there, and only raw samples can be streamed.
        word = "pcm16" if draft.stream else "wav"
    draft.body["audio"] = {"voice": value.voice, "format": word}


def _prediction(draft: Draft, value: Any) -> None:
    if draft.notes.takes("prediction"):
        draft.body["prediction"] = {"type": "content", "content": value.content}


def _verbosity(draft: Draft, value: int) -> None:
    if draft.notes.takes("verbosity"):
        draft.body["verbosity"] = words.VERBOSITIES[value]


def _web_search(draft: Draft, value: Any) -> None:
    if not draft.dialect.web_search:
        raise UnsupportedByProvider.of(
            "web_search_options", f"{draft.dialect.name} does not search the web by this option"
        )
    told: dict[str, Any] = {}
    if value.search_context_size:
        told["search_context_size"] = value.search_context_size
    place = {name: getattr(value, name) for name in ("country", "region", "city", "timezone") if getattr(value, name)}
    if place and draft.dialect.web_search == "flat":
        # Perplexity puts the place there without a level between: https://docs.perplexity.ai/guides/user-location-filter-guide
        if place.pop("timezone", None):
            draft.notes.drop("web_search_options.timezone", "the provider knows no time zones")
        told["user_location"] = place
    elif place:
        told["user_location"] = {"type": "approximate", "approximate": place}
    draft.body["web_search_options"] = told


def _metadata(draft: Draft, value: Mapping[str, str]) -> None:
    if draft.notes.takes("metadata"):
        draft.body["metadata"] = dict(value)


_RETENTIONS = frozenset({"in_memory", "24h"})
_LIFETIMES = frozenset({"30m"})


def _prompt_cache_ttl(draft: Draft, value: str) -> None:
    cache_lifetime(draft.notes, draft.dialect.name, draft.body, value)


def cache_lifetime(notes: Adjustments, host: str, body: dict[str, Any], value: str) -> None:
    """Puts how long a cached prefix lives into the body, in either of OpenAI's APIs."""
    if not notes.takes("prompt_cache_ttl"):
        return
    # Two fields of two generations of models: https://platform.openai.com/docs/guides/prompt-caching
    if value in _RETENTIONS:
        body["prompt_cache_retention"] = value
    elif value in _LIFETIMES:
        body["prompt_cache_options"] = {"ttl": value}
    else:
        notes.drop("prompt_cache_ttl", f"{host} knows in_memory, 24h and 30m")


def _moderation(draft: Draft, value: str) -> None:
    if not draft.dialect.moderation:
        raise UnsupportedByProvider.of(
            "moderation_json", f"{draft.dialect.name} runs no moderation beside a completion"
        )
    draft.body["moderation"] = object_of("moderation_json", value)


def _reasoning(draft: Draft, value: Any) -> None:
    if (style := draft.dialect.reasoning) is None:
        draft.notes.drop("reasoning", f"{draft.dialect.name} has no reasoning options")
    elif why := draft.notes.model_refusal("reasoning"):
        draft.notes.drop("reasoning", why)
    else:
        style(value, draft.dialect, draft.body, draft.notes)


def _response_format(draft: Draft, value: Any) -> None:
    formats.encode_format(value, draft.dialect, draft.body)


def _stream_options(draft: Draft, value: Any) -> None:
    """Only what the provider is told; coalescing and usage on every chunk are the gateway's own work."""
    if not draft.stream:
        return
    options = draft.body.setdefault("stream_options", {})
    if value.HasField("include_obfuscation") and draft.notes.takes("include_obfuscation"):
        options["include_obfuscation"] = value.include_obfuscation
    if value.continuous_usage and draft.dialect.continuous_usage:
        options["continuous_usage_stats"] = True
    if not options:
        del draft.body["stream_options"]


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_PLAIN_KNOBS = (
    "frequency_penalty",
    "presence_penalty",
    "top_k",
    "min_p",
    "repetition_penalty",
    "parallel_tool_calls",
    "service_tier",
    "store",
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
    "gateway": _nothing,
    "max_completion_tokens": _max_tokens,
    "response_format": _response_format,
    "reasoning": _reasoning,
    "stop": _stop,
    "seed": _seed,
    "n": _choices,
    "stream_options": _stream_options,
    "logit_bias": _logit_bias,
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "modalities": _modalities,
    "audio": _audio,
    "prediction": _prediction,
    "verbosity": _verbosity,
    "web_search_options": _web_search,
    "metadata": _metadata,
    "prompt_cache_ttl": _prompt_cache_ttl,
    "moderation_json": _moderation,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
