"""An independent reading of a recorded answer of Anthropic's Messages API, whole or streamed.

Written from https://platform.claude.com/docs/en/api/messages and /build-with-claude/streaming; it shares no line with
the hub.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from tests.wire.failures import failure_of, garbage, in_stream
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording
from tests.wire.sse import Event, events

_Object = Mapping[str, Any]

_ENDS = {
    "end_turn": "STOP",
    "stop_sequence": "STOP",
    "max_tokens": "LENGTH",
    "model_context_window_exceeded": "LENGTH",
    "tool_use": "TOOL_CALLS",
    "pause_turn": "PAUSE",
    "compaction": "PAUSE",
    "refusal": "CONTENT_FILTER",
}


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
    return _read_whole(body, recording.response_body.decode())


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _read_whole(body: _Object, text: str) -> Answer:
    if body.get("error"):
        return Answer(failure=in_stream(body["error"]))
    answer = Answer(id=body["id"], model=body["model"])
    choice = answer.choice(0)
    for block, source in zip(body["content"], _sources(text), strict=True):
        if block["type"] == "tool_use":
            choice.tool_calls.append(ToolCall(block["id"], block["name"], _input(source)))
        else:
            _add_block(choice, block)
    _add_end(answer, body)
    _add_usage(answer, body["usage"])
    return answer


_SCAN = json.JSONDecoder()
_SPACE_OR_COMMA = re.compile(r"[\s,]*")


def _sources(text: str) -> Iterator[str]:
    """The text of each block, as it stands in the body."""
    found = re.search(r'"content"\s*:\s*\[', text)
    assert found
    at = _skip(text, found.end())
    while text[at] != "]":
        _, end = _SCAN.raw_decode(text, at)
        yield text[at:end]
        at = _skip(text, end)


def _skip(text: str, at: int) -> int:
    found = _SPACE_OR_COMMA.match(text, at)
    return found.end() if found else at


def _input(source: str) -> str:
    found = re.search(r'"input"\s*:\s*', source)
    assert found
    _, end = _SCAN.raw_decode(source, found.end())
    return source[found.end() : end]


def _add_block(choice: Choice, block: _Object) -> None:
    choice.text += block.get("text") or ""
    choice.reasoning += block.get("thinking") or ""
    # Withheld reasoning is nothing but its proof.
    proof = block.get("signature") or (block.get("data") if block["type"] == "redacted_thinking" else "")
    if proof:
        choice.signatures.append(proof)
    for citation in block.get("citations") or ():
        _cite(choice, citation)


def _cite(choice: Choice, citation: _Object) -> None:
    url = citation.get("url") or citation.get("source")
    if url and url not in choice.citations:
        choice.citations.append(url)


def _add_end(answer: Answer, fields: _Object) -> None:
    word = fields.get("stop_reason")
    if not word:
        return
    choice = answer.choice(0)
    choice.finish, choice.native_finish = _ENDS.get(word, "OTHER"), word
    choice.refusal = _object(fields.get("stop_details")).get("explanation") or "" if word == "refusal" else ""


def _add_usage(answer: Answer, fields: _Object) -> None:
    """Counts are totals so far; those of caches stand beside input_tokens."""
    cached = fields.get("cache_read_input_tokens") or 0
    written = fields.get("cache_creation_input_tokens") or 0
    read_ = (fields.get("input_tokens") or 0) + cached + written
    made = fields.get("output_tokens") or 0
    thought = _object(fields.get("output_tokens_details")).get("thinking_tokens") or 0
    answer.service_tier = fields.get("service_tier") or ""
    answer.usage = Usage(read_, made, read_ + made, cached, written, thought)


def _read_stream(stream: Iterable[Event]) -> Answer:
    answer = Answer()
    usage: dict[str, Any] = {}
    calls: dict[int, ToolCall] = {}
    done = False
    for event in stream:
        fields = orjson.loads(event.data)
        if fields["type"] == "error":
            answer.failure = in_stream(fields["error"])
            break
        done = done or fields["type"] == "message_stop"
        _read_event(answer, usage, calls, fields)
    for choice in answer.choices.values():
        for call in choice.tool_calls:
            call.arguments = call.arguments or "{}"
    if usage:
        _add_usage(answer, usage)
    if answer.failure is None and not done:
        answer.failure = Failure("UNAVAILABLE")
    return answer


def _read_event(answer: Answer, usage: dict[str, Any], calls: dict[int, ToolCall], fields: _Object) -> None:
    choice = answer.choice(0)
    match fields["type"]:
        case "message_start":
            answer.id, answer.model = fields["message"]["id"], fields["message"]["model"]
            usage.update(fields["message"]["usage"])
        case "content_block_start":
            block = fields["content_block"]
            if block["type"] == "tool_use":
                calls[fields["index"]] = call = ToolCall(block["id"], block["name"])
                choice.tool_calls.append(call)
            else:
                _add_block(choice, block)
        case "content_block_delta":
            _add_delta(choice, calls.get(fields["index"]), fields["delta"])
        case "message_delta":
            usage.update({name: value for name, value in fields["usage"].items() if value is not None})
            _add_end(answer, fields["delta"])


def _add_delta(choice: Choice, call: ToolCall | None, delta: _Object) -> None:
    match delta["type"]:
        case "text_delta":
            choice.text += delta["text"]
        case "thinking_delta":
            choice.reasoning += delta["thinking"]
        case "signature_delta":
            choice.signatures.append(delta["signature"])
        case "citations_delta":
            _cite(choice, delta["citation"])
        case "input_json_delta" if call is not None:
            call.arguments += delta["partial_json"]
