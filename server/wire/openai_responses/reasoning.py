"""Reasoning as the format has it: how hard, what comes back of it, and how it goes back.

https://platform.openai.com/docs/guides/reasoning
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ReasoningOptions, ReasoningPart
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.wire.chat.adjustments import Adjustments
from server.wire.chat.effort import effort_word
from server.wire.openai_responses.dialect import ResponsesDialect

SUMMARY = "summary_text"
CONTENT = "reasoning_text"
"""The format's own words for the two forms of readable reasoning; a ReasoningPart's ``format``."""

_BY_MODE: Mapping[int, int] = MappingProxyType(
    {
        chat_pb2.REASONING_MODE_OFF: chat_pb2.REASONING_EFFORT_NONE,
        chat_pb2.REASONING_MODE_ON: chat_pb2.REASONING_EFFORT_MEDIUM,
    }
)


def encode_reasoning(
    options: ReasoningOptions, dialect: ResponsesDialect, body: dict[str, Any], notes: Adjustments
) -> None:
    """``reasoning: {effort, summary}``. Off is the effort none, on without a level is medium; the text is a summary."""
    if why := notes.model_refusal("reasoning"):
        notes.drop("reasoning", why)
        return
    told: dict[str, Any] = {}
    level = options.effort or _BY_MODE.get(options.mode, 0)
    if level:
        told["effort"] = effort_word(level, dialect.efforts, notes)
    if dialect.summaries:
        summary = options.summary or ("auto" if options.include_text else "")
        if summary:
            told["summary"] = summary
    elif options.summary:
        notes.drop("reasoning.summary", "the provider sends reasoning whole, never a summary")
    if not dialect.summaries and options.HasField("include_text") and not options.include_text:
        notes.drop("reasoning.include_text", "the provider always sends reasoning text")
    if options.budget_tokens:
        notes.drop("reasoning.budget_tokens", "the provider has no such option")
    if options.include_signature and not dialect.encrypts:
        notes.drop("reasoning.include_signature", "the provider does not sign reasoning")
    if told:
        body["reasoning"] = told


def wants_proof(request: CreateChatCompletionRequest, model: str, dialect: ResponsesDialect) -> bool:
    """Whether to ask for reasoning in encrypted form, without which it cannot go back to a host that stored nothing."""
    if not dialect.encrypts:
        return False
    if request.reasoning.HasField("include_signature"):
        return request.reasoning.include_signature
    return dialect.encrypted_models is not None and dialect.encrypted_models.match(model.lower()) is not None


def is_ours(parts: Sequence[ReasoningPart], dialect: ResponsesDialect, *, stored: bool) -> bool:
    """Whether the host takes an item of these parts back.

    Without an encrypted form it is found by its id, and that only where the answer was stored; some take its text.
    """
    if any(part.provider and part.provider != dialect.name for part in parts):
        return False
    if any(part.signature for part in parts):
        return dialect.encrypts and all(part.provider for part in parts)
    return (stored and bool(parts[0].id)) or (dialect.takes_text and any(part.text for part in parts))


def reasoning_item(parts: Sequence[ReasoningPart], dialect: ResponsesDialect) -> dict[str, Any]:
    """The item whose parts these are: summaries and texts in order, and the proof that one of them carries."""
    item: dict[str, Any] = {"type": "reasoning"}
    if parts[0].id:
        item["id"] = parts[0].id
    told = [(_form(part, dialect), part.text) for part in parts if part.text]
    item["summary"] = [{"type": form, "text": text} for form, text in told if form == SUMMARY]
    if content := [{"type": form, "text": text} for form, text in told if form == CONTENT]:
        item["content"] = content
    if proof := next((part.signature for part in parts if part.signature), b""):
        item["encrypted_content"] = proof.decode("utf-8", "replace")
    return item


def _form(part: ReasoningPart, dialect: ResponsesDialect) -> str:
    """One of the two forms; a text whose form is not told is whole where the host tells no summaries."""
    if part.format in (SUMMARY, CONTENT):
        return part.format
    return CONTENT if dialect.takes_text and not part.signature else SUMMARY


def belongs(part: ReasoningPart, before: Sequence[ReasoningPart]) -> bool:
    """Whether ``part`` goes on with the item of the parts before it; a proof ends an item."""
    if not before or before[-1].signature:
        return False
    return (before[-1].id, before[-1].provider) == (part.id, part.provider)
