"""Servers that one runs oneself, and any other that speaks the format."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, Otherwise, Reader
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.differences import (
    COMMON,
    NO_FILES,
    NO_LOGPROBS,
    NO_N,
    NO_TEXT_SWITCH,
    Plain,
    bare,
    without_thoughts,
)
from tests.conversations.neutral import Choice, Heard, Reasoning, Usage

LMSTUDIO = Plain(
    # https://lmstudio.ai/docs/developer/openai-compat/chat-completions
    kind="lmstudio",
    limits=frozenset({"max_tokens"}),
    takes=frozenset({"response_format", "tools", "stop"}),
    thinks="reasoning_content",
    refusals=False,
    counts=frozenset(),
    otherwise={
        **COMMON,
        **NO_FILES,
        **NO_N,
        **NO_LOGPROBS,
        "reasoning replayed": Otherwise(adjusted=("messages[1].content[0].reasoning",), heard=without_thoughts),
    },
)


class VLLM(OpenAIChat):
    """https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html and /features/reasoning_outputs.html."""

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, text = body.take("reasoning_effort", str), body.take("include_reasoning", bool)
        if effort is None and text is None:
            return None
        return Reasoning(effort=effort or "", text=text)

    @override
    def conveys(self, heard: Heard) -> Heard:
        text = heard.reasoning.text if heard.reasoning else None
        heard = super().conveys(heard)
        return replace(heard, reasoning=replace(heard.reasoning, text=text)) if heard.reasoning else heard

    @override
    def tells_choice(self, choice: Choice) -> Choice:
        return replace(super().tells_choice(choice), stop_sequence=choice.stop_sequence)

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        return {**super().choice(index, choice), "stop_reason": choice.stop_sequence or None, "token_ids": None}

    @override
    def deltas(self, choice: Choice) -> Iterator[dict[str, Any]]:
        *others, last = super().deltas(choice)
        yield from others
        yield {**last, "stop_reason": choice.stop_sequence or None}

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**bare(usage), "prompt_tokens_details": {"cached_tokens": usage.cached}}


VLLM_ = VLLM(
    kind="vllm",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached"}),
    otherwise={**COMMON, **NO_FILES},
)

ANY = OpenAIChat(
    # A server nobody described; this one gives its calls no ids.
    kind="openai-compatible",
    limits=frozenset({"max_tokens"}),
    reads=frozenset({"image", "file"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    call_ids=False,
    otherwise={**COMMON, **NO_TEXT_SWITCH},
)

DIALECTS: tuple[Dialect, ...] = (
    LMSTUDIO,
    VLLM_,
    ANY,
)
