"""An independent reading of a recorded chat completion, JSON or SSE.

Written from the providers' pages and the recordings alone; it shares no line with the hub. Where the contract gives a
word its own meaning (finish reasons, token counts), the rule is the one of the contract's comments.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from tests.wire.failures import failure_of, garbage, in_stream
from tests.wire.neutral import Answer, Choice, Failure, ToolCall, Usage
from tests.wire.recording import Recording
from tests.wire.sse import Event, events

_FINISH = {
    "stop": "STOP",
    "eos": "STOP",
    "eos_token": "STOP",
    "end_turn": "STOP",
    "stop_sequence": "STOP",
    "complete": "STOP",
    "completed": "STOP",
    "length": "LENGTH",
    "max_tokens": "LENGTH",
    "max_output_tokens": "LENGTH",
    "model_length": "LENGTH",
    "tool_calls": "TOOL_CALLS",
    "tool_use": "TOOL_CALLS",
    "function_call": "TOOL_CALLS",
    "content_filter": "CONTENT_FILTER",
    "safety": "CONTENT_FILTER",
    "refusal": "CONTENT_FILTER",
    "pause_turn": "PAUSE",
}

_Object = Mapping[str, Any]


def read(recording: Recording) -> Answer:
    """What the recorded answer says, or how it fails."""
    if recording.status >= 300:
        return Answer(failure=failure_of(recording.status, recording.response_body))
    if _is_stream(recording):
        return _read_stream(events(recording.response_body))
    try:
        body = orjson.loads(recording.response_body)
    except orjson.JSONDecodeError:
        return Answer(failure=garbage())
    return _read_whole(body)


def _is_stream(recording: Recording) -> bool:
    kind = recording.response_headers.get("content-type", "")
    return "event-stream" in kind or (recording.streaming and "json" not in kind)


def _object(value: object) -> _Object:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[_Object]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else 0


# One whole answer.


def _read_whole(body: object) -> Answer:
    fields = _object(body)
    if fields.get("error") and not fields.get("choices"):
        return Answer(failure=in_stream(fields["error"]))
    if not _objects(fields.get("choices")):
        return Answer(failure=garbage())
    answer = Answer()
    _read_head(answer, fields)
    for place, choice in enumerate(_objects(fields["choices"])):
        target = answer.choice(_count(choice.get("index", place)))
        _add_message(target, _object(choice.get("message")))
        _add_end(target, choice)
    _read_tail(answer, fields)
    _settle(answer)
    return answer


def _read_head(answer: Answer, fields: _Object) -> None:
    answer.id = answer.id or _text(fields.get("id"))
    answer.model = answer.model or _text(fields.get("model"))
    answer.created = answer.created or _count(fields.get("created"))
    answer.system_fingerprint = answer.system_fingerprint or _text(fields.get("system_fingerprint"))


def _read_tail(answer: Answer, fields: _Object) -> None:
    answer.service_tier = _text(fields.get("service_tier")) or answer.service_tier
    usage = fields.get("usage") or _object(fields.get("x_groq")).get("usage")
    if isinstance(usage, dict):
        answer.usage = _usage(usage)
        # Mistral tells the tier there.
        answer.service_tier = _text(usage.get("service_tier")) or answer.service_tier
    # Perplexity names the pages it read beside the choices; they are sources of every choice.
    for url in fields.get("citations") or ():
        for choice in answer.choices.values():
            _cite(choice, _text(url))


def _usage(fields: _Object) -> Usage:
    prompt = _object(fields.get("prompt_tokens_details"))
    completion = _object(fields.get("completion_tokens_details"))
    read = _count(fields.get("prompt_tokens"))
    written = _count(fields.get("completion_tokens"))
    beside = _count(fields.get("total_tokens")) - read - written
    if beside > 0 and beside == _count(prompt.get("audio_tokens")):
        # Mistral's prompt_tokens are the text alone: 9 of text and 375 of sound, 201 written, 585 in all.
        read += beside
    elif beside > 0:
        # xAI and Gemini leave reasoning out of completion_tokens and count it in total_tokens alone.
        written += beside
    names = ("prompt_cache_hit_tokens", "cached_tokens", "num_cached_tokens")
    cached = _first_count(prompt.get("cached_tokens"), *(fields.get(name) for name in names))
    reasoning = _first_count(completion.get("reasoning_tokens"), fields.get("reasoning_tokens"))
    # Grok on Azure counts a cached prefix that prompt_tokens leaves out: 314 cached of 208 read.
    read = read + cached if cached > read else read
    return Usage(read, written, read + written, cached, _count(prompt.get("cache_write_tokens")), reasoning)


def _first_count(*values: object) -> int:
    return next((_count(value) for value in values if value is not None), 0)


# One choice.


def _add_message(choice: Choice, message: _Object) -> None:
    """A message or a delta: both carry the same fields, and every one appends."""
    _add_content(choice, message.get("content"))
    _add_reasoning(choice, message)
    choice.refusal += _text(message.get("refusal"))
    choice.images += len(_objects(message.get("images")))
    for note in _objects(message.get("annotations")):
        _cite(choice, _text(_object(note.get("url_citation")).get("url")))
    audio = _object(message.get("audio"))
    choice.transcript += _text(audio.get("transcript"))
    choice.audio += _bytes(_text(audio.get("data")))


def _add_content(choice: Choice, content: object) -> None:
    choice.text += _text(content)
    for part in _objects(content):
        if part.get("type") in ("thinking", "reasoning"):
            choice.reasoning += _joined(part.get("thinking") or part.get("text"))
        else:
            choice.text += _text(part.get("text"))


def _joined(value: object) -> str:
    return _text(value) or "".join(_text(part.get("text")) for part in _objects(value))


def _add_reasoning(choice: Choice, message: _Object) -> None:
    details = _objects(message.get("reasoning_details"))
    told = _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    # Where both are sent, the details repeat the text (openrouter.ai/docs/use-cases/reasoning-tokens).
    choice.reasoning += told or "".join(_text(part.get("text")) or _text(part.get("summary")) for part in details)
    for part in details:
        proof = _text(part.get("signature")) or _text(part.get("data"))
        if proof:
            choice.signatures.append(proof)


def _cite(choice: Choice, url: str) -> None:
    if url and url not in choice.citations:
        choice.citations.append(url)


def _bytes(text: str) -> bytes:
    """Base64 as far as it goes: recordings cut long media."""
    try:
        return base64.b64decode(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""


def _add_end(choice: Choice, fields: _Object) -> None:
    """What a choice holds beside its message: calls of a whole message, logprobs and why it ended."""
    message = _object(fields.get("message"))
    if "delta" not in fields or message.get("tool_calls"):
        choice.tool_calls.extend(_whole_call(call) for call in _objects(message.get("tool_calls")))
        if isinstance(message.get("function_call"), dict):
            choice.tool_calls.append(_whole_call({"function": message["function_call"]}))
    _add_finish(choice, fields)


def _whole_call(fields: _Object) -> ToolCall:
    custom = _object(fields.get("custom"))
    function = _object(fields.get("function"))
    if custom:
        return ToolCall(_text(fields.get("id")), _text(custom.get("name")), _text(custom.get("input")), custom=True)
    arguments = function.get("arguments")
    told = arguments if isinstance(arguments, str) else orjson.dumps(arguments).decode() if arguments else ""
    return ToolCall(_text(fields.get("id")), _text(function.get("name")), told)


def _add_finish(choice: Choice, fields: _Object) -> None:
    choice.logprobs += len(_objects(_object(fields.get("logprobs")).get("content")))
    # gpt-4-vision-preview told finish_details in place of finish_reason.
    word = _text(fields.get("finish_reason")) or _text(_object(fields.get("finish_details")).get("type"))
    if word:
        choice.finish = _FINISH.get(word.lower(), "OTHER")
        choice.native_finish = _text(fields.get("native_finish_reason")) or word


def _settle(answer: Answer) -> None:
    """A natural end with calls for the caller to run is TOOL_CALLS, whatever the provider's word."""
    for choice in answer.choices.values():
        if choice.finish == "STOP" and choice.tool_calls:
            choice.finish = "TOOL_CALLS"


# A stream.


def _read_stream(stream: Iterable[Event]) -> Answer:
    answer = Answer()
    calls = _Calls()
    done = False
    for event in stream:
        if event.data.strip() == "[DONE]":
            done = True
            break
        answer.failure = _read_event(answer, calls, event)
        if answer.failure is not None:
            break
    _settle(answer)
    ended = bool(answer.choices) and all(choice.native_finish for choice in answer.choices.values())
    if answer.failure is None and not done and not ended:
        answer.failure = Failure("UNAVAILABLE")
    return answer


def _read_event(answer: Answer, calls: "_Calls", event: Event) -> Failure | None:
    try:
        chunk = _object(orjson.loads(event.data))
    except orjson.JSONDecodeError:
        return garbage()
    _read_head(answer, chunk)
    for place, fields in enumerate(_objects(chunk.get("choices"))):
        index = _count(fields.get("index", place))
        choice = answer.choice(index)
        delta = _object(fields.get("delta"))
        _add_message(choice, delta)
        for piece in _objects(delta.get("tool_calls")):
            calls.add(choice, index, piece)
        _add_finish(choice, fields)
    _read_tail(answer, chunk)
    if chunk.get("error") or event.name == "error":
        return in_stream(chunk.get("error") or chunk)
    return None


class _Calls:
    """Puts streamed tool calls together: by index, or by a new id where a provider gives every call the same index."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, int], ToolCall] = {}

    def add(self, choice: Choice, index: int, piece: _Object) -> None:
        """Appends one piece to the call it belongs to, or begins a new one."""
        told = piece.get("index")
        place = (index, told if isinstance(told, int) else max(0, len(choice.tool_calls) - 1))
        call = self._open.get(place)
        id_ = _text(piece.get("id"))
        if call is None or (id_ and call.id and id_ != call.id):
            call = ToolCall()
            self._open[place] = call
            choice.tool_calls.append(call)
        whole = _whole_call(piece)
        call.id = call.id or whole.id
        call.name = call.name or whole.name
        call.custom = call.custom or whole.custom
        call.arguments += whole.arguments
