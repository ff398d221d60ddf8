"""Hosts of other makers' models, most of them open ones."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Reader, Refused
from tests.conversations.dialects.openai_chat import OpenAIChat
from tests.conversations.dialects.openai_hosts.differences import (
    ALL,
    COMMON,
    NO_FILES,
    NO_IMAGES,
    NO_LOGPROBS,
    NO_N,
    NO_TOOL_ERROR,
    Plain,
    bare,
    without_thoughts,
)
from tests.conversations.neutral import Chance, Choice, Heard, Reasoning, Script, Usage


class Groq(OpenAIChat):
    """Calls come whole, usage with the end and once more in ``x_groq``.

    https://console.groq.com/docs/openai and /docs/reasoning
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, shape = body.take("reasoning_effort", str), body.take("reasoning_format", str)
        if effort is None and shape is None:
            return None
        if shape not in (None, "parsed", "hidden"):
            # Raw mixes the thoughts into the text.
            raise NotTaken(f"reasoning_format is {shape}")
        return Reasoning(effort=effort or "", text=shape and shape == "parsed")

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {
            "queue_time": 0.04,
            **bare(usage),
            "total_time": 0.06,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        }

    @override
    def first_delta(self) -> dict[str, Any]:
        return {"role": "assistant", "content": None}

    @override
    def call_deltas(self, place: int, call: Any) -> Iterator[dict[str, Any]]:
        yield {**self.call(call), "index": place}

    @override
    def conveys(self, heard: Heard) -> Heard:
        text = heard.reasoning.text if heard.reasoning else None
        heard = super().conveys(heard)
        return replace(heard, reasoning=replace(heard.reasoning, text=text)) if heard.reasoning else heard

    @override
    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        for place, chunk in enumerate(super().chunks(script, heard)):
            groq = {} if place else {"x_groq": {"id": "req_1", "seed": 1}}
            if usage := chunk.pop("usage", None):
                groq = {"x_groq": {"id": "req_1", "usage": usage}, "usage": usage}
            yield {**chunk, **groq}


GROQ = Groq(
    kind="groq",
    base_path="/openai/v1",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=ALL - {"n", "logprobs"},
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_asked=False,
    usage_with_end=True,
    otherwise={**COMMON, **NO_FILES, **NO_N, **NO_LOGPROBS},
)


class Together(OpenAIChat):
    """Log probabilities as parallel lists, an end called eos, and ``text`` beside every delta.

    https://docs.together.ai/reference/chat-completions-1
    """

    @override
    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        effort, switch = body.take("reasoning_effort", str), body.take("reasoning", dict)
        if effort is None and switch is None:
            return None
        return Reasoning(on=switch and switch["enabled"], effort=effort or "")

    @override
    def hear_logprobs(self, body: Reader) -> int | None:
        alternatives: int | None = body.take("logprobs", int)
        return alternatives

    @override
    def logprobs(self, chances: Iterable[Chance]) -> Any:
        chances = list(chances)
        return (
            {
                "tokens": [one.token for one in chances],
                "token_logprobs": [one.logprob for one in chances],
                "top_logprobs": [dict(one.alternatives) for one in chances],
            }
            if chances
            else None
        )

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**bare(usage), "cached_tokens": usage.cached}

    @override
    def finish(self, choice: Choice) -> str:
        return "eos" if choice.finish == "stop" else choice.finish

    @override
    def message(self, choice: Choice) -> dict[str, Any]:
        message = super().message(choice)
        calls = [{"index": place, **call} for place, call in enumerate(message.get("tool_calls", []))]
        return {**message, "tool_calls": calls}

    @override
    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        text = delta.get("content") or ""
        told = super().delta({"role": "assistant", "content": text, "tool_calls": None, **delta}, finish, logprobs)
        return {**told, "text": text, "seed": None}


TOGETHER = Together(
    kind="together",
    limits=frozenset({"max_tokens"}),
    usage_asked=False,
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached"}),
    usage_with_end=True,
    otherwise={**COMMON, **NO_FILES},
)


class Fireworks(OpenAIChat):
    """https://docs.fireworks.ai/api-reference/post-chatcompletions."""

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**bare(usage), "prompt_tokens_details": {"cached_tokens": usage.cached}}


FIREWORKS = Fireworks(
    kind="fireworks",
    base_path="/inference/v1",
    limits=frozenset({"max_tokens"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached"}),
    usage_with_end=True,
    otherwise={**COMMON, **NO_FILES},
)


class Cerebras(OpenAIChat):
    """https://inference-docs.cerebras.ai/api-reference/chat-completions."""

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        told = super().usage(usage)
        told["prompt_tokens_details"] = {"cached_tokens": usage.cached}
        return told

    @override
    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        return {**super().head(script, heard, kind), "time_info": {"queue_time": 0.0001, "total_time": 0.02}}


CEREBRAS = Cerebras(
    kind="cerebras",
    limits=frozenset({"max_completion_tokens", "max_tokens"}),
    takes=ALL - {"n"},
    reads=frozenset(),
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={**COMMON, **NO_IMAGES, **NO_FILES, **NO_N},
)


POE = Plain(
    # https://creator.poe.com/docs/external-applications/openai-compatible-api
    kind="poe",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=frozenset({"tools", "stop"}),
    reads=frozenset({"image", "file"}),
    refusals=False,
    counts=frozenset(),
    otherwise={
        **COMMON,
        **NO_N,
        **NO_LOGPROBS,
        "json_schema": Otherwise(refused=Refused("response_format.json_schema")),
        "reasoning": Otherwise(adjusted=("reasoning",), heard=lambda heard: replace(heard, reasoning=None)),
        "reasoning replayed": Otherwise(adjusted=("reasoning",), heard=lambda heard: replace(heard, reasoning=None)),
    },
)


class HuggingFace(Plain):
    """Routed to hosts of open models; details may be null, and a delta may have nothing but a role.

    https://huggingface.co/docs/inference-providers/tasks/chat-completion
    """

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**bare(usage), "prompt_tokens_details": None, "completion_tokens_details": None}

    @override
    def first_delta(self) -> dict[str, Any]:
        return {"role": "assistant"}

    @override
    def no_usage(self) -> dict[str, Any]:
        return {"sla_metrics": {"ttft_ms": 274}}


HUGGINGFACE = HuggingFace(
    kind="huggingface",
    limits=frozenset({"max_tokens"}),
    takes=ALL - {"n"},
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset(),
    otherwise={**COMMON, **NO_FILES, **NO_N},
)


class DeepInfra(Together):
    """Reasoning is switched and levelled as at Together, log probabilities and usage are OpenAI's.

    https://docs.deepinfra.com/api-reference/openai-chat-completions-1
    """

    @override
    def hear_logprobs(self, body: Reader) -> int | None:
        return 0 if body.take("logprobs", bool, False) else None

    @override
    def logprobs(self, chances: Iterable[Chance]) -> Any:
        return OpenAIChat.logprobs(self, chances)

    @override
    def hear_cache_mark(self, part: Reader, text: str, cached: list[str]) -> None:
        if part.take("cache_control", dict) is not None:
            cached.append(text)

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        details = {"prompt_tokens_details": {"cached_tokens": usage.cached}}
        return {**bare(usage), **details, "estimated_cost": 0.0000268}

    @override
    def finish(self, choice: Choice) -> str:
        return choice.finish


DEEPINFRA = DeepInfra(
    kind="deepinfra",
    base_path="/v1/openai",
    limits=frozenset({"max_tokens"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached"}),
    otherwise={**NO_TOOL_ERROR, **NO_FILES, "logprobs": Otherwise(refused=Refused("top_logprobs"))},
)
SAMBANOVA = Plain(
    # https://docs.sambanova.ai/docs/api-reference/chat-completions/create-chat-based-completion
    kind="sambanova",
    limits=frozenset({"max_completion_tokens", "max_tokens"}),
    takes=ALL - {"n", "logprobs"},
    thinks="reasoning",
    refusals=False,
    counts=frozenset(),
    otherwise={
        **COMMON,
        **NO_FILES,
        **NO_N,
        **NO_LOGPROBS,
        # Read as bytes alone: the hub fetches it, which it may not here.
        "vision by URL": Otherwise(
            refused=Refused("messages[0].content[1].image.media.url", "INVALID_ARGUMENT", "URL_NOT_ALLOWED")
        ),
        "reasoning replayed": Otherwise(adjusted=("messages[1].content[0].reasoning",), heard=without_thoughts),
    },
)

DIALECTS: tuple[Dialect, ...] = (
    DEEPINFRA,
    SAMBANOVA,
    GROQ,
    TOGETHER,
    FIREWORKS,
    CEREBRAS,
    POE,
    HUGGINGFACE,
)
