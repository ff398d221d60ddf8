"""Makers who serve their own models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Reader, Refused
from tests.conversations.dialects.openai_chat import OpenAIChat, in_pieces
from tests.conversations.dialects.openai_hosts.differences import (
    ALL,
    COMMON,
    NO_FILES,
    NO_IMAGES,
    NO_LOGPROBS,
    NO_N,
    NO_TEXT_SWITCH,
    NO_TOOL_ERROR,
    SCHEMA_IN_PROMPT,
    bare,
    citing,
)
from tests.conversations.neutral import Choice, Citation, Heard, Reasoning, Script, Thought, ToolCall, Usage

OPENAI = OpenAIChat(
    # https://platform.openai.com/docs/api-reference/chat/create
    kind="openai",
    model="gpt-4.1",
    models={"reasoning": "gpt-5.2", "reasoning replayed": "gpt-5.2", "cache breakpoint": "gpt-5.6"},
    reads=frozenset({"image", "file"}),
    breakpoints=True,
    otherwise={
        **NO_TOOL_ERROR,
        **NO_TEXT_SWITCH,
        **citing(Citation(start=0, end=5, url="https://example.com/gruss", title="Gruß")),
    },
)


@dataclass(frozen=True)
class DeepSeek(OpenAIChat):
    """https://api-docs.deepseek.com/api/create-chat-completion."""

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, switch = body.take("reasoning_effort", str), body.take("thinking", dict)
        if effort is None and switch is None:
            return None
        return Reasoning(on=switch and switch["type"] == "enabled", effort=effort or "")

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            **bare(usage),
            "prompt_cache_hit_tokens": usage.cached,
            "prompt_cache_miss_tokens": usage.input - usage.cached,
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }

    @override
    def last_delta(self) -> dict[str, Any]:
        return {"content": ""}


DEEPSEEK = DeepSeek(
    kind="deepseek",
    base_path="",
    limits=frozenset({"max_tokens"}),
    takes=ALL - {"n"},
    reads=frozenset(),
    schemas=False,
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={**COMMON, **NO_IMAGES, **NO_FILES, **NO_N, **SCHEMA_IN_PROMPT},
)


class XAI(OpenAIChat):
    """Reasoning is left out of the completion's tokens and is in the total alone; calls come whole.

    https://docs.x.ai/docs/guides/reasoning and /docs/guides/function-calling
    """

    @override
    def call_deltas(self, place: int, call: ToolCall) -> Iterator[dict[str, Any]]:
        yield {**self.call(call), "index": place}

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        told = super().usage(usage)
        told["completion_tokens"] -= usage.reasoning
        del told["prompt_tokens_details"]["cache_write_tokens"]
        return {**told, "num_sources_used": 0, "cost_in_usd_ticks": 1176500}


XAI_ = XAI(
    # https://docs.x.ai/docs/api-reference#chat-completions; which models take what: /docs/guides/reasoning
    kind="xai",
    model="grok-4-fast-non-reasoning",
    models={"reasoning": "grok-3-mini", "reasoning replayed": "grok-3-mini"},
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    counts=frozenset({"cached", "reasoning"}),
    otherwise={**COMMON, **NO_FILES},
)


class Perplexity(OpenAIChat):
    """Usage so far and the whole message so far come with every chunk; the last is a ``chat.completion.done``.

    https://docs.perplexity.ai/api-reference/chat-completions-post
    """

    @override
    def hear_schema_name(self, schema: Reader) -> None:
        schema.take("name", str)

    @override
    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        cited = script.choices[0].citations
        results = [{"url": one.url, "title": one.title, "snippet": one.quoted, "date": None} for one in cited]
        return {
            **super().head(script, heard, kind),
            "citations": [one.url for one in cited],
            "search_results": results,
        }

    @override
    def message(self, choice: Choice) -> dict[str, Any]:
        # What it read stands beside the choices.
        return super().message(replace(choice, citations=()))

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        told = {**bare(usage), "search_context_size": "low", "cost": {"total_cost": 0.006}}
        return {**told, "reasoning_tokens": usage.reasoning} if usage.reasoning else told

    @override
    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        [choice] = script.choices
        assert script.usage
        said = ""
        for piece in in_pieces(choice.text):
            said += piece
            yield self._chunk(script, heard, said, {"role": "assistant", "content": piece}, output=1)
        yield self._chunk(script, heard, said, {"role": "assistant", "content": ""}, choice.finish, script.usage.output)

    def _chunk(
        self, script: Script, heard: Heard, said: str, delta: dict[str, Any], finish: str | None = None, output: int = 0
    ) -> dict[str, Any]:
        assert script.usage
        kind = "chat.completion.done" if finish else "chat.completion.chunk"
        choice = {
            "index": 0,
            "delta": delta,
            "message": {"role": "assistant", "content": said},
            "finish_reason": finish,
        }
        usage = self.usage(replace(script.usage, output=output))
        return {**self.head(script, heard, kind), "choices": [choice], "usage": usage}


PERPLEXITY = Perplexity(
    kind="perplexity",
    base_path="",
    model="sonar",
    limits=frozenset({"max_tokens"}),
    takes=frozenset({"stop", "response_format"}),
    reads=frozenset({"image", "file"}),
    usage_asked=False,
    refusals=False,
    counts=frozenset({"reasoning"}),
    otherwise={
        **COMMON,
        **NO_N,
        **NO_LOGPROBS,
        **citing(Citation(url="https://example.com/gruss", title="Gruß", quoted="Grüße schreibt man so.")),
        **{name: Otherwise(refused=Refused("tools")) for name in ("parallel tools", "forced tool", "reasoning")},
    },
)


DOUBAO = DeepSeek(
    # https://www.volcengine.com/docs/82379/1494384
    kind="doubao",
    base_path="/api/v3",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=ALL - {"n"},
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    otherwise={**COMMON, **NO_FILES, **NO_N},
)


class ZAI(OpenAIChat):
    """Keeps earlier thoughts only where told to, and calls what it filtered sensitive.

    https://docs.z.ai/api-reference/llm/chat-completion and /guides/capabilities/thinking-mode
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, switch = body.take("reasoning_effort", str), body.take("thinking", dict)
        if effort is None and switch is None:
            return None
        return Reasoning(on=switch and switch["type"] == "enabled", effort=effort or "")

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            **bare(usage),
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }

    @override
    def finish(self, choice: Choice) -> str:
        return "sensitive" if choice.finish == "content_filter" else choice.finish

    @override
    def no_usage(self) -> dict[str, Any]:
        return {}

    @override
    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        told = {"delta": {"role": "assistant", **delta}}
        return {**told, "finish_reason": finish} if finish else told


ZAI_ = ZAI(
    kind="zai",
    base_path="/api/paas/v4",
    limits=frozenset({"max_tokens"}),
    takes=frozenset({"response_format", "tools", "stop"}),
    reads=frozenset({"image", "file"}),
    schemas=False,
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={
        **COMMON,
        **NO_N,
        **NO_LOGPROBS,
        **SCHEMA_IN_PROMPT,
        # One stop word is all it takes.
        "stop": Otherwise(refused=Refused("stop", "INVALID_ARGUMENT", "REQUEST_INVALID")),
    },
)


class DashScope(OpenAIChat):
    """A switch and a budget; no tool is forced while a model thinks, and none without its name.

    https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        switch, budget = body.take("enable_thinking", bool), body.take("thinking_budget", int)
        if switch and str(body.take("tool_choice", (str, dict), "auto")) not in ("auto", "none"):
            raise NotTaken("the tool_choice parameter does not support being set in thinking mode")
        return None if switch is None else Reasoning(on=switch, budget=budget)

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            **bare(usage),
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }


def _thinking(heard: Heard) -> Heard:
    return replace(heard, reasoning=Reasoning(on=True))


DASHSCOPE = DashScope(
    kind="dashscope",
    base_path="/compatible-mode/v1",
    model="qwen-plus",
    limits=frozenset({"max_tokens"}),
    schemas=False,
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    otherwise={
        **COMMON,
        **NO_FILES,
        **SCHEMA_IN_PROMPT,
        "reasoning": Otherwise(adjusted=("reasoning.effort",), heard=_thinking),
        "reasoning replayed": Otherwise(adjusted=("reasoning.effort",), heard=_thinking),
    },
)


class MiniMax(OpenAIChat):
    """Thoughts are told apart only where asked, as details that must come back; every answer ends in a verdict.

    https://platform.minimax.io/docs/api-reference/text-chat-openai; a stream's details are told once, whatever its
    example does: https://github.com/MiniMax-AI/MiniMax-M2/issues/95
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        body.want("reasoning_split", True)
        switch = body.take("thinking", dict)
        if switch and switch["type"] not in ("adaptive", "disabled"):
            raise NotTaken(f"thinking is {switch}")
        return Reasoning(on=switch["type"] == "adaptive") if switch else None

    @override
    def hear_thoughts(self, message: Reader) -> tuple[Thought, ...]:
        details = [Reader(told, "reasoning_details") for told in message.take("reasoning_details", list, [])]
        for detail in details:
            detail.want("type", "reasoning.text")
            detail.want("format", _MINIMAX_FORMAT)
        return tuple(Thought(detail.need("text", str)) for detail in details)

    @override
    def thoughts(self, thoughts: tuple[Thought, ...]) -> dict[str, Any]:
        return {"reasoning_details": [self._detail(one.text) for one in thoughts]} if thoughts else {}

    @override
    def thought_deltas(self, thought: Thought) -> Iterator[dict[str, Any]]:
        for piece in in_pieces(thought.text):
            yield {"reasoning_details": [self._detail(piece)]}

    def _detail(self, text: str) -> dict[str, Any]:
        return {"type": "reasoning.text", "id": "reasoning-1", "format": _MINIMAX_FORMAT, "index": 0, "text": text}

    @override
    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        verdict = {"base_resp": {"status_code": 0, "status_msg": ""}, "input_sensitive": False}
        return {**super().head(script, heard, kind), **verdict}

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        told = {**bare(usage), "total_characters": 0, "prompt_tokens_details": {"cached_tokens": usage.cached}}
        return {**told, "completion_tokens_details": {"reasoning_tokens": usage.reasoning}}


_MINIMAX_FORMAT = "MiniMax-response-v1"
MINIMAX = MiniMax(
    kind="minimax",
    model="MiniMax-M3",
    takes=frozenset({"tools"}),
    thinks="reasoning_details",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    otherwise={
        **COMMON,
        **NO_FILES,
        **NO_N,
        **NO_LOGPROBS,
        "stop": Otherwise(refused=Refused("stop")),
        "forced tool": Otherwise(refused=Refused("tool_choice")),
        "json_schema": Otherwise(refused=Refused("response_format.json_schema")),
        "reasoning": Otherwise(adjusted=("reasoning.effort",), heard=_thinking),
        "reasoning replayed": Otherwise(adjusted=("reasoning.effort",), heard=_thinking),
    },
)

DIALECTS: tuple[Dialect, ...] = (
    DASHSCOPE,
    MINIMAX,
    OPENAI,
    DEEPSEEK,
    XAI_,
    PERPLEXITY,
    DOUBAO,
    ZAI_,
)
