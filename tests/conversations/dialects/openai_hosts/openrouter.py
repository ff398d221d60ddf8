"""The one that resells nearly everything, with fields of its own."""

from collections.abc import Iterator
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Reader, StreamReply
from tests.conversations.dialects.openai_chat import OpenAIChat, in_pieces
from tests.conversations.dialects.openai_hosts.differences import ALL, NO_N, NO_TOOL_ERROR
from tests.conversations.neutral import Choice, Heard, Reasoning, Script, Thought, Usage


class OpenRouter(OpenAIChat):
    """Comments while it waits, reasoning with proofs, prompts marked as Anthropic's are, and what it all cost.

    https://openrouter.ai/docs/api-reference/chat-completion and /docs/use-cases/reasoning-tokens
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        told = body.take("reasoning", dict)
        if told is None:
            return None
        reasoning = Reader(told, "reasoning")
        read = Reasoning(
            on=reasoning.take("enabled", bool),
            effort=reasoning.take("effort", str, ""),
            budget=reasoning.take("max_tokens", int),
        )
        reasoning.take("exclude", bool)
        reasoning.end()
        return read

    @override
    def hear_thoughts(self, message: Reader) -> tuple[Thought, ...]:
        return tuple(_detail(Reader(told, "reasoning_details")) for told in message.take("reasoning_details", list, []))

    @override
    def hear_cache_mark(self, part: Reader, text: str, cached: list[str]) -> None:
        if (mark := part.take("cache_control", dict)) is not None:
            if mark != {"type": "ephemeral"}:
                raise NotTaken(f"cache_control is {mark}")
            cached.append(text)

    @override
    def tells_thoughts(self, thoughts: tuple[Thought, ...]) -> tuple[Thought, ...]:
        return thoughts

    @override
    def thoughts(self, thoughts: tuple[Thought, ...]) -> dict[str, Any]:
        details = [
            {"type": "reasoning.text", "text": one.text, "signature": one.signature, "id": None, "format": _CLAUDE}
            for one in thoughts
        ]
        text = "".join(one.text for one in thoughts)
        return {"reasoning": text, "reasoning_details": details} if thoughts else {"reasoning": None}

    @override
    def thought_deltas(self, thought: Thought) -> Iterator[dict[str, Any]]:
        common = {"type": "reasoning.text", "index": 0, "format": _CLAUDE}
        for piece in in_pieces(thought.text):
            yield {"content": "", "reasoning": piece, "reasoning_details": [{**common, "text": piece}]}
        yield {"content": "", "reasoning": None, "reasoning_details": [{**common, "signature": thought.signature}]}

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**super().usage(usage), "cost": 0.000669, "is_byok": False, "cost_details": {}}

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        return {**super().choice(index, choice), "native_finish_reason": "STOP"}

    @override
    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        return {**super().head(script, heard, kind), "provider": "Google"}

    @override
    def no_usage(self) -> dict[str, Any]:
        return {}

    @override
    def last_choices(self) -> list[dict[str, Any]]:
        return [{"index": 0, **self.delta({"role": "assistant", "content": ""}), "native_finish_reason": None}]

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        reply = super().stream(script, heard)
        comment = b": OPENROUTER PROCESSING\n\n"
        first, *others = reply.pieces
        return StreamReply(reply.headers, [comment, comment, first, comment, *others])


_CLAUDE = "anthropic-claude-v1"


def _detail(detail: Reader) -> Thought:
    detail.want("type", "reasoning.text")
    read = Thought(detail.need("text", str), detail.take("signature", str, ""))
    detail.want("format", _CLAUDE)
    detail.need("index", int)
    detail.end()
    return read


OPENROUTER = OpenRouter(
    kind="openrouter",
    base_path="/api/v1",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=ALL - {"n"},
    reads=frozenset({"image", "file"}),
    otherwise={**NO_TOOL_ERROR, **NO_N},
)

DIALECTS: tuple[Dialect, ...] = (OPENROUTER,)
