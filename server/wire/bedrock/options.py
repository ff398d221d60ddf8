"""Every field of the request beside the conversation, each with the one function that sends it."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.bedrock.draft import PROVIDER, Draft
from server.wire.chat.refusals import no_logprobs, one_choice, refuse, text_alone

Put = Callable[[Draft, Any], None]

_TIERS = frozenset({"default", "flex", "priority", "reserved"})
# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_RequestSyntax
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}", re.ASCII)


def _knob(name: str, draft: Draft, value: Any) -> None:
    if draft.notes.takes(name):
        draft.put_extra(draft.family.extras[name], value)


def _sampling(name: str, ours: str, draft: Draft, value: float) -> None:
    if draft.family.claude is not None:
        return  # see claude.py
    if value > 1:
        raise InvalidArgument.field(name, f"{PROVIDER} takes at most 1")
    draft.put("inferenceConfig", ours, value)


def _top_k(draft: Draft, value: int) -> None:
    # Below 0 it chooses among all, as without it.
    if draft.family.claude is None and value >= 0:
        _knob("top_k", draft, value)


def _max_tokens(draft: Draft, value: int) -> None:
    draft.put("inferenceConfig", "maxTokens", value)


def _stop(draft: Draft, value: Any) -> None:
    if draft.family.claude is not None:
        return  # see claude.py
    most = draft.family.max_stop
    if not most:
        raise UnsupportedByProvider.of("stop", f"the model {draft.model} takes no stop sequences")
    if len(value) > most:
        raise InvalidArgument.field("stop", f"the model {draft.model} takes at most {most} sequences")
    draft.put("inferenceConfig", "stopSequences", list(value))


def _service_tier(draft: Draft, value: str) -> None:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html."""
    if value in _TIERS:
        draft.body["serviceTier"] = {"type": value}
    elif value == "fast":
        # https://docs.aws.amazon.com/bedrock/latest/userguide/latency-optimized-inference.html
        draft.body["performanceConfig"] = {"latency": "optimized"}
    elif value != "auto":
        draft.notes.drop("service_tier", "the provider knows auto, default, flex, priority, reserved and fast")


def _metadata(draft: Draft, value: Mapping[str, str]) -> None:
    for name, label in value.items():
        if not _LABEL.fullmatch(name) or not _LABEL.fullmatch(label):
            raise InvalidArgument.field(
                f"metadata[{name}]",
                f"{PROVIDER} takes letters, digits, white space and :_@$#=/+,-. up to 256 characters",
            )
    draft.body["requestMetadata"] = dict(value)


def _store(draft: Draft, value: bool) -> None:
    if value:
        draft.notes.takes("store")


def _stream_options(draft: Draft, value: Any) -> None:
    """Coalescing and usage on every chunk are the gateway's own work; padding comes whether it is asked for or not."""
    if draft.stream and value.HasField("include_obfuscation") and not value.include_obfuscation:
        draft.notes.drop("stream_options.include_obfuscation", "the provider pads its chunks in any case")


def _drop(name: str, draft: Draft, value: Any) -> None:
    draft.notes.takes(name)


def _nothing(draft: Draft, value: Any) -> None:
    """Sent by encode() itself, or the gateway's own affair."""


_EXTRAS = ("frequency_penalty", "presence_penalty", "seed")
_DROPPED = (
    *("logit_bias", "min_p", "repetition_penalty", "prediction", "verbosity"),
    *("prompt_cache_key", "prompt_cache_ttl", "safety_identifier", "user"),
)
_SENT_ELSEWHERE = (
    *("model", "messages", "tools", "tool_choice", "parallel_tool_calls", "web_search_options", "gateway"),
    *("reasoning", "response_format"),
)

FIELDS: Mapping[str, Put] = {
    **{name: partial(_knob, name) for name in _EXTRAS},
    **{name: partial(_drop, name) for name in _DROPPED},
    **dict.fromkeys(_SENT_ELSEWHERE, _nothing),
    "max_completion_tokens": _max_tokens,
    "temperature": partial(_sampling, "temperature", "temperature"),
    "top_p": partial(_sampling, "top_p", "topP"),
    "top_k": _top_k,
    "stop": _stop,
    "n": lambda _, value: one_choice(PROVIDER, value),
    "logprobs": lambda _, value: no_logprobs("logprobs", PROVIDER, value),
    "top_logprobs": lambda _, value: no_logprobs("top_logprobs", PROVIDER, value),
    "modalities": lambda _, value: text_alone(PROVIDER, value),
    "audio": partial(refuse, "audio", f"{PROVIDER} speaks no answers"),
    "moderation_json": partial(
        refuse, "moderation_json", f"{PROVIDER} moderates by guardrailConfig; give it in gateway.extra_body_json"
    ),
    "service_tier": _service_tier,
    "metadata": _metadata,
    "store": _store,
    "stream_options": _stream_options,
}
"""By name of the request's field. One that is missing here is refused by encode(), never ignored."""
