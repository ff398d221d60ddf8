"""How a model is told to think: by its own judgement, by effort, or by a budget, whichever its generation knows.

https://platform.claude.com/docs/en/build-with-claude/thinking
"""

from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions

from server.errors import InvalidArgument
from server.wire.anthropic.draft import Draft

_OFF = chat_pb2.REASONING_MODE_OFF
_ADAPTIVE = chat_pb2.REASONING_MODE_ADAPTIVE
_NONE = chat_pb2.REASONING_EFFORT_NONE

_WORDS = {
    chat_pb2.REASONING_EFFORT_MINIMAL: "minimal",
    chat_pb2.REASONING_EFFORT_LOW: "low",
    chat_pb2.REASONING_EFFORT_MEDIUM: "medium",
    chat_pb2.REASONING_EFFORT_HIGH: "high",
    chat_pb2.REASONING_EFFORT_XHIGH: "xhigh",
    chat_pb2.REASONING_EFFORT_MAX: "max",
}
_ORDER = tuple(_WORDS.values())
# Share of max_tokens that a level may think with, at models that know budgets alone:
# https://openrouter.ai/docs/use-cases/reasoning-tokens#reasoning-effort-level
_SHARES = {"minimal": 0.1, "low": 0.2, "medium": 0.5, "high": 0.8, "xhigh": 0.95, "max": 0.95}
_LEAST = 1_024
"""Smallest budget of the API."""
_ENOUGH = 32_000
"""Beyond this a budget of the hub's own making does not go, as the vendor advises."""
_DISPLAYS = frozenset({"summarized", "omitted", "updates"})
_UPDATES_BETA = "thinking-display-updates-2026-08-18"


def encode_reasoning(draft: Draft) -> None:
    """Puts ``thinking`` and ``output_config.effort`` into the body. Raises InvalidArgument for a budget too large."""
    if not draft.request.HasField("reasoning"):
        return
    options = draft.request.reasoning
    if not draft.facts.thinking:
        if not _is_off(options) and options.ListFields():
            draft.notes.drop("reasoning", f"the model {draft.model} does not reason")
        return
    if _is_off(options):
        _switch_off(options, draft)
    elif thinking := _thinking(options, draft):
        draft.body["thinking"] = thinking
        _put_effort(options, draft)
    _put_display(options, draft)
    if options.HasField("include_signature") and not options.include_signature:
        draft.notes.drop("reasoning.include_signature", "the provider always sends signatures")


def _is_off(options: ReasoningOptions) -> bool:
    no_budget = options.HasField("budget_tokens") and not options.budget_tokens
    return options.mode == _OFF or options.effort == _NONE or no_budget


def _switch_off(options: ReasoningOptions, draft: Draft) -> None:
    ways = draft.facts.thinking
    if "disabled" in ways:
        draft.body["thinking"] = {"type": "disabled"}
    elif "between_tools" in ways:
        # What this model has in its place.
        draft.body["thinking"] = {"type": "between_tools"}
    else:
        field = "mode" if options.mode == _OFF else "effort" if options.effort == _NONE else "budget_tokens"
        draft.notes.drop(f"reasoning.{field}", f"the model {draft.model} always reasons; low is its least effort")
        draft.body["output_config"] = {"effort": "low"}


def _thinking(options: ReasoningOptions, draft: Draft) -> dict[str, Any]:
    ways = draft.facts.thinking
    budget = options.budget_tokens if options.HasField("budget_tokens") else 0
    if budget > 0 and "enabled" in ways:
        return {"type": "enabled", "budget_tokens": _given_budget(budget, draft)}
    if budget > 0:
        draft.notes.drop("reasoning.budget_tokens", f"the model {draft.model} is told by reasoning.effort")
    if not (budget or options.effort or options.mode):
        return {}
    if "adaptive" in ways:
        return {"type": "adaptive"}
    if options.mode == _ADAPTIVE:
        draft.notes.drop("reasoning.mode", f"the model {draft.model} is given a budget")
    if budget:
        draft.notes.drop("reasoning.budget_tokens", f"the model {draft.model} cannot choose its budget")
    return _made_budget(options, draft)


def _given_budget(budget: int, draft: Draft) -> int:
    if budget < _LEAST:
        draft.notes.drop("reasoning.budget_tokens", f"the provider's smallest budget is {_LEAST}")
        budget = _LEAST
    if budget >= draft.max_tokens:
        raise InvalidArgument.field(
            "reasoning.budget_tokens",
            f"must be less than max_completion_tokens, {draft.max_tokens} here, of which it is a part",
        )
    return budget


def _made_budget(options: ReasoningOptions, draft: Draft) -> dict[str, Any]:
    """A budget that stands for the effort, medium where there is none."""
    if draft.max_tokens <= _LEAST:
        draft.notes.drop("reasoning", f"the model reasons with {_LEAST} tokens or more, max_completion_tokens is less")
        return {}
    share = _SHARES[_WORDS.get(options.effort, "medium")]
    budget = max(min(int(draft.max_tokens * share), _ENOUGH), _LEAST)
    return {"type": "enabled", "budget_tokens": min(budget, draft.max_tokens - 1)}


def _put_effort(options: ReasoningOptions, draft: Draft) -> None:
    known = draft.facts.efforts
    if not options.effort:
        return
    if not known:
        if options.HasField("budget_tokens"):
            draft.notes.drop("reasoning.effort", f"the model {draft.model} is told by its budget")
        return
    word = _WORDS[options.effort]
    if word not in known:
        rank = _ORDER.index(word)
        word = next((level for level in reversed(known) if _ORDER.index(level) < rank), known[0])
        draft.notes.drop("reasoning.effort", f"the nearest level of the model {draft.model} is {word}")
    draft.body["output_config"] = {"effort": word}


def _put_display(options: ReasoningOptions, draft: Draft) -> None:
    """``include_text`` and ``summary`` in the words of ``thinking.display``."""
    display = ""
    if options.HasField("include_text"):
        display = "summarized" if options.include_text else "omitted"
    if options.summary in _DISPLAYS:
        display = options.summary
    elif options.summary:
        draft.notes.drop("reasoning.summary", "the provider knows summarized, omitted and updates")
    if not display:
        return
    if not draft.facts.display:
        if display != "summarized":
            draft.notes.drop(
                "reasoning.summary" if options.summary else "reasoning.include_text",
                f"the model {draft.model} always shows its reasoning",
            )
        return
    if "thinking" not in draft.body and draft.facts.thinks_unasked:
        draft.body["thinking"] = {"type": "adaptive"}
    thinking = draft.body.get("thinking")
    if thinking is not None and thinking["type"] in ("adaptive", "enabled"):
        thinking["display"] = display
        if display == "updates":
            draft.needs_beta(_UPDATES_BETA)
