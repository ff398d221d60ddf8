"""Hosts that speak OpenAI's chat completions, and what each does differently.

Written from the vendors' references, named at each, and from what their servers are known to send. Where a page does
not say that a parameter exists, the fake does not take it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, NotTaken, Otherwise, Reader, Refused, Request, StreamReply
from tests.conversations.dialects.openai_chat import OpenAIChat, in_pieces
from tests.conversations.neutral import Chance, Choice, Citation, Heard, Reasoning, Script, Thought, Usage

# What goes otherwise in the same way at many hosts.


def _without_errors(heard: Heard) -> Heard:
    def plain(turn: Any) -> Any:
        return replace(turn, results=tuple(replace(result, error=False) for result in turn.results))

    return replace(heard, turns=tuple(map(plain, heard.turns)))


def _without_thoughts(heard: Heard) -> Heard:
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
_NO_TEXT_SWITCH = {
    "reasoning": Otherwise(adjusted=("reasoning.include_text",)),
    "reasoning replayed": Otherwise(adjusted=("reasoning.include_text",)),
}
"""Its chat completions never show reasoning, so that asking for its text is told to be in vain."""
_NO_IMAGES = {
    "vision by bytes": Otherwise(refused=Refused("messages[0].content[1].image")),
    "vision by URL": Otherwise(refused=Refused("messages[0].content[1].image")),
}
NO_FILES = {"document": Otherwise(refused=Refused("messages[0].content[1].file"))}
_NO_N = {"n": Otherwise(refused=Refused("n"))}
_NO_LOGPROBS = {"logprobs": Otherwise(refused=Refused("logprobs"))}
_SCHEMA_IN_PROMPT = {"json_schema": Otherwise(emulated="JSON mode, and the schema as an instruction in the prompt")}


def citing(*citations: Citation) -> dict[str, Otherwise]:
    """The first exchange, answered with sources."""

    def told(script: Script) -> Script:
        return replace(script, choices=tuple(replace(choice, citations=citations) for choice in script.choices))

    return {"text": Otherwise(told=told)}


_COMMON = {**NO_TOOL_ERROR, **NO_BREAKPOINT}


def _bare(usage: Usage) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
    }


# Each host.

_ALL = frozenset({"n", "logprobs", "response_format", "tools", "stop"})

OPENAI = OpenAIChat(
    # https://platform.openai.com/docs/api-reference/chat/create
    kind="openai",
    model="gpt-4.1",
    models={"reasoning": "gpt-5.2", "reasoning replayed": "gpt-5.2", "cache breakpoint": "gpt-5.6"},
    reads=frozenset({"image", "file"}),
    breakpoints=True,
    otherwise={
        **NO_TOOL_ERROR,
        **_NO_TEXT_SWITCH,
        **citing(Citation(start=0, end=5, url="https://example.com/gruss", title="Gruß")),
    },
)


@dataclass(frozen=True)
class Azure(OpenAIChat):
    """What Azure's filters found comes with everything, first of all with a chunk that has no choices.

    https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
    """

    key_header: str = "api-key"

    @override
    def hear(self, request: Request) -> Heard:
        version = self.options.get("api_version")
        if request.query.get("api-version") != version:
            raise NotTaken(f"api-version is {request.query.get('api-version')}")
        return super().hear(request)

    @override
    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        return {**super().choice(index, choice), "content_filter_results": _FILTERS}

    @override
    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        return {**super().delta(delta, finish, logprobs), "content_filter_results": _FILTERS if delta else {}}

    @override
    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        found = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
        yield {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": found}
        yield from super().chunks(script, heard)


_FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "jailbreak": {"filtered": False, "detected": False}}

AZURE = Azure(
    # https://learn.microsoft.com/azure/ai-foundry/openai/latest
    kind="azure",
    base_path="/openai/v1",
    model="gpt-4.1",
    models=OPENAI.models,
    reads=OPENAI.reads,
    breakpoints=True,
    otherwise=OPENAI.otherwise,
)
AZURE_DEPLOYMENT = replace(
    # https://learn.microsoft.com/azure/ai-foundry/openai/reference
    AZURE,
    instance="azure-deployment",
    base_path="",
    options={"api_version": "2024-10-21"},
    path="/openai/deployments/{model}/chat/completions",
)
AZURE_OLD = replace(
    # Before 2024-09-01-preview: "Unknown parameter: 'stream_options'", and likewise max_completion_tokens.
    AZURE_DEPLOYMENT,
    instance="azure-old",
    options={"api_version": "2024-06-01"},
    limits=frozenset({"max_tokens"}),
    usage_asked=False,
    stream_usage=False,
)
AZURE_FOUNDRY = replace(
    # https://learn.microsoft.com/rest/api/aifoundry/model-inference/get-chat-completions
    AZURE,
    kind="azure-foundry",
    base_path="/models",
    options={"api_version": "2024-05-01-preview"},
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
            **_bare(usage),
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
    takes=_ALL - {"n"},
    reads=frozenset(),
    schemas=False,
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={**_COMMON, **_NO_IMAGES, **NO_FILES, **_NO_N, **_SCHEMA_IN_PROMPT},
)


class XAI(OpenAIChat):
    """Reasoning is left out of the completion's tokens and is in the total alone.

    https://docs.x.ai/docs/guides/reasoning
    """

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
    otherwise={**_COMMON, **NO_FILES},
)


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
    takes=_ALL - {"n"},
    reads=frozenset({"image", "file"}),
    otherwise={**NO_TOOL_ERROR, **_NO_N},
)


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
            **_bare(usage),
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
    takes=_ALL - {"n", "logprobs"},
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={**_COMMON, **NO_FILES, **_NO_N, **_NO_LOGPROBS},
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
        return {**_bare(usage), "cached_tokens": usage.cached}

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
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached"}),
    usage_with_end=True,
    otherwise={**_COMMON, **NO_FILES},
)


class Fireworks(OpenAIChat):
    """https://docs.fireworks.ai/api-reference/post-chatcompletions."""

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return {**_bare(usage), "prompt_tokens_details": {"cached_tokens": usage.cached}}


FIREWORKS = Fireworks(
    kind="fireworks",
    base_path="/inference/v1",
    limits=frozenset({"max_tokens"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached"}),
    usage_with_end=True,
    otherwise={**_COMMON, **NO_FILES},
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
        told = {**_bare(usage), "search_context_size": "low", "cost": {"total_cost": 0.006}}
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
        **_COMMON,
        **_NO_N,
        **_NO_LOGPROBS,
        **citing(Citation(url="https://example.com/gruss", title="Gruß", quoted="Grüße schreibt man so.")),
        **{name: Otherwise(refused=Refused("tools")) for name in ("parallel tools", "forced tool", "reasoning")},
    },
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
    takes=_ALL - {"n"},
    reads=frozenset(),
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    usage_with_end=True,
    otherwise={**_COMMON, **_NO_IMAGES, **NO_FILES, **_NO_N},
)

DOUBAO = DeepSeek(
    # https://www.volcengine.com/docs/82379/1494384
    kind="doubao",
    base_path="/api/v3",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=_ALL - {"n"},
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset({"cached", "reasoning"}),
    otherwise={**_COMMON, **NO_FILES, **_NO_N},
)


class Plain(OpenAIChat):
    """Usage without details."""

    @override
    def usage(self, usage: Usage) -> dict[str, Any]:
        return _bare(usage)


POE = Plain(
    # https://creator.poe.com/docs/external-applications/openai-compatible-api
    kind="poe",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    takes=frozenset({"tools", "stop"}),
    reads=frozenset({"image", "file"}),
    refusals=False,
    counts=frozenset(),
    otherwise={
        **_COMMON,
        **_NO_N,
        **_NO_LOGPROBS,
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
        return {**_bare(usage), "prompt_tokens_details": None, "completion_tokens_details": None}

    @override
    def first_delta(self) -> dict[str, Any]:
        return {"role": "assistant"}

    @override
    def no_usage(self) -> dict[str, Any]:
        return {"sla_metrics": {"ttft_ms": 274}}


HUGGINGFACE = HuggingFace(
    kind="huggingface",
    limits=frozenset({"max_tokens"}),
    takes=_ALL - {"n"},
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    refusals=False,
    counts=frozenset(),
    otherwise={**_COMMON, **NO_FILES, **_NO_N},
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
            **_bare(usage),
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
        **_COMMON,
        **_NO_N,
        **_NO_LOGPROBS,
        **_SCHEMA_IN_PROMPT,
        # One stop word is all it takes.
        "stop": Otherwise(refused=Refused("stop", "INVALID_ARGUMENT", "REQUEST_INVALID")),
    },
)


class Ollama(Plain):
    """https://docs.ollama.com/api/openai-compatibility."""

    @override
    def thought_deltas(self, thought: Thought) -> Iterator[dict[str, Any]]:
        for piece in in_pieces(thought.text):
            yield {"role": "assistant", "content": "", "reasoning": piece}


OLLAMA = Ollama(
    kind="ollama",
    limits=frozenset({"max_tokens"}),
    takes=_ALL - {"n"},
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset(),
    otherwise={**_COMMON, **NO_FILES, **_NO_N},
)

LMSTUDIO = Plain(
    # https://lmstudio.ai/docs/developer/openai-compat/chat-completions
    kind="lmstudio",
    limits=frozenset({"max_tokens"}),
    takes=frozenset({"response_format", "tools", "stop"}),
    thinks="reasoning_content",
    refusals=False,
    counts=frozenset(),
    otherwise={
        **_COMMON,
        **NO_FILES,
        **_NO_N,
        **_NO_LOGPROBS,
        "reasoning replayed": Otherwise(adjusted=("messages[1].content[0].reasoning",), heard=_without_thoughts),
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
        return {**_bare(usage), "prompt_tokens_details": {"cached_tokens": usage.cached}}


VLLM_ = VLLM(
    kind="vllm",
    limits=frozenset({"max_tokens", "max_completion_tokens"}),
    thinks="reasoning",
    takes_thoughts="reasoning",
    refusals=False,
    counts=frozenset({"cached"}),
    otherwise={**_COMMON, **NO_FILES},
)

ANY = OpenAIChat(
    # A server nobody described; this one gives its calls no ids.
    kind="openai-compatible",
    limits=frozenset({"max_tokens"}),
    reads=frozenset({"image", "file"}),
    thinks="reasoning_content",
    takes_thoughts="reasoning_content",
    call_ids=False,
    otherwise={**_COMMON, **_NO_TEXT_SWITCH},
)

DIALECTS: tuple[Dialect, ...] = (
    OPENAI,
    AZURE,
    AZURE_DEPLOYMENT,
    AZURE_OLD,
    AZURE_FOUNDRY,
    DEEPSEEK,
    XAI_,
    OPENROUTER,
    GROQ,
    TOGETHER,
    FIREWORKS,
    PERPLEXITY,
    CEREBRAS,
    DOUBAO,
    POE,
    HUGGINGFACE,
    ZAI_,
    OLLAMA,
    LMSTUDIO,
    VLLM_,
    ANY,
)
