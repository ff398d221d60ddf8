"""Moonshot's Kimi: https://platform.kimi.ai/docs/api/chat and /docs/api/models-overview."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Reader, Refused, Request
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.differences import COMMON, NO_FILES, bare
from tests.conversations.neutral import Choice, Heard, Reasoning, Script, Usage


@dataclass(frozen=True)
class Moonshot(OpenAIChat):
    """Models differ in how they think, and none lets a tool be forced upon it by name while it does."""

    @override
    def hear(self, request: Request) -> Heard:
        body = request.json
        if str(body["model"]).startswith("kimi") and not body.keys().isdisjoint({"n", "temperature", "top_p"}):
            raise NotTaken("invalid temperature: only 1 is allowed for this model")
        if any("parameters" not in tool["function"] for tool in body.get("tools", ())):
            raise NotTaken("function.parameters is required")
        heard = super().hear(request)
        if any(image.url for turn in heard.turns for image in turn.images):
            raise NotTaken("unsupported image url")
        thinks = heard.model.startswith("kimi") and not (heard.reasoning and heard.reasoning.on is False)
        if (thinks and heard.tool_choice.startswith("function:")) or (
            thinks and heard.tool_choice == "required" and "k3" not in heard.model
        ):
            raise NotTaken(f"tool_choice '{heard.tool_choice}' is incompatible with thinking enabled")
        return heard

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, switch = body.take("reasoning_effort", str), body.take("thinking", dict)
        if effort is not None and switch is not None:
            raise NotTaken("cannot specify both 'thinking' and 'reasoning_effort'")
        if effort not in (None, "low", "high", "max"):
            raise NotTaken(f"reasoning_effort is {effort}")
        if effort is None and switch is None:
            return None
        return Reasoning(on=switch and switch["type"] == "enabled", effort=effort or "")

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**bare(usage), "cached_tokens": usage.cached}

    @override
    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        """Usage stands in the choice that ends as well as in a chunk of its own."""
        for chunk in super().chunks(script, heard):
            if script.usage and any(choice["finish_reason"] for choice in chunk["choices"]):
                ends = [{**choice, "usage": self.usage(script.usage)} for choice in chunk["choices"]]
                chunk = {**chunk, "choices": ends}  # noqa: PLW2901
            yield chunk

    @override
    def no_usage(self) -> dict[str, Any]:
        return {}

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        told = super().choice(index, choice)
        return told if choice.logprobs else {key: value for key, value in told.items() if key != "logprobs"}


_NOT_FETCHED = {
    # Read as bytes alone: the hub fetches it, which it may not here.
    "vision by URL": Otherwise(
        refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
    ),
}


def _switched(heard: Heard) -> Heard:
    return replace(heard, reasoning=Reasoning(on=True))


K3 = Moonshot(
    kind="moonshot",
    model="kimi-k3",
    models={"n": "moonshot-v1-32k"},
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached"}),
    otherwise={
        **COMMON,
        **NO_FILES,
        **_NOT_FETCHED,
        "forced tool": Otherwise(
            emulated="the tool that is named is the only one, and one must be called",
            heard=lambda heard: replace(heard, tool_choice="required"),
        ),
    },
)
K2 = replace(
    K3,
    instance="moonshot-k2",
    model="kimi-k2.6",
    otherwise={
        **COMMON,
        **NO_FILES,
        **_NOT_FETCHED,
        "forced tool": Otherwise(refused=Refused("tool_choice")),
        "reasoning": Otherwise(adjusted=("reasoning.effort",), heard=_switched),
        "reasoning replayed": Otherwise(adjusted=("reasoning.effort",), heard=_switched),
    },
)

DIALECTS: tuple[Dialect, ...] = (K3, K2)
