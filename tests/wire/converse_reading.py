"""An independent reading of Converse: whole answers by botocore's parser, streams by its event-stream buffer."""

import base64
import json
from typing import Any
from urllib.parse import unquote

from botocore.eventstream import EventStreamBuffer

from tests.converse_schema import parsed
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording

_FINISH = {
    "end_turn": "STOP",
    "stop_sequence": "STOP",
    "tool_use": "TOOL_CALLS",
    "max_tokens": "LENGTH",
    "model_context_window_exceeded": "LENGTH",
    "guardrail_intervened": "CONTENT_FILTER",
    "content_filtered": "CONTENT_FILTER",
}
# https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html and the contract's table of causes.
_CREDENTIAL = frozenset({"UnrecognizedClientException", "ExpiredTokenException", "AccessDeniedException"})


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=failure_of(recording))
    if recording.streaming:
        return _read_stream(recording)
    told = parsed("Converse", recording.response_body)
    raw = json.loads(recording.response_body)
    answer = Answer(usage=_usage(told["usage"]), service_tier=told.get("serviceTier", {}).get("type", ""))
    answer.model = model_of(recording)
    choice = answer.choice(0)
    for block, as_sent in zip(told["output"]["message"]["content"], raw["output"]["message"]["content"], strict=True):
        _add(choice, block, as_sent)
    _finish(choice, told["stopReason"])
    return answer


def model_of(recording: Recording) -> str:
    """The model that was asked; answers name none."""
    return unquote(recording.path.split("/")[2])


def failure_of(recording: Recording) -> Failure:
    """By the kind in the header where the recorder kept it, else by status and words."""
    kind = recording.response_headers.get("x-amzn-errortype", "").split(":")[0]
    message = json.loads(recording.response_body).get("message", "")
    words = message.lower()
    if kind in _CREDENTIAL or recording.status == 403:
        return Failure("UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID")
    if "input tokens exceeded" in words:
        return Failure("INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED", message)
    if "model identifier is invalid" in words:
        return Failure("NOT_FOUND", "MODEL_NOT_FOUND", message)
    return Failure("INVALID_ARGUMENT", "PROVIDER_REJECTED_REQUEST", message)


def _usage(told: Any) -> Usage:
    cached, written = told.get("cacheReadInputTokens", 0), told.get("cacheWriteInputTokens", 0)
    read_tokens = told["inputTokens"] + cached + written
    return Usage(read_tokens, told["outputTokens"], read_tokens + told["outputTokens"], cached, written)


def _add(choice: Choice, block: Any, raw: Any) -> None:
    kind, inner = next(iter(block.items()))
    match kind:
        case "text":
            choice.text += inner
        case "reasoningContent":
            text = inner.get("reasoningText", {})
            choice.reasoning += text.get("text", "")
            proof = text.get("signature") or base64.b64encode(inner.get("redactedContent", b"")).decode()
            choice.signatures += [proof] if proof else []
        case "toolUse" if "type" not in inner:
            arguments = json.dumps(raw["toolUse"]["input"], separators=(",", ":"), ensure_ascii=False)
            choice.tool_calls.append(ToolCall(inner["toolUseId"], inner["name"], arguments))
        case "citationsContent":
            choice.text += "".join(piece["text"] for piece in inner.get("content", []))
            for source in inner.get("citations", []):
                _cite(choice, source)
        case _:
            pass


def _cite(choice: Choice, source: Any) -> None:
    url = source.get("location", {}).get("web", {}).get("url") or source.get("source", "")
    if url and url not in choice.citations:
        choice.citations.append(url)


def _finish(choice: Choice, word: str) -> None:
    choice.finish = _FINISH.get(word, "OTHER")
    choice.native_finish = word


def _read_stream(recording: Recording) -> Answer:
    answer = Answer(model=model_of(recording))
    choice = answer.choice(0)
    open_calls: dict[int, ToolCall] = {}
    buffer = EventStreamBuffer()
    buffer.add_data(recording.response_body)
    for event in buffer:
        told = json.loads(event.payload)
        index = told.get("contentBlockIndex", 0)
        match event.headers[":event-type"]:
            case "contentBlockStart" if "type" not in (use := told["start"].get("toolUse", {"type": ""})):
                open_calls[index] = ToolCall(use["toolUseId"], use["name"])
                choice.tool_calls.append(open_calls[index])
            case "contentBlockDelta":
                _add_delta(choice, told["delta"], open_calls.get(index))
            case "messageStop":
                _finish(choice, told["stopReason"])
            case "metadata":
                answer.usage = _usage(told["usage"])
    for call in choice.tool_calls:
        call.arguments = call.arguments or "{}"
    return answer


def _add_delta(choice: Choice, delta: Any, call: ToolCall | None) -> None:
    choice.text += delta.get("text", "")
    thought = delta.get("reasoningContent", {})
    choice.reasoning += thought.get("text", "")
    if proof := thought.get("signature") or thought.get("redactedContent"):
        choice.signatures.append(proof)
    if call is not None and "toolUse" in delta:
        call.arguments += delta["toolUse"]["input"]
    if "citation" in delta:
        _cite(choice, delta["citation"])
