"""Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and /build-with-claude/streaming."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.anthropic_heard import HearsAnthropic
from tests.conversations.dialects.base import Dialect, Otherwise, Refused, Reply, dump
from tests.conversations.dialects.base import StreamReply as Streamed
from tests.conversations.dialects.openai_chat import in_pieces
from tests.conversations.neutral import (
    Choice,
    Heard,
    Reasoning,
    Script,
    Tool,
    Usage,
)

_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}


@dataclass(frozen=True)
class Anthropic(HearsAnthropic):
    """The API whole; a host overrides where it is."""

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        [choice] = script.choices
        blocks = ",".join(self._blocks(choice, heard))
        head = dump(self._head(script, heard, choice, self._usage(script.usage or Usage()))).decode()
        return Reply({"Content-Type": "application/json"}, f'{head[:-1]},"content":[{blocks}]}}'.encode())

    def _head(self, script: Script, heard: Heard, choice: Choice | None, usage: dict[str, Any]) -> dict[str, Any]:
        head: dict[str, Any] = {
            "model": script.model or heard.model,
            "id": script.id,
            "type": "message",
            "role": "assistant",
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage,
        }
        return {**head, **self._end(choice, heard)} if choice else head

    def _end(self, choice: Choice, heard: Heard) -> dict[str, Any]:
        reason = "stop_sequence" if choice.stop_sequence else _STOPS[choice.finish]
        if _forced(choice, heard):
            reason = "tool_use"
        details = {"type": "refusal", "category": None, "explanation": choice.refusal} if choice.refusal else None
        return {"stop_reason": reason, "stop_sequence": choice.stop_sequence or None, "stop_details": details}

    def _usage(self, usage: Usage) -> dict[str, Any]:
        """Cached tokens are beside those that were read, and thinking is part of what was made."""
        return {
            "input_tokens": usage.input - usage.cached - usage.cache_written,
            "cache_creation_input_tokens": usage.cache_written,
            "cache_read_input_tokens": usage.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"thinking_tokens": usage.reasoning},
            "service_tier": "standard",
        }

    def _blocks(self, choice: Choice, heard: Heard) -> Iterator[str]:
        for thought in choice.thoughts:
            told = {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
            yield dump(told).decode()
        if name := _forced(choice, heard):
            yield f'{{"type":"tool_use","id":"toolu_1","name":"{name}","input":{choice.text}}}'
        elif choice.text:
            yield dump({"type": "text", "text": choice.text}).decode()
        for call in choice.calls:
            told = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            yield dump({**told, "caller": {"type": "direct"}}).decode()

    @override
    def stream(self, script: Script, heard: Heard) -> Streamed:
        events = [
            f"event: {event['type']}\ndata: ".encode() + dump(event) + b"\n\n" for event in self._events(script, heard)
        ]
        return Streamed({"Content-Type": "text/event-stream; charset=utf-8"}, events)

    def _events(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        [choice] = script.choices
        usage = self._usage(script.usage or Usage())
        start = {**usage, "output_tokens": 1}
        del start["output_tokens_details"]
        yield {"type": "message_start", "message": {**self._head(script, heard, None, start), "content": []}}
        yield {"type": "ping"}
        for index, (block, deltas) in enumerate(self._streamed_blocks(choice, heard)):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        told = {name: usage[name] for name in ("output_tokens", "output_tokens_details")}
        yield {"type": "message_delta", "delta": self._end(choice, heard), "usage": told}
        yield {"type": "message_stop"}

    def _streamed_blocks(self, choice: Choice, heard: Heard) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        for thought in choice.thoughts:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in in_pieces(thought.text)]
            deltas.append({"type": "signature_delta", "signature": thought.signature})
            yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
        if name := _forced(choice, heard):
            yield {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}, _inputs(choice.text)
        elif choice.text:
            yield (
                {"type": "text", "text": ""},
                [{"type": "text_delta", "text": piece} for piece in in_pieces(choice.text)],
            )
        for call in choice.calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield block, _inputs(json.dumps(call.arguments, ensure_ascii=False))

    @override
    def refuse(self, why: str) -> Reply:
        told = {"type": "error", "error": {"type": "invalid_request_error", "message": why}, "request_id": "req_1"}
        return Reply({"Content-Type": "application/json"}, dump(told), 400)


def _inputs(text: str) -> list[dict[str, Any]]:
    """Pieces of an input; the first is empty."""
    return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *in_pieces(text))]


def _forced(choice: Choice, heard: Heard) -> str:
    """The tool that a model told to call it calls whatever it has to say; empty where it has a call to make."""
    name = heard.tool_choice.removeprefix("function:")
    return name if name != heard.tool_choice and not choice.calls else ""


_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_ABOUT = "Gives the answer to the user. Call it once, with the whole answer as its input."
COMMON = {
    # The table's second sequence is two line feeds.
    "stop": Otherwise(refused=Refused("stop[1]")),
    "n": Otherwise(refused=Refused("n")),
    "logprobs": Otherwise(refused=Refused("logprobs")),
}


def _by_tool(heard: Heard) -> Heard:
    tool = Tool("person", _ABOUT, _PERSON)
    return replace(heard, json_only=False, schema=None, tools=(tool,), tool_choice="function:person")


def _by_budget(heard: Heard) -> Heard:
    return replace(heard, reasoning=Reasoning(budget=32_000, text=True))


_BUDGET = Otherwise(emulated="a budget stands for the effort", heard=_by_budget)
DIALECTS: tuple[Dialect, ...] = (
    Anthropic(kind="anthropic", model="claude-opus-4-6", otherwise=COMMON),
    Anthropic(
        kind="anthropic",
        instance="anthropic-older",
        model="claude-sonnet-4-20250514",
        most=64_000,
        structured=False,
        budgets=True,
        otherwise={
            **COMMON,
            "json_schema": Otherwise(emulated="a tool that must be called takes the answer", heard=_by_tool),
            "reasoning": _BUDGET,
            "reasoning replayed": _BUDGET,
        },
    ),
    Anthropic(kind="azure-anthropic", base_path="/anthropic", model="claude-sonnet-5", otherwise=COMMON),
)
