"""How models of other makers than Anthropic are told to reason."""

from collections.abc import Mapping

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions

from server.wire.bedrock.draft import Draft

_OFF = chat_pb2.REASONING_MODE_OFF
_ON = chat_pb2.REASONING_MODE_ON
_NONE = chat_pb2.REASONING_EFFORT_NONE
_MEDIUM = chat_pb2.REASONING_EFFORT_MEDIUM

_LEVELS: Mapping[int, str] = {
    chat_pb2.REASONING_EFFORT_LOW: "low",
    _MEDIUM: "medium",
    chat_pb2.REASONING_EFFORT_HIGH: "high",
}
_LIMITS = frozenset({"max_completion_tokens", "temperature", "top_p"})


def encode_reasoning(draft: Draft) -> None:
    """Puts ``request.reasoning`` into the fields that go to the model itself."""
    options = draft.request.reasoning
    way = draft.family.reasoning
    if not way:
        if options.ListFields() and not _wants_none(options):
            draft.notes.drop("reasoning", f"the model {draft.model} cannot be told how to reason")
        return
    level = options.effort or (_NONE if options.mode == _OFF else _MEDIUM if options.mode == _ON else 0)
    if options.mode == chat_pb2.REASONING_MODE_ADAPTIVE and not options.effort:
        draft.notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if level:
        (_put_nova if way == "nova" else _put_level)(level, draft)
    _drop_others(options, draft)


def _wants_none(options: ReasoningOptions) -> bool:
    return options.mode == _OFF or options.effort == _NONE


def _word(level: int, draft: Draft) -> str:
    """The model's word for a level, the nearest where it has none of its own."""
    if level in _LEVELS:
        return _LEVELS[level]
    word = "low" if level < min(_LEVELS) else "high"
    draft.notes.drop("reasoning.effort", f"the nearest level of the model {draft.model} is {word}")
    return word


def _put_level(level: int, draft: Draft) -> None:
    draft.put_extra((draft.family.reasoning,), _word(level, draft))


def _put_nova(level: int, draft: Draft) -> None:
    """https://docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html."""
    if level == _NONE:
        draft.put_extra(("reasoningConfig",), {"type": "disabled"})
        return
    word = _word(level, draft)
    if word == "high" and any(field.name in _LIMITS for field, _ in draft.request.ListFields()):
        # That level is refused beside a limit or sampling; the caller's limit weighs more than how hard it thinks.
        word = "medium"
        draft.notes.drop("reasoning.effort", "high goes with no max_completion_tokens, temperature or top_p here")
    draft.put_extra(("reasoningConfig",), {"type": "enabled", "maxReasoningEffort": word})


def _drop_others(options: ReasoningOptions, draft: Draft) -> None:
    for name in ("budget_tokens", "include_signature", "summary"):
        if getattr(options, name):
            draft.notes.drop(f"reasoning.{name}", "the provider has no such option")
    if options.HasField("include_text") and not options.include_text:
        draft.notes.drop("reasoning.include_text", "the provider always sends reasoning text")
