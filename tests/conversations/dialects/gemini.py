"""Google's generateContent, as the Gemini API has it: https://ai.google.dev/api/generate-content."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import (
    Dialect,
    Otherwise,
    Refused,
    Reply,
    StreamReply,
)
from tests.conversations.dialects.gemini_heard import HearsGemini
from tests.conversations.neutral import (
    Choice,
    Citation,
    Heard,
    Script,
    ToolCall,
    Usage,
)
from tests.conversations.table import GREETING

_JSON = {"Content-Type": "application/json; charset=UTF-8"}
_EVENTS = {"Content-Type": "text/event-stream"}
_FINISH = {"stop": "STOP", "tool_calls": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"}
_PROOF = "c2lnbmF0dXJlIG9mIGEgY2FsbA=="
_LAST_PROOF = "c2lnbmF0dXJlIG9mIHRoZSBlbmQ="


def _unsaid(heard: Heard) -> Heard:
    return replace(heard, cached=())


def _unnamed(heard: Heard) -> Heard:
    turns = tuple(
        replace(turn, documents=tuple(replace(document, name="") for document in turn.documents))
        for turn in heard.turns
    )
    return replace(heard, turns=turns)


def _titled(heard: Heard) -> Heard:
    return replace(heard, schema={"title": "person", **heard.schema})


def _budgeted(heard: Heard) -> Heard:
    assert heard.reasoning is not None
    return replace(heard, reasoning=replace(heard.reasoning, effort="", budget=24576))


def _cited(script: Script) -> Script:
    """The same answer, with a source for the words in the middle of it."""
    start = GREETING.index("你好")
    source = Citation(start=start, end=start + 2, url="https://example.com/hello", title="Hello")
    [choice] = script.choices
    return replace(script, choices=(replace(choice, citations=(source,)),))


OTHERWISE: Mapping[str, Otherwise] = MappingProxyType(
    {
        "text": Otherwise(told=_cited),
        "document": Otherwise(adjusted=("messages[0].content[1].file.media.filename",), heard=_unnamed),
        "json_schema": Otherwise(emulated="the schema's name is its title", heard=_titled),
        "cache breakpoint": Otherwise(adjusted=("messages[0].content[0].cache_control",), heard=_unsaid),
        "n": Otherwise(refused=Refused("n")),
    }
)
_BEFORE_3: Mapping[str, Otherwise] = MappingProxyType(
    {
        **{name: otherwise for name, otherwise in OTHERWISE.items() if name != "n"},
        **dict.fromkeys(
            ("reasoning", "reasoning replayed"),
            Otherwise(emulated="a high effort is a budget of tokens", heard=_budgeted),
        ),
    }
)


@dataclass(frozen=True)
class Gemini(HearsGemini):
    """The Gemini API whole, with a model of the third generation."""

    otherwise: Mapping[str, Otherwise] = field(default_factory=lambda: OTHERWISE)

    @override
    def tells(self, script: Script) -> Script:
        usage = replace(script.usage, cache_written=0) if script.usage else None
        return replace(script, choices=tuple(map(self._tells_choice, script.choices)), usage=usage)

    def _tells_choice(self, choice: Choice) -> Choice:
        """No words of refusal, no stop sequence, no ids of calls; the first call holds the proof of thought."""
        proofs = [thought.signature for thought in choice.thoughts if thought.signature]
        calls = tuple(replace(call, id="") for call in choice.calls)
        if calls:
            proof = base64.b64encode(proofs[0].encode()).decode() if proofs else _PROOF
            calls = (replace(calls[0], signature=calls[0].signature or proof), *calls[1:])
        thoughts = tuple(replace(thought, signature="") for thought in choice.thoughts)
        return replace(choice, refusal="", stop_sequence="", thoughts=thoughts, calls=calls)

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        candidates = [self._candidate(index, choice) for index, choice in enumerate(script.choices)]
        return Reply(_JSON, _dump({"candidates": candidates, **self._head(script, heard)}))

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        chunks = [{**chunk, **self._head(script, heard)} for chunk in self._chunks(script)]
        return StreamReply(_EVENTS, [b"data: " + _dump(chunk) + b"\r\n\r\n" for chunk in chunks])

    @override
    def refuse(self, why: str) -> Reply:
        return Reply(_JSON, _dump({"error": {"code": 400, "message": why, "status": "INVALID_ARGUMENT"}}), 400)

    def _head(self, script: Script, heard: Heard) -> dict[str, Any]:
        head: dict[str, Any] = {"modelVersion": script.model or heard.model, "responseId": script.id}
        if script.usage:
            head["usageMetadata"] = self._usage(script.usage)
        return head

    def _usage(self, usage: Usage) -> dict[str, Any]:
        counts = {
            "promptTokenCount": usage.input,
            "candidatesTokenCount": usage.output - usage.reasoning,
            "totalTokenCount": usage.input + usage.output,
            "cachedContentTokenCount": usage.cached,
            "thoughtsTokenCount": usage.reasoning,
        }
        # A number that is 0 is left out, as in all of Google's JSON.
        return {name: number for name, number in counts.items() if number} | {"serviceTier": "standard"}

    def _candidate(self, index: int, choice: Choice) -> dict[str, Any]:
        parts = list(self._parts(choice))
        content = {"parts": parts, "role": "model"} if parts else {}
        return {"content": content, **self._end(index, choice)}

    def _end(self, index: int, choice: Choice) -> dict[str, Any]:
        end: dict[str, Any] = {"finishReason": _FINISH[choice.finish], "index": index}
        if choice.citations:
            end["groundingMetadata"] = self._grounding(choice)
        return end | self._chances(choice)

    def _chances(self, choice: Choice) -> dict[str, Any]:
        if not choice.logprobs:
            return {}
        return {
            "logprobsResult": {
                "chosenCandidates": [{"token": one.token, "logProbability": one.logprob} for one in choice.logprobs],
                "topCandidates": [
                    {"candidates": [{"token": token, "logProbability": chance} for token, chance in one.alternatives]}
                    for one in choice.logprobs
                ],
            }
        }

    def _grounding(self, choice: Choice) -> dict[str, Any]:
        """Places are counted in bytes: https://ai.google.dev/api/generate-content#Segment."""
        supports = []
        for place, one in enumerate(choice.citations):
            quoted = choice.text[one.start : one.end]
            start = len(choice.text[: one.start].encode())
            segment = {"startIndex": start, "endIndex": start + len(quoted.encode()), "text": quoted}
            supports.append({"segment": segment, "groundingChunkIndices": [place]})
        chunks = [{"web": {"uri": one.url, "title": one.title}} for one in choice.citations]
        return {"groundingChunks": chunks, "groundingSupports": supports, "webSearchQueries": ["hello"]}

    def _parts(self, choice: Choice) -> Iterator[dict[str, Any]]:
        for thought in choice.thoughts:
            yield {"text": thought.text, "thought": True}
        if choice.text:
            yield {"text": choice.text}
        for call in choice.calls:
            yield self._told_call(call)

    def _told_call(self, call: ToolCall) -> dict[str, Any]:
        told: dict[str, Any] = {"functionCall": {"name": call.name, "args": call.arguments}}
        return {**told, "thoughtSignature": call.signature} if call.signature else told

    def _chunks(self, script: Script) -> Iterator[dict[str, Any]]:
        """The choices take turns; each ends with an empty text that holds its proof."""
        pieces = [list(self._pieces(choice)) for choice in script.choices]
        for step in range(max(map(len, pieces))):
            for index, found in enumerate(pieces):
                if step < len(found):
                    yield _chunk({"content": {"parts": [found[step]], "role": "model"}, "index": index})
        for index, choice in enumerate(script.choices):
            parts = [{"text": "", "thoughtSignature": _LAST_PROOF}] if choice.text and not choice.calls else []
            content = {"parts": parts, "role": "model"} if parts else {}
            yield _chunk({"content": content, **self._end(index, choice)})

    def _pieces(self, choice: Choice) -> Iterator[dict[str, Any]]:
        for part in self._parts(choice):
            if "text" not in part:
                yield part
                continue
            text = part["text"]
            for at in range(0, len(text), 6):
                yield {**part, "text": text[at : at + 6]}


def _chunk(candidate: dict[str, Any]) -> dict[str, Any]:
    return {"candidates": [candidate]}


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


DIALECTS: tuple[Dialect, ...] = (
    Gemini(kind="gemini"),
    Gemini(kind="gemini", instance="gemini-2-5", model="gemini-2.5-flash", otherwise=_BEFORE_3),
)
