"""An independent reading of a recorded answer of Cohere's /v2/chat, from docs.cohere.com and the recordings alone."""

from typing import Any

import orjson

from tests.wire.failures import failure_of, garbage
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording
from tests.wire.sse import events

_FINISH = {"COMPLETE": "STOP", "STOP_SEQUENCE": "STOP", "MAX_TOKENS": "LENGTH", "TOOL_CALL": "TOOL_CALLS"}


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=failure_of(recording.status, recording.response_body))
    asked = recording.request.get("model") if isinstance(recording.request, dict) else None
    # The answer does not name its model: the hub says which one was asked.
    model = asked or recording.model or "model"
    if recording.streaming:
        return _streamed(recording, model)
    try:
        body = orjson.loads(recording.response_body)
    except orjson.JSONDecodeError:
        return Answer(failure=garbage())
    answer = Answer(id=body["id"], model=model)
    choice = answer.choice(0)
    message = body["message"]
    choice.reasoning += message.get("tool_plan") or ""
    for block in message.get("content") or ():
        choice.reasoning += block.get("thinking") or ""
        choice.text += block.get("text") or ""
    for call in message.get("tool_calls") or ():
        choice.tool_calls.append(ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"]))
    for citation in message.get("citations") or ():
        _cite(choice, citation)
    _end(answer, body.get("finish_reason"), body.get("usage"))
    return answer


def _streamed(recording: Recording, model: str) -> Answer:
    answer = Answer(model=model, failure=Failure("UNAVAILABLE"))
    for event in events(recording.response_body):
        if event.data.strip() == "[DONE]":
            break
        told = orjson.loads(event.data)
        delta = told.get("delta") or {}
        message = delta.get("message") or {}
        choice = answer.choice(0)
        match told["type"]:
            case "message-start":
                answer.id = told["id"]
            case "content-delta":
                choice.reasoning += message["content"].get("thinking") or ""
                choice.text += message["content"].get("text") or ""
            case "tool-plan-delta":
                choice.reasoning += message["tool_plan"]
            case "tool-call-start":
                call = message["tool_calls"]
                choice.tool_calls.append(ToolCall(call["id"], call["function"]["name"], call["function"]["arguments"]))
            case "tool-call-delta":
                choice.tool_calls[told["index"]].arguments += message["tool_calls"]["function"]["arguments"]
            case "citation-start":
                _cite(choice, message["citations"])
            case "message-end":
                answer.failure = None
                _end(answer, delta.get("finish_reason"), delta.get("usage"))
            case _:
                pass
    return answer


def _cite(choice: Choice, citation: Any) -> None:
    for source in citation.get("sources") or ():
        url = (source.get("document") or source.get("tool_output") or {}).get("url")
        if url and url not in choice.citations:
            choice.citations.append(url)


def _end(answer: Answer, reason: Any, usage: Any) -> None:
    choice = answer.choice(0)
    choice.native_finish = reason or ""
    choice.finish = _FINISH.get(choice.native_finish, "OTHER") if reason else "UNSPECIFIED"
    if choice.finish == "STOP" and choice.tool_calls:
        choice.finish = "TOOL_CALLS"
    tokens = (usage or {}).get("tokens") or (usage or {}).get("billed_units")
    if tokens:
        # An image's tokens stand beside those of the text: 34 of text and 259 of an image, billed as 8 and 259.
        read, written = tokens.get("input_tokens", 0) + tokens.get("image_tokens", 0), tokens.get("output_tokens", 0)
        cached = usage.get("cached_tokens") or 0
        answer.usage = Usage(read, written, read + written, cached, 0, tokens.get("reasoning_tokens", 0))
