"""What is said in a conversation, in words of no provider and not of the hub's code: all plain values."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, by its bytes or by its address."""

    data: bytes = b""
    mime_type: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document, by its bytes."""

    data: bytes = b""
    mime_type: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Thought:
    """A block of reasoning and the proof that goes back with it, as the provider's text."""

    text: str = ""
    signature: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of a function. ``id`` is empty where the provider gives none."""

    id: str = ""
    name: str = ""
    arguments: Any = None
    """Parsed JSON."""
    signature: str = ""
    """Proof that goes back with the call, for providers that put it there."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a call came to. A dialect that answers calls by name fills ``name``, the others ``call_id``."""

    call_id: str = ""
    text: str = ""
    error: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the conversation; ``role`` is user, assistant or tool."""

    role: str
    texts: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    documents: tuple[Document, ...] = ()
    thoughts: tuple[Thought, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call; ``parameters`` is its parsed JSON Schema."""

    name: str
    description: str = ""
    parameters: Any = None


@dataclass(frozen=True, slots=True)
class Reasoning:
    """How much thinking was asked for; what was not said is None or empty."""

    on: bool | None = None
    effort: str = ""
    budget: int | None = None
    text: bool | None = None
    """Whether the text, or a summary, was asked for."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a provider understood of one request."""

    model: str = ""
    stream: bool = False
    system: tuple[str, ...] = ()
    """Texts of the operator's instructions, in order."""
    turns: tuple[Turn, ...] = ()
    """All results of one round of calls are one turn of the role tool; see ``rounds``."""
    cached: tuple[str, ...] = ()
    """Texts of the parts, or names of the tools, that end a cached prefix."""
    tools: tuple[Tool, ...] = ()
    tool_choice: str = ""
    """auto, none, required, or function:NAME."""
    json_only: bool = False
    """The answer must be JSON."""
    schema: Any = None
    """The JSON Schema the answer must fit, parsed."""
    reasoning: Reasoning | None = None
    stop: tuple[str, ...] = ()
    max_tokens: int | None = None
    n: int | None = None
    logprobs: int | None = None
    """How many alternatives a token; None where no log probabilities were asked for."""


def rounds(turns: Iterable[Turn]) -> tuple[Turn, ...]:
    """The turns with consecutive tool turns made one, as APIs differ in how many messages they make of them."""
    merged: list[Turn] = []
    for turn in turns:
        if merged and turn.role == merged[-1].role == "tool":
            merged[-1] = replace(merged[-1], results=merged[-1].results + turn.results)
        else:
            merged.append(turn)
    return tuple(merged)


@dataclass(frozen=True, slots=True)
class Chance:
    """One token with its log probability and the likeliest alternatives."""

    token: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Citation:
    """A source: where the words that rest on it stand in the answer, and the source's address or place."""

    start: int | None = None
    end: int | None = None
    url: str = ""
    title: str = ""
    quoted: str = ""
    document: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer among n."""

    text: str = ""
    thoughts: tuple[Thought, ...] = ()
    calls: tuple[ToolCall, ...] = ()
    refusal: str = ""
    finish: str = "stop"
    """stop, length, tool_calls or content_filter."""
    stop_sequence: str = ""
    logprobs: tuple[Chance, ...] = ()
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens by the contract's meaning: input with cached and written ones, output with reasoning."""

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What a provider answers, and likewise what a client got."""

    choices: tuple[Choice, ...]
    usage: Usage | None = Usage(input=12, output=7)
    """None where the provider tells none; the hub's own estimates are read as None too."""
    id: str = "answer-1"
    model: str = ""
    """Model that answers; empty stands for the one asked."""


def saying(text: str, **more: Any) -> Script:
    """A script of one choice."""
    usage = more.pop("usage", Usage(input=12, output=7))
    return Script((Choice(text=text, **more),), usage)
