"""How much a model is told to think: by a budget of tokens up to Gemini 2.5, by a level from Gemini 3.

https://ai.google.dev/gemini-api/docs/thinking; the budget of each level is that of
https://ai.google.dev/gemini-api/docs/openai#thinking.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions

from server.wire.gemini.draft import Draft

_NONE = chat_pb2.REASONING_EFFORT_NONE
_MINIMAL = chat_pb2.REASONING_EFFORT_MINIMAL
_LOW = chat_pb2.REASONING_EFFORT_LOW
_MEDIUM = chat_pb2.REASONING_EFFORT_MEDIUM
_HIGH = chat_pb2.REASONING_EFFORT_HIGH

_DYNAMIC = -1
_BUDGETS: Mapping[int, int] = {_NONE: 0, _MINIMAL: 1024, _LOW: 1024, _MEDIUM: 8192, _HIGH: 24576}
_LEVELS: Mapping[int, str] = {_MINIMAL: "minimal", _LOW: "low", _MEDIUM: "medium", _HIGH: "high"}


@dataclass(frozen=True, slots=True)
class _Budget:
    """Tokens that a family may be given."""

    models: re.Pattern[str]
    least: int
    most: int
    off: bool = True
    """Takes 0, which is not to think at all."""


# The first that matches from the beginning of the name counts.
_FAMILIES = (
    _Budget(re.compile(r"gemini-2\.5-pro"), 128, 32768, off=False),
    _Budget(re.compile(r"gemini-2\.5-flash-lite"), 512, 24576),
    _Budget(re.compile(r"gemini-2\.5-|gemini-robotics-er-1\.5"), 1, 24576),
)
_THOUGHTLESS = re.compile(r"gemini-(1|2\.0(?!-flash-thinking)|2\.5-flash(-preview)?-(image|tts|native))|gemma|learnlm")

_BY_LEVEL = re.compile(r"gemini-([3-9]|\d\d|[a-z-]+-latest)")
# https://ai.google.dev/gemini-api/docs/thinking#thinking-levels
_LEVELS_OF = (
    (re.compile(r"gemini-3-pro"), (_LOW, _HIGH)),
    (re.compile(r"gemini-([\d.]+-)?pro"), (_LOW, _MEDIUM, _HIGH)),
    (re.compile(r"gemini-3\.1-flash-image"), (_MINIMAL, _HIGH)),
    (re.compile(r"gemini-(3\.([7-9]|\d\d)|[4-9]|\d\d|flash-latest)"), (_LOW, _MEDIUM, _HIGH)),
)
_ALL_LEVELS = (_MINIMAL, _LOW, _MEDIUM, _HIGH)


def signs_calls(model: str) -> bool:
    """Whether the model wants every call of the conversation back with its signature: Gemini 3 and later."""
    return _BY_LEVEL.match(model) is not None


def encode_thinking(options: ReasoningOptions, draft: Draft) -> None:
    """Puts ``thinkingConfig`` into the configuration."""
    if _THOUGHTLESS.match(draft.model):
        draft.notes.drop("reasoning", f"the model {draft.model} does not reason")
        return
    told: dict[str, Any] = {}
    if options.HasField("include_text"):
        told["includeThoughts"] = options.include_text
    effort, budget = _asked(options, draft)
    if budget is not None:
        told["thinkingBudget"] = _within(budget, "reasoning.budget_tokens", draft)
    elif effort and _BY_LEVEL.match(draft.model):
        told["thinkingLevel"] = _level(effort, draft)
    elif effort:
        told["thinkingBudget"] = _within(_BUDGETS.get(effort, 32768), "reasoning.effort", draft)
    if told:
        draft.config["thinkingConfig"] = told
    if options.HasField("include_signature") and not options.include_signature:
        draft.notes.drop("reasoning.include_signature", "the provider always sends signatures")
    if options.summary:
        draft.notes.drop("reasoning.summary", "the provider has one way to sum up")


def _asked(options: ReasoningOptions, draft: Draft) -> tuple[int, int | None]:
    """Level and budget, of which at most one is told: the budget, being exact, comes first."""
    effort: int = options.effort
    if not effort and options.mode == chat_pb2.REASONING_MODE_OFF:
        effort = _NONE
    if options.HasField("budget_tokens"):
        if options.effort:
            draft.notes.drop("reasoning.effort", "the provider takes a level or a budget, and there is a budget")
        return 0, options.budget_tokens
    if not effort and options.mode and not _BY_LEVEL.match(draft.model):
        return 0, _DYNAMIC
    return effort, None


def _within(budget: int, path: str, draft: Draft) -> int:
    """The budget nearest to the one asked for that the model takes."""
    family = next((one for one in _FAMILIES if one.models.match(draft.model)), None)
    if family is None or budget == _DYNAMIC or (budget == 0 and family.off):
        return budget
    allowed = min(max(budget, family.least), family.most)
    # A level is as many tokens as the model has at most, and that is no change of it.
    if allowed != budget and not (path == "reasoning.effort" and allowed < budget):
        draft.notes.drop(path, f"the model {draft.model} takes {family.least} to {family.most} tokens")
    return allowed


def _level(effort: int, draft: Draft) -> str:
    known = next((levels for models, levels in _LEVELS_OF if models.match(draft.model)), _ALL_LEVELS)
    nearest = max((level for level in known if level <= effort), default=known[0])
    most = effort == chat_pb2.REASONING_EFFORT_MAX and nearest == known[-1]
    if nearest != effort and not most:
        draft.notes.drop("reasoning.effort", f"the model's nearest level is {_LEVELS[nearest]}")
    return _LEVELS[nearest]
