"""Mistral's chat completions: near OpenAI's, and strict where it differs.

https://docs.mistral.ai/api/endpoint/chat and https://docs.mistral.ai/capabilities/reasoning
"""

import base64
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Reader, Refused, Request
from tests.conversations.dialects.openai_chat import OpenAIChat, in_pieces
from tests.conversations.neutral import Choice, Document, Heard, Script, Thought, ToolCall, Turn, Usage

_CALL_ID = re.compile(r"[a-zA-Z0-9]{9}")


@dataclass(frozen=True)
class Mistral(OpenAIChat):
    """Unknown keys are refused, as are ids of calls that are not nine letters and digits."""

    @override
    def hear(self, request: Request) -> Heard:
        messages = request.json.get("messages")
        roles = [message.get("role") for message in messages]
        if ("tool", "user") in itertools.pairwise(roles):
            raise NotTaken("Unexpected role 'user' after role 'tool'")
        if roles[-1] == "assistant" and not messages[-1].get("prefix"):
            raise NotTaken("Expected last role User or Tool (or Assistant with prefix True) for serving")
        for message in messages:
            ids = [call.get("id") for call in message.get("tool_calls") or ()]
            for one in [*ids, *([message["tool_call_id"]] if message.get("role") == "tool" else [])]:
                if not _CALL_ID.fullmatch(one):
                    raise NotTaken(f"Tool call id was {one} but must be a-z, A-Z, 0-9, with a length of 9.")
        heard = super().hear(request)
        if any(tool.parameters is None for tool in heard.tools):
            raise NotTaken("tools.function.parameters is missing")
        return replace(heard, tool_choice={"any": "required"}.get(heard.tool_choice, heard.tool_choice))

    @override
    def _part(self, part: Reader, turn: Turn, cached: list[str]) -> Turn:
        match part.take("type", str):
            case "text":
                return replace(turn, texts=(*turn.texts, part.need("text", str)))
            case "thinking":
                pieces = [Reader(piece, "thinking") for piece in part.need("thinking", list)]
                thought = Thought("".join(map(_text, pieces)), part.take("signature", str, ""))
                return replace(turn, thoughts=(*turn.thoughts, thought))
            case "document_url":
                head, _, data = part.need("document_url", str).partition(";base64,")
                name = part.need("document_name", str)
                document = Document(base64.b64decode(data, validate=True), head.removeprefix("data:"), name)
                return replace(turn, documents=(*turn.documents, document))
            case "image_url":
                return super()._part(
                    Reader({"type": "image_url", "image_url": part.need("image_url", dict)}), turn, cached
                )
            case kind:
                raise NotTaken(f"a part of type {kind!r}")

    @override
    def _assistant(self, message: Reader, cached: list[str]) -> Turn:
        message.take("prefix", bool)
        return super()._assistant(message, cached)

    @override
    def tells_choice(self, choice: Choice) -> Choice:
        calls = tuple(replace(call, id=_own_id(call.id)) for call in choice.calls)
        # No filter ends its answers: a refusal is said in words, and that is all.
        finish = "stop" if choice.refusal else choice.finish
        return replace(super().tells_choice(choice), calls=calls, finish=finish)

    @override
    def tells_thoughts(self, thoughts: tuple[Thought, ...]) -> tuple[Thought, ...]:
        return thoughts

    @override
    def finish(self, choice: Choice) -> str:
        return "stop" if choice.refusal else choice.finish

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "prompt_tokens": usage.input,
            "total_tokens": usage.input + usage.output,
            "completion_tokens": usage.output,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "service_tier": "standard",
        }

    @override
    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        head = super().head(script, heard, kind)
        del head["system_fingerprint"]
        return head

    @override
    def message(self, choice: Choice) -> dict[str, Any]:
        text = choice.text or choice.refusal
        content: Any = text
        if choice.thoughts:
            content = [_thinking(thought.text, thought.signature) for thought in choice.thoughts]
            content += [{"type": "text", "text": text}] if text else []
        calls = [self.call(call) for call in choice.calls] or None
        return {"role": "assistant", "tool_calls": calls, "content": content}

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        return {"index": index, "finish_reason": self.finish(choice), "message": self.message(choice)}

    @override
    def call(self, call: ToolCall) -> dict[str, Any]:
        return super().call(replace(call, id=_own_id(call.id)))

    @override
    def deltas(self, choice: Choice) -> Iterator[dict[str, Any]]:
        """Calls come whole, all of them with the end."""
        yield self.delta({"role": "assistant", "content": ""})
        for thought in choice.thoughts:
            for place, piece in enumerate(in_pieces(thought.text)):
                yield self.delta({"content": [{**_thinking(piece, ""), **({"closed": True} if place else {})}]})
            yield self.delta({"content": [_thinking("", thought.signature)]})
        for piece in in_pieces(choice.text or choice.refusal):
            yield self.delta({"content": piece})
        calls = [{**self.call(call), "index": place} for place, call in enumerate(choice.calls)]
        last: dict[str, Any] = {"tool_calls": calls} if calls else {"content": ""}
        yield self.delta(last, finish=self.finish(choice))

    @override
    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        return {"delta": dict(delta), "finish_reason": finish}

    @override
    def no_usage(self) -> dict[str, Any]:
        return {"p": "abcdef"}


def _text(piece: Reader) -> str:
    piece.want("type", "text")
    text = piece.need("text", str)
    piece.end()
    return str(text)


def _thinking(text: str, signature: str) -> dict[str, Any]:
    told: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
    return {**told, "signature": signature} if signature else told


def _own_id(call_id: str) -> str:
    """An id as Mistral makes them, for one of the table."""
    return (re.sub("[^a-zA-Z0-9]", "", call_id) + "000000000")[:9]


def _without_errors(heard: Heard) -> Heard:
    turns = (
        replace(turn, results=tuple(replace(result, error=False) for result in turn.results)) for turn in heard.turns
    )
    return replace(heard, turns=tuple(turns))


MISTRAL = Mistral(
    kind="mistral",
    model="mistral-medium-latest",
    models={"reasoning": "magistral-medium-latest", "reasoning replayed": "magistral-medium-latest"},
    limits=frozenset({"max_tokens"}),
    takes=frozenset({"n", "response_format", "tools", "stop"}),
    usage_asked=False,
    refusals=False,
    counts=frozenset({"cached"}),
    usage_with_end=True,
    otherwise={
        # A failed tool looks like any other.
        "parallel tools answered": Otherwise(adjusted=("messages[3].tool_error",), heard=_without_errors),
        "logprobs": Otherwise(refused=Refused("logprobs")),
        "cache breakpoint": Otherwise(
            adjusted=("messages[0].content[0].cache_control",), heard=lambda heard: replace(heard, cached=())
        ),
    },
)

DIALECTS: tuple[Dialect, ...] = (MISTRAL,)
