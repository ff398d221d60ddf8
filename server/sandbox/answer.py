"""From what a model wants to say to what it gets to say: stop sequences, the token limit, the finish reason, usage.

Unary and streamed answers are both written from an Answer, so they cannot differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from server.sandbox import tokens
from server.sandbox.request import ChatRequest

_MEDIA_TOKENS = 85  # of an image, sound or file in the prompt: a round number, whatever its size


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call; ``payload`` is the arguments of a function, the input of a custom tool."""

    kind: str
    name: str
    payload: str


@dataclass(frozen=True, slots=True)
class Draft:
    """All that a model would say of one choice."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[ToolCall, ...] = ()
    pace: float = 0.0
    """Seconds a token takes."""


Model = Callable[[ChatRequest, int], Draft]
"""What a model says to a request, for the choice of that index. The same arguments, the same draft."""


@dataclass(frozen=True, slots=True)
class SpokenCall:
    """A call as far as the token limit let it be told."""

    id: str
    kind: str
    name: str
    pieces: list[str]

    @property
    def tokens(self) -> int:
        """What it costs: its name and its payload."""
        return tokens.count(self.name) + len(self.pieces)


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice, in tokens."""

    reasoning: list[str]
    text: list[str]
    calls: tuple[SpokenCall, ...]
    finish: str

    @property
    def tokens(self) -> int:
        """How many tokens were generated."""
        return len(self.reasoning) + len(self.text) + sum(call.tokens for call in self.calls)


@dataclass(frozen=True, slots=True)
class Answer:
    """All choices, and what the prompt cost."""

    choices: tuple[Choice, ...]
    prompt_tokens: int
    pace: float = 0.0

    def usage(self) -> dict[str, Any]:
        """OpenAI's usage object, every number counted."""
        completion = sum(choice.tokens for choice in self.choices)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": sum(len(choice.reasoning) for choice in self.choices),
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def answer(request: ChatRequest, model: Model) -> Answer:
    """Everything ``model`` answers to ``request``."""
    drafts = [model(request, index) for index in range(request.n)]
    choices = tuple(_choice(request, index, draft) for index, draft in enumerate(drafts))
    return Answer(choices, prompt_tokens(request), max(draft.pace for draft in drafts))


def prompt_tokens(request: ChatRequest) -> int:
    """One token a message for its role, the tokens of all its texts, 85 for other media, and the tools' JSON."""
    total = sum(tool.tokens for tool in request.tools)
    for message in request.messages:
        total += 1 + tokens.count(message.name)
        total += sum(tokens.count(call.name) + tokens.count(call.payload) for call in message.calls)
        for part in message.parts:
            total += tokens.count(part.text) if part.kind in {"text", "refusal"} else _MEDIA_TOKENS
    return total


def _choice(request: ChatRequest, index: int, draft: Draft) -> Choice:
    left = _Allowance(request.max_tokens)
    reasoning = left.take(tokens.split(draft.reasoning))
    text = left.take(tokens.split(_until_stop(draft.text, request.stop)))
    calls: list[SpokenCall] = []
    for position, call in enumerate(draft.calls):
        if not left.pay(tokens.count(call.name)):
            break
        pieces = left.take(tokens.split(call.payload))
        calls.append(SpokenCall(_call_id(request, index, position), call.kind, call.name, pieces))
    finish = "length" if left.short else "tool_calls" if calls else "stop"
    return Choice(reasoning, text, tuple(calls), finish)


def _until_stop(text: str, stops: tuple[str, ...]) -> str:
    ends = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text


def _call_id(request: ChatRequest, index: int, position: int) -> str:
    seed = f"{request.digest}/{index}/{position}".encode()
    return f"call_{blake2b(seed, digest_size=12).hexdigest()}"


class _Allowance:
    """How many tokens a choice may still have; ``short`` once it would have had more."""

    def __init__(self, limit: int | None) -> None:
        self._left = limit
        self.short = False

    def take(self, wanted: list[str]) -> list[str]:
        """As many as are allowed."""
        if self._left is None:
            return wanted
        taken = wanted[: self._left]
        self._left -= len(taken)
        self.short = self.short or len(taken) < len(wanted)
        return taken

    def pay(self, cost: int) -> bool:
        """Takes ``cost`` tokens, or none of them."""
        if self._left is None:
            return True
        if self._left < cost:
            self._left = 0
            self.short = True
            return False
        self._left -= cost
        return True
