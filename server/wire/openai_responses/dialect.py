"""How one host differs from OpenAI's Responses API. A host is a row of these; see providers/responses.py."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from server.wire.chat.knobs import ModelRule
from server.wire.openai_chat import words

COMMON = frozenset({"temperature", "top_p", "parallel_tool_calls"})
"""Tuning fields that every host of this API takes."""


@dataclass(frozen=True, slots=True)
class ResponsesDialect:
    """One host's ways. The defaults are those of a careful guess: nothing that a strict server might refuse."""

    name: str
    """The kind of provider; reasoning and blocks it made carry this name and go back to it alone."""
    path: str = "/responses"
    knobs: frozenset[str] = COMMON
    """Tuning fields it takes. Others are dropped and listed, or refused where the caller is strict."""
    model_rules: tuple[ModelRule, ...] = ()
    least_tokens: int = 1
    """The lowest limit of tokens it takes."""
    max_top_logprobs: int = 20
    logprobs_switch: bool = False
    """Log probabilities are switched on by a parameter of their own; elsewhere by what is to be included."""
    max_tools: int = 128

    # What messages may hold.
    developer_role: bool = False
    """Knows the role; elsewhere its messages go out as system."""
    inputs: frozenset[str] = frozenset({"image"})
    """Of image, audio, file."""
    cache_breakpoints: bool = False

    # Features. What is missing is refused with UnsupportedByProvider.
    custom_tools: bool = False
    allowed_tools: bool = False
    """Takes a subset as such; elsewhere only the allowed tools are sent, which comes to the same."""
    defer_loading: bool = False
    web_search: str = ""
    """Type of the tool that web_search_options turn into; empty where it has none."""
    moderation: bool = False

    # Reasoning.
    encrypts: bool = False
    """Hands out reasoning in encrypted form, and takes it back without having stored anything."""
    encrypted_models: re.Pattern[str] | None = None
    """Models that are asked for it where the caller does not say; others may refuse to be asked."""
    summaries: bool = False
    """Tells of reasoning a summary, and that only when asked; elsewhere the text always comes."""
    takes_text: bool = False
    """Takes the readable text of reasoning back, where there is nothing encrypted."""
    efforts: Mapping[int, str] = field(default_factory=lambda: words.EFFORTS)
    """Its word for each level; a level without one is lowered to the next that has."""
