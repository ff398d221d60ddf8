"""``thinking: {type, token_budget}``: https://docs.cohere.com/docs/reasoning."""

from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions

from server.wire.cohere.draft import Draft

_NONE = chat_pb2.REASONING_EFFORT_NONE
_LESS = (chat_pb2.REASONING_EFFORT_MINIMAL, chat_pb2.REASONING_EFFORT_LOW, chat_pb2.REASONING_EFFORT_MEDIUM)


def encode_reasoning(draft: Draft, options: ReasoningOptions) -> None:
    """A switch and a budget are all there is: levels below high are told as dropped, high is thinking as it comes."""
    budget = options.budget_tokens if options.HasField("budget_tokens") else None
    off = options.effort == _NONE or options.mode == chat_pb2.REASONING_MODE_OFF or budget == 0
    if why := draft.notes.model_refusal("reasoning"):
        if not off:
            draft.notes.drop("reasoning", why)
        return
    told: dict[str, Any] = {}
    if off:
        told["type"] = "disabled"
    elif options.effort or options.mode == chat_pb2.REASONING_MODE_ON or budget is not None:
        told["type"] = "enabled"
        if budget is not None and budget > 0:
            told["token_budget"] = budget
    if told:
        draft.body["thinking"] = told
    _note(options, draft, off=off)


def _note(options: ReasoningOptions, draft: Draft, *, off: bool) -> None:
    notes = draft.notes
    if options.effort in _LESS and not options.budget_tokens:
        notes.drop("reasoning.effort", "the provider has no levels; give it a budget")
    if options.mode == chat_pb2.REASONING_MODE_ADAPTIVE:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if options.HasField("include_text") and not options.include_text and not off:
        notes.drop("reasoning.include_text", "the provider always sends reasoning text")
    for name in ("include_signature", "summary"):
        if getattr(options, name):
            notes.drop(f"reasoning.{name}", "the provider has no such option")
