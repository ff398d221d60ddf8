"""An Answer as OpenAI's JSON: one chat.completion, or the events of a stream.

https://platform.openai.com/docs/api-reference/chat
"""

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import orjson

from server.sandbox.answer import Answer, Choice, SpokenCall
from server.sandbox.logprobs import logprobs
from server.sandbox.request import ChatRequest

CREATED = 1767225600
"""``created`` of everything, 2026-01-01T00:00:00Z: a clock would make equal requests differ."""

_FINGERPRINT = "fp_sandbox_1"
_INNER = {"function": "arguments", "custom": "input"}


def completion(request: ChatRequest, answer: Answer) -> bytes:
    """The whole answer in one object."""
    choices = [
        {
            "index": index,
            "message": _message(choice),
            "logprobs": _logprobs(request, choice.text),
            "finish_reason": choice.finish,
        }
        for index, choice in enumerate(answer.choices)
    ]
    return orjson.dumps(_envelope(request, "chat.completion") | {"choices": choices, "usage": answer.usage()})


def rounds(request: ChatRequest, answer: Answer) -> Iterator[list[bytes]]:
    """The events of the stream. A round holds what belongs together: a token of each choice, each its own event."""
    told = [_choice_events(request, index, choice) for index, choice in enumerate(answer.choices)]
    for events in zip_longest(*told, fillvalue=[]):
        yield [event for choice_events in events for event in choice_events]
    closing = []
    if request.include_usage:
        last = _envelope(request, "chat.completion.chunk") | {"choices": [], "usage": answer.usage()}
        closing.append(_event(last))
    yield [*closing, b"data: [DONE]\n\n"]


def _envelope(request: ChatRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.digest[:32]}",
        "object": kind,
        "created": CREATED,
        "model": request.model,
        "system_fingerprint": _FINGERPRINT,
        "service_tier": "default",
    }


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(choice.text), "refusal": None}
    if choice.reasoning:
        # OpenAI keeps the reasoning to itself; this is DeepSeek's field, which most hosts took over:
        # https://api-docs.deepseek.com/guides/thinking_mode
        message["reasoning_content"] = "".join(choice.reasoning)
    if choice.calls:
        message["content"] = message["content"] or None
        message["tool_calls"] = [_call(call, "".join(call.pieces)) for call in choice.calls]
    return message


def _call(call: SpokenCall, payload: str) -> dict[str, Any]:
    return {"id": call.id, "type": call.kind, call.kind: {"name": call.name, _INNER[call.kind]: payload}}


def _logprobs(request: ChatRequest, text: list[str]) -> dict[str, Any] | None:
    return None if request.top_logprobs is None else logprobs(text, request.top_logprobs)


def _choice_events(request: ChatRequest, index: int, choice: Choice) -> Iterator[list[bytes]]:
    """First who speaks, then a token at a time; the finish reason comes with the last token."""
    envelope = _envelope(request, "chat.completion.chunk")
    if request.include_usage:
        envelope["usage"] = None

    def chunk(delta: dict[str, Any], finish: str | None = None, text: list[str] | None = None) -> bytes:
        probabilities = _logprobs(request, text) if text else None
        chosen = {"index": index, "delta": delta, "logprobs": probabilities, "finish_reason": finish}
        envelope["choices"] = [chosen]
        return _event(envelope)

    waiting = [chunk({"role": "assistant", "content": None if choice.calls else "", "refusal": None})]
    for delta, text in _deltas(choice):
        yield waiting
        waiting = [chunk(delta, text=text)]
    yield [*waiting, chunk({}, choice.finish)]


def _deltas(choice: Choice) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Each delta with the text tokens it has log probabilities for."""
    for token in choice.reasoning:
        yield {"reasoning_content": token}, []
    for token in choice.text:
        yield {"content": token}, [token]
    for position, call in enumerate(choice.calls):
        yield {"tool_calls": [{"index": position} | _call(call, "")]}, []
        for piece in call.pieces:
            yield {"tool_calls": [{"index": position, call.kind: {_INNER[call.kind]: piece}}]}, []


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
