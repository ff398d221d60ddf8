"""Hosts that speak OpenAI's chat completions, and what each does differently."""

from dataclasses import replace

from tests.conversations.dialects.base import Dialect, Otherwise
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.neutral import Heard


def without_errors(heard: Heard) -> Heard:
    """A failed tool looks like any other."""
    return replace(
        heard,
        turns=tuple(
            replace(turn, results=tuple(replace(result, error=False) for result in turn.results))
            for turn in heard.turns
        ),
    )


NO_TOOL_ERROR = Otherwise(adjusted=("messages[3].tool_error",), heard=without_errors)
"""The format has no mark for a tool that failed."""

OPENAI = OpenAIChat(
    # https://platform.openai.com/docs/api-reference/chat/create
    kind="openai",
    model="gpt-4.1",
    models={"reasoning": "gpt-5.2", "reasoning replayed": "gpt-5.2", "cache breakpoint": "gpt-5.6"},
    reads=frozenset({"image", "file"}),
    breakpoints=True,
    otherwise={
        "parallel tools answered": NO_TOOL_ERROR,
        "reasoning": Otherwise(adjusted=("reasoning.include_text",)),
        "reasoning replayed": Otherwise(adjusted=("reasoning.include_text",)),
    },
)

DIALECTS: tuple[Dialect, ...] = (OPENAI,)
