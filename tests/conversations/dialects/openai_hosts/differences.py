"""What goes otherwise in the same way at many hosts."""

from dataclasses import replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Otherwise, Refused
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.neutral import Citation, Heard, Script, Usage


def _without_errors(heard: Heard) -> Heard:
    def plain(turn: Any) -> Any:
        return replace(turn, results=tuple(replace(result, error=False) for result in turn.results))

    return replace(heard, turns=tuple(map(plain, heard.turns)))


def without_thoughts(heard: Heard) -> Heard:
    """What a host hears that takes no reasoning back."""
    return replace(heard, turns=tuple(replace(turn, thoughts=()) for turn in heard.turns))


NO_TOOL_ERROR = {
    "parallel tools answered": Otherwise(adjusted=("messages[3].tool_error",), heard=_without_errors),
}
"""The format has no mark for a tool that failed."""
NO_BREAKPOINT = {
    "cache breakpoint": Otherwise(
        adjusted=("messages[0].content[0].cache_control",), heard=lambda heard: replace(heard, cached=())
    ),
}
NO_TEXT_SWITCH = {
    "reasoning": Otherwise(adjusted=("reasoning.include_text",)),
    "reasoning replayed": Otherwise(adjusted=("reasoning.include_text",)),
}
"""Its chat completions never show reasoning, so that asking for its text is told to be in vain."""
NO_IMAGES = {
    "vision by bytes": Otherwise(refused=Refused("messages[0].content[1].image")),
    "vision by URL": Otherwise(refused=Refused("messages[0].content[1].image")),
}
NO_FILES = {"document": Otherwise(refused=Refused("messages[0].content[1].file"))}
NO_N = {"n": Otherwise(refused=Refused("n"))}
NO_LOGPROBS = {"logprobs": Otherwise(refused=Refused("logprobs"))}
SCHEMA_IN_PROMPT = {"json_schema": Otherwise(emulated="JSON mode, and the schema as an instruction in the prompt")}


def citing(*citations: Citation) -> dict[str, Otherwise]:
    """The first exchange, answered with sources."""

    def told(script: Script) -> Script:
        return replace(script, choices=tuple(replace(choice, citations=citations) for choice in script.choices))

    return {"text": Otherwise(told=told)}


COMMON = {**NO_TOOL_ERROR, **NO_BREAKPOINT}


def bare(usage: Usage) -> dict[str, Any]:
    """Usage without details."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }


ALL = frozenset({"n", "logprobs", "response_format", "tools", "stop"})
"""Parameters that a host may take beyond those of every chat."""


class Plain(OpenAIChat):
    """Usage without details."""

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return bare(usage)
