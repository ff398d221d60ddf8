"""An independent reading of a recorded response, JSON or SSE.

Written from OpenAI's reference and the recordings alone; it shares no line with the hub.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tests.wire.failures import failure_of, garbage, in_stream
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording
from tests.wire.sse import Event, events

_Object = Mapping[str, Any]

_ENDS = {"completed": "STOP", "complete": "STOP", "max_output_tokens": "LENGTH", "content_filter": "CONTENT_FILTER"}
_ASKING = ("local_shell_call", "computer_call", "mcp_approval_request", "apply_patch_call", "shell_call")


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=failure_of(recording.status, recording.response_body))
    if recording.streaming:
        return _read_stream(events(recording.response_body))
    try:
        body = orjson.loads(recording.response_body)
    except orjson.JSONDecodeError:
        return Answer(failure=garbage())
    return _read_whole(body)


def _read_whole(body: _Object) -> Answer:
    if body.get("error"):
        return Answer(failure=in_stream(body["error"]))
    if body.get("status") in ("queued", "in_progress"):
        # The hub's caller waits for the answer: one that comes later is none.
        return Answer(failure=garbage())
    answer = Answer()
    _head(answer, body)
    _output(answer.choice(0), body["output"])
    _end(answer, body)
    return answer


def _head(answer: Answer, body: _Object) -> None:
    answer.id = answer.id or body.get("id") or ""
    answer.model = answer.model or body.get("model") or ""
    answer.created = answer.created or int(body.get("created_at") or 0)


def _end(answer: Answer, body: _Object) -> None:
    choice = answer.choice(0)
    choice.native_finish = (body.get("incomplete_details") or {}).get("reason") or body.get("status") or ""
    choice.finish = _ENDS.get(choice.native_finish, "OTHER")
    asks = any(item.get("type") in _ASKING or _searches_here(item) for item in body.get("output") or ())
    if choice.finish == "STOP" and (choice.tool_calls or asks):
        choice.finish = "TOOL_CALLS"
    answer.service_tier = body.get("service_tier") or ""
    usage = body.get("usage")
    # A usage of no tokens at all counts as none told: an answer costs something.
    if usage and usage["input_tokens"] + usage["output_tokens"]:
        read, written = usage["input_tokens"], usage["output_tokens"]
        cached = usage.get("input_tokens_details") or {}
        thought = usage.get("output_tokens_details") or {}
        answer.usage = Usage(
            read,
            written,
            read + written,
            cached.get("cached_tokens") or 0,
            cached.get("cache_write_tokens") or 0,
            thought.get("reasoning_tokens") or 0,
        )


def _searches_here(item: _Object) -> bool:
    return item.get("type") == "tool_search_call" and item.get("execution") == "client"


def _output(choice: Choice, items: Iterable[_Object]) -> None:
    for item in items:
        kind = item.get("type")
        if kind == "message":
            _message(choice, item)
        elif kind == "reasoning":
            for part in (item.get("content") or []) + (item.get("summary") or []):
                choice.reasoning += part["text"]
            if item.get("encrypted_content"):
                choice.signatures.append(item["encrypted_content"])
        elif kind == "function_call":
            choice.tool_calls.append(ToolCall(item["call_id"], item["name"], item["arguments"]))
        elif kind == "custom_tool_call":
            choice.tool_calls.append(ToolCall(item["call_id"], item["name"], item["input"], custom=True))
        elif kind == "image_generation_call" and item.get("result"):
            choice.images += 1


def _message(choice: Choice, item: _Object) -> None:
    for part in item.get("content") or ():
        choice.text += part.get("text") or ""
        choice.refusal += part.get("refusal") or ""
        choice.logprobs += len(part.get("logprobs") or ())
        for note in part.get("annotations") or ():
            if note.get("url") and note["url"] not in choice.citations:
                choice.citations.append(note["url"])


def _read_stream(stream: Iterable[Event]) -> Answer:
    """Items count when they are done; what came in pieces until then must add up to the same."""
    answer = Answer()
    done: list[_Object] = []
    for event in stream:
        if event.data.strip() == "[DONE]":
            break
        fields = orjson.loads(event.data)
        kind = fields.get("type")
        if kind == "error":
            answer.failure = in_stream(fields.get("error") or fields)
            return answer
        if kind == "response.output_item.done":
            done.append(fields["item"])
        response = fields.get("response") or {}
        _head(answer, response)
        if kind in ("response.completed", "response.incomplete"):
            _output(answer.choice(0), done or response.get("output") or ())
            _end(answer, response)
            return answer
        if kind == "response.failed":
            answer.failure = in_stream(response.get("error"))
            return answer
    answer.failure = Failure("UNAVAILABLE")
    return answer
