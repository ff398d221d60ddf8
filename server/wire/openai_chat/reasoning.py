"""How each host is told to reason, and what it takes back of earlier reasoning."""

from collections.abc import Sequence
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions, ReasoningPart

from server.wire.chat.adjustments import Adjustments
from server.wire.chat.effort import effort_word
from server.wire.openai_chat.dialect import Dialect

IN_PLACE = "content"
"""A Dialect's ``replay_reasoning`` where reasoning goes back as parts of the content."""

_OFF = chat_pb2.REASONING_MODE_OFF
_ON = chat_pb2.REASONING_MODE_ON
_ADAPTIVE = chat_pb2.REASONING_MODE_ADAPTIVE
_NONE = chat_pb2.REASONING_EFFORT_NONE
_MINIMAL = chat_pb2.REASONING_EFFORT_MINIMAL
_MEDIUM = chat_pb2.REASONING_EFFORT_MEDIUM


def effort(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning_effort`` alone, as OpenAI has it; off is its level none, on without a level is medium.

    https://platform.openai.com/docs/api-reference/chat/create
    """
    level = options.effort
    if not level and options.mode in (_OFF, _ON):
        level = _NONE if options.mode == _OFF else _MEDIUM
    if level:
        _put_effort(level, dialect, body, notes)
    _drop(options, notes, "budget_tokens", "include_text", "include_signature", "summary")


def thinking(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``thinking: {type}`` switches, ``reasoning_effort`` sets the level; the text always comes back.

    https://api-docs.deepseek.com/guides/thinking_mode and https://docs.z.ai/guides/capabilities/thinking-mode
    """
    _put_thinking(options, dialect, body, notes, modes={_OFF: "disabled", _ON: "enabled"})


def thinking_kept(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """The same for a host that forgets the reasoning of earlier turns unless told: what goes back is the caller's word.

    https://docs.z.ai/guides/capabilities/thinking-mode#preserved-thinking
    """
    thinking(options, dialect, body, notes)
    if body.get("thinking") == {"type": "enabled"}:
        body["thinking"]["clear_thinking"] = False


def thinking_auto(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """The same with a third word for leaving it to the model: https://www.volcengine.com/docs/82379/1494384."""
    _put_thinking(options, dialect, body, notes, modes={_OFF: "disabled", _ON: "enabled", _ADAPTIVE: "auto"})


def thinking_or_effort(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``thinking: {type}`` at models that can be switched, ``reasoning_effort`` at those that have levels.

    Which model has which say its rules, by refusing reasoning.mode or reasoning.effort; the text always comes back.
    https://platform.kimi.ai/docs/api/models-overview
    """
    why_no_mode, why_no_effort = (notes.model_refusal(f"reasoning.{name}") for name in ("mode", "effort"))
    level = options.effort
    if level and not why_no_effort:
        _put_effort(level, dialect, body, notes)
    elif level and (level != _NONE or why_no_mode):
        notes.drop("reasoning.effort", why_no_effort)
    mode = options.mode or (level and (_OFF if level == _NONE else _ON))
    if why_no_mode:
        # These think in any case.
        if options.mode not in (0, _ON):
            notes.drop("reasoning.mode", why_no_mode)
    elif mode in (_OFF, _ON):
        body["thinking"] = {"type": "disabled" if mode == _OFF else "enabled"}
    elif mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    _drop_hiding(options, notes)


def thinking_adaptive(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``thinking: {type}`` is disabled or adaptive, where the model does not think in any case; the text always comes.

    https://platform.minimax.io/docs/api-reference/text-chat-openai
    """
    off = options.mode == _OFF or options.effort == _NONE
    why_always = notes.model_refusal("reasoning.mode")
    if not why_always and (off or options.mode or options.effort):
        body["thinking"] = {"type": "disabled" if off else "adaptive"}
    elif why_always and off:
        notes.drop("reasoning.mode" if options.mode else "reasoning.effort", why_always)
    if options.effort not in (0, _NONE):
        notes.drop("reasoning.effort", "the provider has no levels")
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    _drop_hiding(options, notes)


def switch_and_budget(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``enable_thinking`` switches, ``thinking_budget`` bounds it; the text always comes back.

    https://www.alibabacloud.com/help/en/model-studio/deep-thinking
    """
    budget = options.budget_tokens if options.HasField("budget_tokens") else None
    level = options.effort
    if options.mode == _OFF or level == _NONE or budget == 0:
        body["enable_thinking"] = False
    elif options.mode == _ON or level or (budget or 0) > 0:
        body["enable_thinking"] = True
    elif options.mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if budget is not None and budget < 0:
        notes.drop("reasoning.budget_tokens", "the provider takes no -1")
    elif budget and body.get("enable_thinking"):
        body["thinking_budget"] = budget
    if level not in (0, _NONE):
        notes.drop("reasoning.effort", f"{dialect.name} has a switch and a budget, and no levels")
    _drop(options, notes, "include_signature", "summary")
    _drop_hiding(options, notes)


def _put_thinking(
    options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments, modes: dict[int, str]
) -> None:
    mode = options.mode
    if options.effort == _NONE:
        mode = mode or _OFF
    elif options.effort:
        _put_effort(options.effort, dialect, body, notes)
    if mode in modes:
        body["thinking"] = {"type": modes[mode]}
    elif mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    _drop_hiding(options, notes)


def openrouter(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning: {effort, max_tokens, exclude, enabled, summary}``.

    https://openrouter.ai/docs/use-cases/reasoning-tokens
    """
    told: dict[str, Any] = {}
    if options.effort:
        told["effort"] = dialect.efforts[options.effort]
    if options.HasField("budget_tokens"):
        _put_openrouter_budget(options.budget_tokens, told, notes)
    if options.HasField("include_text") and not options.include_text:
        told["exclude"] = True
    if options.mode in (_OFF, _ON):
        told["enabled"] = options.mode == _ON
    elif options.mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if options.summary:
        told["summary"] = options.summary
    if told or not options.ListFields():
        body["reasoning"] = told
    # Signatures come with reasoning_details in any case.
    if options.HasField("include_signature") and not options.include_signature:
        notes.drop("reasoning.include_signature", "the provider always sends signatures")


def _put_openrouter_budget(budget: int, told: dict[str, Any], notes: Adjustments) -> None:
    if budget > 0:
        told["max_tokens"] = budget
    elif budget == 0:
        told["enabled"] = False
    else:
        notes.drop("reasoning.budget_tokens", "the provider takes no -1")


def groq(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning_effort`` and ``reasoning_format``, which puts the text into a field of its own or hides it.

    https://console.groq.com/docs/reasoning
    """
    level = options.effort or (_NONE if options.mode == _OFF else 0)
    if level:
        _put_effort(level, dialect, body, notes)
    if options.mode in (_ON, _ADAPTIVE) and not options.effort:
        notes.drop("reasoning.mode", "the provider is told by reasoning.effort")
    if options.HasField("include_text"):
        body["reasoning_format"] = "parsed" if options.include_text else "hidden"
    _drop(options, notes, "budget_tokens", "include_signature", "summary")


def together(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning: {enabled}`` switches, ``reasoning_effort`` sets the level: https://docs.together.ai/docs/reasoning."""
    if options.mode in (_OFF, _ON) or options.effort == _NONE:
        body["reasoning"] = {"enabled": options.mode == _ON}
    elif options.mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if options.effort not in (0, _NONE):
        _put_effort(options.effort, dialect, body, notes)
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    _drop_hiding(options, notes)


def effort_with_text(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning_effort`` at a host that always sends the reasoning text (xAI, Cerebras, Fireworks, Ollama)."""
    level = options.effort
    if not level and options.mode in (_OFF, _ON):
        level = _NONE if options.mode == _OFF else _MEDIUM
    if level:
        _put_effort(level, dialect, body, notes)
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    _drop_hiding(options, notes)


def all_or_nothing(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """``reasoning_effort`` of the two levels high and none; the text comes with the one in any case.

    https://docs.mistral.ai/capabilities/reasoning/adjustable: none still thinks a little, so it stands for minimal.
    """
    level = options.effort
    off = options.mode == _OFF or (options.HasField("budget_tokens") and not options.budget_tokens)
    if level or off or options.mode == _ON:
        word = "none" if off or level in (_NONE, _MINIMAL) else "high"
        if level and dialect.efforts.get(level) != word:
            notes.drop("reasoning.effort", f"the provider's nearest level is {word}")
        body["reasoning_effort"] = word
    elif options.mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    _drop(options, notes, "budget_tokens", "include_signature", "summary")
    if body.get("reasoning_effort") != "none":
        _drop_hiding(options, notes)


def vllm(options: ReasoningOptions, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    """Level and text as request fields, the switch as an argument of the model's chat template.

    https://docs.vllm.ai/en/latest/features/reasoning_outputs.html
    """
    if options.effort:
        _put_effort(options.effort, dialect, body, notes)
    if options.mode in (_OFF, _ON):
        body["chat_template_kwargs"] = {"enable_thinking": options.mode == _ON}
    elif options.mode:
        notes.drop("reasoning.mode", "the provider cannot leave it to the model")
    if options.HasField("include_text"):
        body["include_reasoning"] = options.include_text
    if options.HasField("budget_tokens") and options.budget_tokens >= 0:
        body["thinking_token_budget"] = options.budget_tokens
    elif options.HasField("budget_tokens"):
        notes.drop("reasoning.budget_tokens", "the provider takes no -1")
    _drop(options, notes, "include_signature", "summary")


def _put_effort(level: int, dialect: Dialect, body: dict[str, Any], notes: Adjustments) -> None:
    body["reasoning_effort"] = effort_word(level, dialect.efforts, notes)


def _drop(options: ReasoningOptions, notes: Adjustments, *names: str) -> None:
    for name in names:
        # Asking for less than the provider can give is granted by silence; unset reads as nothing.
        if getattr(options, name):
            notes.drop(f"reasoning.{name}", "the provider has no such option")


def _drop_hiding(options: ReasoningOptions, notes: Adjustments) -> None:
    if options.HasField("include_text") and not options.include_text:
        notes.drop("reasoning.include_text", "the provider always sends reasoning text")


def replay(parts: Sequence[ReasoningPart], field: str, entry: dict[str, Any]) -> None:
    """Puts reasoning that this host made back into an assistant message."""
    if field == "reasoning_details":
        entry[field] = [_detail(part, place) for place, part in enumerate(parts)]
    else:
        # An empty text goes back too: DeepSeek refuses a tool turn of a thinking model without the field.
        entry[field] = "".join(part.text for part in parts)


def thinking_part(part: ReasoningPart) -> dict[str, Any]:
    """A part of an assistant's content, as Mistral takes reasoning back: https://docs.mistral.ai/capabilities/reasoning."""
    told: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": part.text}]}
    if part.signature:
        told["signature"] = part.signature.decode("utf-8", "replace")
    return told


def _detail(part: ReasoningPart, place: int) -> dict[str, Any]:
    """https://openrouter.ai/docs/use-cases/reasoning-tokens#preserving-reasoning-blocks."""
    signature = part.signature.decode("utf-8", "replace")
    detail: dict[str, Any]
    if part.redacted:
        detail = {"type": "reasoning.encrypted", "data": signature}
    elif part.format.endswith("-responses-v1"):
        # These models tell a summary of what they thought, never the text itself.
        detail = {"type": "reasoning.summary", "summary": part.text}
    else:
        detail = {"type": "reasoning.text", "text": part.text}
    if signature and not part.redacted:
        detail["signature"] = signature
    if part.id:
        detail["id"] = part.id
    if part.format:
        detail["format"] = part.format
        detail["index"] = place
    return detail
