"""An independent reading of a recorded generateContent answer: JSON, events, or an array of chunks.

Written from Google's reference and the recordings alone; it shares no line with the hub.
"""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from tests.wire.failures import failure_of, garbage, in_stream
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording
from tests.wire.sse import events

_Object = Mapping[str, Any]

_FINISH = {
    "STOP": "STOP",
    "MAX_TOKENS": "LENGTH",
    **dict.fromkeys(
        (
            *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR", "IMAGE_SAFETY"),
            *("IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
        ),
        "CONTENT_FILTER",
    ),
}
_NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER"}


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=_failure(recording))
    try:
        chunks = _chunks(recording)
    except orjson.JSONDecodeError:
        return Answer(failure=garbage())
    answer = Answer()
    for chunk in chunks:
        if "error" in chunk:
            answer.failure = in_stream(chunk["error"])
            break
        _add(answer, chunk)
    if not answer.choices and answer.failure is None:
        answer.failure = _blocked(chunks)
    for choice in answer.choices.values():
        if choice.tool_calls and choice.finish == "STOP":
            choice.finish = "TOOL_CALLS"
    return answer


def _failure(recording: Recording) -> Failure:
    failure = failure_of(recording.status, recording.response_body)
    if "token count" in failure.message and "exceeds the maximum" in failure.message:
        return Failure("INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED", failure.message)
    return failure


def _chunks(recording: Recording) -> list[_Object]:
    body = recording.response_body
    if body.lstrip().startswith(b"data:"):
        return [orjson.loads(event.data) for event in events(body)]
    told = orjson.loads(body)
    return told if isinstance(told, list) else [told]


def _blocked(chunks: list[_Object]) -> Failure:
    if any(chunk.get("promptFeedback", {}).get("blockReason") for chunk in chunks):
        return Failure("FAILED_PRECONDITION", "CONTENT_FILTERED")
    return garbage()


def _add(answer: Answer, chunk: _Object) -> None:
    answer.id = answer.id or chunk.get("responseId", "")
    answer.model = answer.model or chunk.get("modelVersion", "").removeprefix("models/")
    if "createTime" in chunk and not answer.created:
        answer.created = int(datetime.fromisoformat(chunk["createTime"].replace("Z", "+00:00")).timestamp())
    for place, candidate in enumerate(chunk.get("candidates") or ()):
        _add_candidate(answer.choice(candidate.get("index", place)), candidate)
    told = chunk.get("usageMetadata") or {}
    tier = told.get("serviceTier") or told.get("trafficType") or ""
    answer.service_tier = tier if isinstance(tier, str) and tier else answer.service_tier
    answer.usage = _usage(told, answer.usage)


def _usage(told: _Object, before: Usage | None) -> Usage | None:
    """Each tells all so far; one without the prompt's tokens leaves the hub to estimate."""
    if "promptTokenCount" not in told:
        return before
    thoughts = told.get("thoughtsTokenCount", 0)
    read_ = told["promptTokenCount"] + told.get("toolUsePromptTokenCount", 0)
    written = told.get("candidatesTokenCount", 0) + thoughts
    return Usage(read_, written, read_ + written, cached=told.get("cachedContentTokenCount", 0), reasoning=thoughts)


def _add_candidate(choice: Choice, candidate: _Object) -> None:
    for part in (candidate.get("content") or {}).get("parts") or ():
        _add_part(choice, part)
    word = candidate.get("finishReason") or ""
    word = _NUMBERS[word] if isinstance(word, int) else word
    if word:
        choice.native_finish, choice.finish = word, _FINISH.get(word, "OTHER")
    choice.logprobs += len((candidate.get("logprobsResult") or {}).get("chosenCandidates") or ())
    grounding = candidate.get("groundingMetadata") or {}
    chunks = grounding.get("groundingChunks") or ()
    # Sources that some words rest on come first, in the order of those words.
    places = [place for one in grounding.get("groundingSupports") or () for place in one["groundingChunkIndices"]]
    for place in [*places, *(place for place in range(len(chunks)) if place not in places)]:
        uri = next(iter(chunks[place].values()))["uri"]
        if uri not in choice.citations:
            choice.citations.append(uri)


def _add_part(choice: Choice, part: _Object) -> None:
    if part.get("thought"):
        choice.reasoning += part.get("text", "")
        if "thoughtSignature" in part:
            choice.signatures.append(part["thoughtSignature"])
    elif "functionCall" in part:
        call = part["functionCall"]
        arguments = orjson.dumps(call.get("args") or {}).decode()
        choice.tool_calls.append(ToolCall(call.get("id", ""), call["name"], arguments))
    elif "inlineData" in part:
        data = base64.b64decode(part["inlineData"]["data"])
        if part["inlineData"]["mimeType"].startswith("image/"):
            choice.images += 1
        else:
            choice.audio += data
    else:
        choice.text += part.get("text", "")
