"""OpenAI's chat completions, and every host that speaks them.

https://platform.openai.com/docs/api-reference/chat; what a host does differently, it overrides.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Reply, StreamReply, dump
from tests.conversations.dialects.openai_chat_heard import HearsOpenAIChat
from tests.conversations.neutral import (
    Chance,
    Choice,
    Heard,
    Script,
    Thought,
    ToolCall,
    Usage,
)

_CREATED = 1750000000
_JSON = {"Content-Type": "application/json"}
_EVENTS = {"Content-Type": "text/event-stream"}


@dataclass(frozen=True)
class OpenAIChat(HearsOpenAIChat):
    """OpenAI itself; a host overrides what it does differently."""

    thinks: str = ""
    """Field of an answer's message that holds reasoning."""
    refusals: bool = True
    """A refusal has a field of its own, and the choice ends with ``stop`` all the same."""
    counts: frozenset[str] = frozenset({"cached", "cache_written", "reasoning"})
    """Parts of usage that are told."""
    usage_with_end: bool = False
    """A stream tells usage in the chunk that ends the last choice; elsewhere in one of its own."""
    call_ids: bool = True
    """Calls have ids."""

    @override
    def tells(self, script: Script) -> Script:
        usage = script.usage
        if usage:
            told = {name: getattr(usage, name) for name in self.counts}
            usage = Usage(usage.input, usage.output, **told)
        return replace(script, choices=tuple(self.tells_choice(choice) for choice in script.choices), usage=usage)

    def tells_choice(self, choice: Choice) -> Choice:
        """No proofs, no word on which stop sequence was hit, and a refusal with a field ends as any answer does."""
        choice = replace(choice, thoughts=self.tells_thoughts(choice.thoughts), stop_sequence="")
        if not self.call_ids:
            choice = replace(choice, calls=tuple(replace(call, id="") for call in choice.calls))
        if choice.refusal and self.refusals:
            return replace(choice, finish="stop")
        return replace(choice, text=choice.text or choice.refusal, refusal="")

    def tells_thoughts(self, thoughts: tuple[Thought, ...]) -> tuple[Thought, ...]:
        """Reasoning is plain text, where it is told at all."""
        return tuple(Thought(thought.text) for thought in thoughts) if self.thinks else ()

    def usage(self, usage: Usage) -> dict[str, Any]:
        """Cached tokens are part of the prompt, reasoning is part of the completion."""
        return {
            "prompt_tokens": usage.input,
            "completion_tokens": usage.output,
            "total_tokens": usage.input + usage.output,
            "prompt_tokens_details": {
                "cached_tokens": usage.cached,
                "cache_write_tokens": usage.cache_written,
                "audio_tokens": 0,
            },
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning, "audio_tokens": 0},
        }

    def finish(self, choice: Choice) -> str:
        """The word for the end."""
        return choice.finish

    def thoughts(self, thoughts: tuple[Thought, ...]) -> dict[str, Any]:
        """Fields of a message that hold reasoning."""
        return {self.thinks: "".join(thought.text for thought in thoughts)} if thoughts else {}

    def thought_deltas(self, thought: Thought) -> Iterator[dict[str, Any]]:
        """The same as deltas."""
        for piece in in_pieces(thought.text):
            yield {self.thinks: piece}

    def logprobs(self, chances: Iterable[Chance]) -> Any:
        """Log probabilities of some tokens; None where there are none."""
        content = [
            {
                "token": one.token,
                "logprob": one.logprob,
                "bytes": list(one.token.encode()),
                "top_logprobs": [
                    {"token": token, "logprob": chance, "bytes": list(token.encode())}
                    for token, chance in one.alternatives
                ],
            }
            for one in chances
        ]
        return {"content": content, "refusal": None} if content else None

    def head(self, script: Script, heard: Heard, kind: str) -> dict[str, Any]:
        """What every answer and chunk begins with."""
        return {
            "id": script.id,
            "object": kind,
            "created": _CREATED,
            "model": script.model or heard.model,
            "system_fingerprint": "fp_1",
        }

    def message(self, choice: Choice) -> dict[str, Any]:
        """The message of a whole answer."""
        message: dict[str, Any] = {"role": "assistant", "content": choice.text or None}
        message |= self.thoughts(choice.thoughts)
        if self.refusals:
            message["refusal"] = choice.refusal or None
        if choice.citations:
            message["annotations"] = _annotations(choice)
        if choice.calls:
            message["tool_calls"] = [self.call(call) for call in choice.calls]
        return message

    def call(self, call: ToolCall) -> dict[str, Any]:
        """One call, whole."""
        told: dict[str, Any] = {
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
        }
        return {"id": call.id, **told} if call.id else told

    def call_deltas(self, place: int, call: ToolCall) -> Iterator[dict[str, Any]]:
        """One call in pieces: id and name first, then the arguments."""
        whole = self.call(call)
        arguments = whole["function"]["arguments"]
        whole["function"] = {"name": call.name, "arguments": ""}
        yield {**whole, "index": place}
        for piece in in_pieces(arguments):
            yield {"index": place, "function": {"arguments": piece}}

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        body = self.head(script, heard, "chat.completion")
        body["choices"] = [self.choice(index, choice) for index, choice in enumerate(script.choices)]
        if script.usage:
            body["usage"] = self.usage(script.usage)
        return Reply(_JSON, dump(body))

    def choice(self, index: int, choice: Choice) -> dict[str, Any]:
        """One choice of a whole answer."""
        return {
            "index": index,
            "message": self.message(choice),
            "logprobs": self.logprobs(choice.logprobs),
            "finish_reason": self.finish(choice),
        }

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        return StreamReply(_EVENTS, [b"data: " + dump(chunk) + b"\n\n" for chunk in self.chunks(script, heard)] + DONE)

    def chunks(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        """The deltas of all choices, then usage."""
        head = self.head(script, heard, "chat.completion.chunk")
        told = list(taking_turns([list(self.deltas(choice)) for choice in script.choices]))
        usage = self.usage(script.usage) if script.usage else None
        for choice in told[:-1]:
            yield {**head, "choices": [choice], **self.no_usage()}
        if self.usage_with_end:
            yield {**head, "choices": told[-1:], "usage": usage}
        else:
            yield {**head, "choices": told[-1:], **self.no_usage()}
            if usage:
                yield {**head, "choices": self.last_choices(), "usage": usage}

    def no_usage(self) -> dict[str, Any]:
        """How a chunk says that it has no usage."""
        return {"usage": None}

    def last_choices(self) -> list[dict[str, Any]]:
        """The choices of the chunk that has the usage."""
        return []

    def deltas(self, choice: Choice) -> Iterator[dict[str, Any]]:
        """Elements of ``choices``, without their index."""
        yield self.delta(self.first_delta())
        for thought in choice.thoughts:
            yield from map(self.delta, self.thought_deltas(thought))
        if choice.logprobs:
            for chance in choice.logprobs:
                yield self.delta({"content": chance.token}, logprobs=self.logprobs([chance]))
        else:
            for piece in in_pieces(choice.text):
                yield self.delta({"content": piece})
        for piece in in_pieces(choice.refusal):
            yield self.delta({"refusal": piece})
        for place, call in enumerate(choice.calls):
            for told in self.call_deltas(place, call):
                yield self.delta({"tool_calls": [told]})
        if choice.citations:
            yield self.delta({"annotations": _annotations(choice)})
        yield self.delta(self.last_delta(), finish=self.finish(choice))

    def first_delta(self) -> dict[str, Any]:
        """What a choice begins with."""
        return {"role": "assistant", "content": "", **({"refusal": None} if self.refusals else {})}

    def last_delta(self) -> dict[str, Any]:
        """What the chunk says that ends a choice."""
        return {}

    def delta(self, delta: Mapping[str, Any], finish: str | None = None, logprobs: Any = None) -> dict[str, Any]:
        """One element of ``choices``."""
        return {"delta": dict(delta), "logprobs": logprobs, "finish_reason": finish}


def _annotations(choice: Choice) -> list[dict[str, Any]]:
    """https://platform.openai.com/docs/guides/tools-web-search: what the web search models cite."""
    return [
        {
            "type": "url_citation",
            "url_citation": {"start_index": one.start, "end_index": one.end, "url": one.url, "title": one.title},
        }
        for one in choice.citations
    ]


DONE = [b"data: [DONE]\n\n"]


def in_pieces(text: str, size: int = 6) -> Iterator[str]:
    """The text, a few characters at a time."""
    for at in range(0, len(text), size):
        yield text[at : at + size]


def taking_turns(choices: list[list[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The deltas of all choices, as of a provider that makes them together."""
    for step in range(max(map(len, choices))):
        for index, deltas in enumerate(choices):
            if step < len(deltas):
                yield {"index": index, **deltas[step]}
