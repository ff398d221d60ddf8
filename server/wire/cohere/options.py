"""Every field of the request beside the conversation, each with the one function that sends it."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.refusals import one_choice, refuse, text_alone
from server.wire.cohere.draft import Draft
from server.wire.cohere.formats import encode_format
from server.wire.cohere.reasoning import encode_reasoning
from server.wire.cohere.words import PROVIDER

__all__ = ["FIELDS", "Draft"]

_MAX_STOP = 5
_LOWEST_P, _HIGHEST_P = 0.01, 0.99
_HIGHEST_K = 500
_HIGHEST_PENALTY = 1.0

Put = Callable[[Draft, Any], None]


def _within(draft: Draft, name: str, value: float, low: float, high: float) -> float:
    """``value``, or the nearest there is, which is noted."""
    nearest = min(max(value, low), high)
    if nearest != value:
        draft.notes.drop(name, f"{PROVIDER} takes {low:g} to {high:g}")
    return nearest


def _temperature(draft: Draft, value: float) -> None:
    draft.body["temperature"] = value


def _top_p(draft: Draft, value: float) -> None:
    draft.body["p"] = _within(draft, "top_p", value, _LOWEST_P, _HIGHEST_P)


def _top_k(draft: Draft, value: int) -> None:
    # 0 is its word for all tokens, as -1 is the contract's.
    draft.body["k"] = int(_within(draft, "top_k", max(value, 0), 0, _HIGHEST_K))


def _penalty(name: str, draft: Draft, value: float) -> None:
    draft.body[name] = _within(draft, name, value, 0.0, _HIGHEST_PENALTY)


def _seed(draft: Draft, value: int) -> None:
    if value < 0:
        draft.notes.drop("seed", f"{PROVIDER} takes none below 0")
    else:
        draft.body["seed"] = value


def _max_tokens(draft: Draft, value: int) -> None:
    draft.body["max_tokens"] = value


def _stop(draft: Draft, value: Any) -> None:
    if len(value) > _MAX_STOP:
        raise InvalidArgument.field("stop", f"{PROVIDER} takes at most {_MAX_STOP} sequences")
    draft.body["stop_sequences"] = list(value)


def _logprobs(draft: Draft, value: bool) -> None:
    draft.body["logprobs"] = value


def _top_logprobs(_draft: Draft, value: int) -> None:
    if value:
        raise UnsupportedByProvider.of("top_logprobs", f"{PROVIDER} tells the chosen tokens alone")


def _parallel(draft: Draft, value: bool) -> None:
    # It calls several tools at once unless it needs one alone; that cannot be switched off.
    if not value:
        draft.notes.drop("parallel_tool_calls", f"{PROVIDER} has no such parameter")


def _drop(name: str, draft: Draft, _value: Any) -> None:
    draft.notes.drop(name, f"{PROVIDER} has no such parameter")


def _stream_options(draft: Draft, value: Any) -> None:
    """Coalescing and usage on every chunk are the gateway's own work."""
    if draft.stream and value.include_obfuscation:
        draft.notes.drop("stream_options.include_obfuscation", f"{PROVIDER} has no such parameter")


def _nothing(_draft: Draft, _value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_DROPPED = (
    "min_p",
    "repetition_penalty",
    "logit_bias",
    "prediction",
    "verbosity",
    "service_tier",
    "store",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_ttl",
    "user",
)
_REFUSED = {
    "audio": "speaks no answers",
    "web_search_options": "does not search the web by this option",
    "moderation_json": "runs no moderation beside a completion",
}

FIELDS: Mapping[str, Put] = {
    **{name: partial(_drop, name) for name in _DROPPED},
    **{name: partial(refuse, name, f"{PROVIDER} {why}") for name, why in _REFUSED.items()},
    **dict.fromkeys(("model", "messages", "tools", "tool_choice", "gateway"), _nothing),
    "max_completion_tokens": _max_tokens,
    "temperature": _temperature,
    "top_p": _top_p,
    "top_k": _top_k,
    "frequency_penalty": partial(_penalty, "frequency_penalty"),
    "presence_penalty": partial(_penalty, "presence_penalty"),
    "seed": _seed,
    "stop": _stop,
    "n": lambda _, value: one_choice(PROVIDER, value),
    "logprobs": _logprobs,
    "top_logprobs": _top_logprobs,
    "parallel_tool_calls": _parallel,
    "modalities": lambda _, value: text_alone(PROVIDER, value),
    "response_format": encode_format,
    "reasoning": encode_reasoning,
    "stream_options": _stream_options,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
