"""Every field of the request beside the conversation, each with the one function that sends it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.parts import LIFETIMES
from server.wire.chat.refusals import no_logprobs, one_choice, refuse, text_alone

Put = Callable[[Draft, Any], None]

_FAST_BETA = "fast-mode-2026-02-01"
# With a budget to think with, only this range is taken:
# https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility
_LEAST_TOP_P_THINKING = 0.95
# What models that take no sampling parameters let pass as the default.
_LEAST_TOP_P_DEFAULT = 0.99


def _drop(name: str, draft: Draft, value: Any) -> None:
    draft.notes.takes(name)


def _temperature(draft: Draft, value: float) -> None:
    if value != 1 and (why := _sampling_refusal(draft)):
        draft.notes.drop("temperature", why)
    elif value > 1:
        raise InvalidArgument.field("temperature", f"{draft.dialect.name} takes at most 1")
    else:
        draft.body["temperature"] = value


def _top_p(draft: Draft, value: float) -> None:
    least = _LEAST_TOP_P_THINKING if draft.thinks_by_budget else _LEAST_TOP_P_DEFAULT
    if draft.facts.one_sampler and draft.request.HasField("temperature"):
        # https://platform.claude.com/docs/en/about-claude/models/migration-guide: answered with 400.
        draft.notes.drop("top_p", f"the model {draft.model} takes temperature or top_p, not both")
    elif value < least and (why := _sampling_refusal(draft)):
        draft.notes.drop("top_p", why)
    else:
        draft.body["top_p"] = value


def _top_k(draft: Draft, value: int) -> None:
    if value < 0:
        # Among all, as without it.
        return
    if why := _sampling_refusal(draft):
        draft.notes.drop("top_k", why)
    else:
        draft.body["top_k"] = value


def _sampling_refusal(draft: Draft) -> str:
    if not draft.facts.sampling:
        return f"the model {draft.model} does not take it"
    return "the model does not take it while it reasons" if draft.thinks_by_budget else ""


def _stop(draft: Draft, value: Any) -> None:
    for place, sequence in enumerate(value):
        if not sequence.strip():
            # "each stop sequence must contain non-whitespace", says the API.
            raise UnsupportedByProvider.of(f"stop[{place}]", "Claude stops at no white space alone")
    draft.body["stop_sequences"] = list(value)


def _service_tier(draft: Draft, value: str) -> None:
    """The contract's words are OpenAI's: https://platform.claude.com/docs/en/api/service-tiers."""
    match value:
        case "auto" | "standard_only":
            draft.body["service_tier"] = value
        case "default":
            draft.body["service_tier"] = "standard_only"
        case "fast" if draft.dialect.fast:
            # https://platform.claude.com/docs/en/build-with-claude/fast-mode
            draft.body["speed"] = "fast"
            draft.needs_beta(_FAST_BETA)
        case _:
            draft.notes.drop("service_tier", "the provider knows auto, default and fast")


def _store(draft: Draft, value: bool) -> None:
    if value:
        draft.notes.takes("store")


def _user_id(name: str, draft: Draft, value: str) -> None:
    """``safety_identifier``, or the older ``user`` where it is alone."""
    if name == "user" and draft.request.safety_identifier:
        if value != draft.request.safety_identifier:
            draft.notes.drop("user", "the provider takes one id of the user, and safety_identifier is set")
        return
    draft.body["metadata"] = {"user_id": value}


def _prompt_cache_ttl(draft: Draft, value: str) -> None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching#automatic-caching."""
    if not draft.dialect.automatic_caching:
        draft.notes.drop("prompt_cache_ttl", f"{draft.dialect.name} caches where cache_control says")
    elif value in LIFETIMES:
        draft.body["cache_control"] = {"type": "ephemeral", "ttl": value}
    else:
        draft.notes.drop("prompt_cache_ttl", "the provider knows 5m and 1h")


def _stream_options(draft: Draft, value: Any) -> None:
    """Coalescing and usage on every chunk are the gateway's own work."""
    if draft.stream and value.include_obfuscation:
        draft.notes.drop("stream_options.include_obfuscation", "the provider pads no chunks")


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_DROPPED = (
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "min_p",
    "repetition_penalty",
    "prediction",
    "verbosity",
    "metadata",
    "prompt_cache_key",
)
_SENT_ELSEWHERE = (
    *("model", "messages", "tools", "tool_choice", "parallel_tool_calls", "web_search_options", "gateway"),
    *("max_completion_tokens", "reasoning", "response_format"),
)

FIELDS: Mapping[str, Put] = {
    **{name: partial(_drop, name) for name in _DROPPED},
    **dict.fromkeys(_SENT_ELSEWHERE, _nothing),
    "temperature": _temperature,
    "top_p": _top_p,
    "top_k": _top_k,
    "stop": _stop,
    "n": lambda draft, value: one_choice(draft.dialect.name, value),
    "logprobs": lambda draft, value: no_logprobs("logprobs", draft.dialect.name, value),
    "top_logprobs": lambda draft, value: no_logprobs("top_logprobs", draft.dialect.name, value),
    "modalities": lambda draft, value: text_alone(draft.dialect.name, value),
    "audio": partial(refuse, "audio", "Claude speaks no answers"),
    "moderation_json": partial(refuse, "moderation_json", "Claude runs no moderation beside a completion"),
    "service_tier": _service_tier,
    "store": _store,
    "safety_identifier": partial(_user_id, "safety_identifier"),
    "user": partial(_user_id, "user"),
    "prompt_cache_ttl": _prompt_cache_ttl,
    "stream_options": _stream_options,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
