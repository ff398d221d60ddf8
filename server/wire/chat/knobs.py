"""Tuning fields of a chat request by name, and what models refuse of them."""

import re
from dataclasses import dataclass

COMMON_KNOBS = frozenset({"temperature", "top_p", "frequency_penalty", "presence_penalty", "seed", "stop", "user"})
"""Tuning that nearly every host takes."""

OPENAI_KNOBS = COMMON_KNOBS | {
    "n",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "verbosity",
    "prediction",
    "service_tier",
    "store",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_ttl",
    "include_obfuscation",
    "name",
}

SAMPLER_KNOBS = frozenset({"top_k", "min_p", "repetition_penalty"})
"""What hosts of open models add."""


@dataclass(frozen=True, slots=True)
class ModelRule:
    """Tuning that models of a family refuse, whatever their host takes."""

    models: re.Pattern[str]
    """Matched from the beginning of the model's name."""
    refuses: frozenset[str]
    unless_effort_none: bool = False
    """The refusal is lifted while reasoning is switched off."""
    off_by_default: bool = False
    """Reasoning is off unless the caller switches it on."""
    fixed: bool = False
    """Even 1, the usual default of temperature and top_p, is refused: theirs is another."""
