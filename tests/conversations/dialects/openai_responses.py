"""OpenAI's Responses API: https://platform.openai.com/docs/api-reference/responses and its streaming events."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import Dialect, Otherwise, Refused, Reply, StreamReply, dump
from tests.conversations.dialects.openai_chat import DONE, in_pieces
from tests.conversations.dialects.openai_hosts.differences import NO_BREAKPOINT, NO_FILES, NO_TOOL_ERROR, citing
from tests.conversations.dialects.openai_responses_heard import HearsResponses
from tests.conversations.neutral import (
    Chance,
    Choice,
    Citation,
    Heard,
    Script,
    Thought,
    Usage,
)

_CREATED = 1750000000


@dataclass(frozen=True)
class Responses(HearsResponses):
    """OpenAI itself, whole; a host overrides what it does differently."""

    @override
    def tells(self, script: Script) -> Script:
        return replace(script, choices=tuple(self._tells(choice) for choice in script.choices))

    def _tells(self, choice: Choice) -> Choice:
        """Calls have a second id, which must come back; a refusal ends as any answer does."""
        thoughts = choice.thoughts if self.proofs else tuple(Thought(thought.text) for thought in choice.thoughts)
        calls = tuple(replace(call, signature=f"fc_{call.id}") for call in choice.calls)
        finish = "stop" if choice.refusal else choice.finish
        return replace(choice, thoughts=thoughts, calls=calls, stop_sequence="", finish=finish)

    def response(self, script: Script, heard: Heard, status: str, output: list[Any]) -> dict[str, Any]:
        """The object that every answer is, with some of what it repeats of the request."""
        return {
            "id": script.id,
            "object": "response",
            "created_at": _CREATED,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "model": script.model or heard.model,
            "output": output,
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tools": [],
            "usage": None,
        }

    def finished(self, script: Script, heard: Heard) -> dict[str, Any]:
        """The whole answer."""
        [choice] = script.choices
        cut = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(choice.finish)
        told = self.response(script, heard, "incomplete" if cut else "completed", list(self.items(choice)))
        if cut:
            told["incomplete_details"] = {"reason": cut}
        if script.usage:
            told["usage"] = _usage(script.usage)
        return told

    def items(self, choice: Choice) -> Iterator[dict[str, Any]]:
        """The items of an answer, whole."""
        for place, thought in enumerate(choice.thoughts):
            item: dict[str, Any] = {"id": f"rs_{place}", "type": "reasoning", "summary": []}
            item[self.form] = [{"type": self._form_type(), "text": thought.text}]
            if thought.signature:
                item["encrypted_content"] = thought.signature
            yield item
        if choice.text or choice.refusal:
            content = [_refusal(choice.refusal)] if choice.refusal else [_output_text(choice)]
            yield {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}
        for call in choice.calls:
            yield {
                "id": call.signature,
                "type": "function_call",
                "status": "completed",
                "call_id": call.id,
                "name": call.name,
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            }

    def _form_type(self) -> str:
        return "summary_text" if self.form == "summary" else "reasoning_text"

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        return Reply({"Content-Type": "application/json"}, dump(self.finished(script, heard)))

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        pieces = []
        for number, event in enumerate(self.events(script, heard)):
            name = f"event: {event['type']}\n".encode() if self.details else b""
            pieces.append(name + b"data: " + dump({**event, "sequence_number": number}) + b"\n\n")
        return StreamReply({"Content-Type": "text/event-stream"}, pieces)

    def events(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        """Each item begins, comes in pieces and is told whole; the whole answer comes last."""
        begun = self.response(script, heard, "in_progress", [])
        yield {"type": "response.created", "response": begun}
        yield {"type": "response.in_progress", "response": begun}
        [choice] = script.choices
        for index, item in enumerate(self.items(choice)):
            place = {"output_index": index, "item_id": item["id"]}
            yield {"type": "response.output_item.added", "output_index": index, "item": _begun(item)}
            for event in self._pieces(item, choice):
                yield {**event, **place}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}
        done = self.finished(script, heard)
        yield {"type": f"response.{done['status']}", "response": done}

    def _pieces(self, item: dict[str, Any], choice: Choice) -> Iterator[dict[str, Any]]:
        match item["type"]:
            case "reasoning":
                kind = "response.reasoning_summary_text" if self.form == "summary" else "response.reasoning_text"
                number = {"summary_index" if self.form == "summary" else "content_index": 0}
                for part in item[self.form]:
                    for piece in in_pieces(part["text"]):
                        yield {"type": f"{kind}.delta", "delta": piece, **number}
                    yield {"type": f"{kind}.done", "text": part["text"], **number}
            case "function_call":
                for piece in in_pieces(item["arguments"]):
                    yield {"type": "response.function_call_arguments.delta", "delta": piece}
                yield {"type": "response.function_call_arguments.done", "arguments": item["arguments"]}
            case _:
                yield from _message_pieces(item["content"][0], choice)


def _message_pieces(part: dict[str, Any], choice: Choice) -> Iterator[dict[str, Any]]:
    number = {"content_index": 0}
    yield {"type": "response.content_part.added", "part": {**part, "text": ""}, **number}
    if part["type"] == "refusal":
        for piece in in_pieces(part["refusal"]):
            yield {"type": "response.refusal.delta", "delta": piece, **number}
        yield {"type": "response.refusal.done", "refusal": part["refusal"], **number}
        return
    told = [(chance.token, [_chance(chance)]) for chance in choice.logprobs]
    for piece, logprobs in told or [(piece, []) for piece in in_pieces(part["text"])]:
        yield {"type": "response.output_text.delta", "delta": piece, "logprobs": logprobs, "obfuscation": "x", **number}
    for place, note in enumerate(part["annotations"]):
        added = {"type": "response.output_text.annotation.added", "annotation": note, "annotation_index": place}
        yield {**added, **number}
    yield {"type": "response.output_text.done", "text": part["text"], "logprobs": part["logprobs"], **number}
    yield {"type": "response.content_part.done", "part": part, **number}


def _begun(item: dict[str, Any]) -> dict[str, Any]:
    empty = {"content": [], "summary": [], "arguments": "", "encrypted_content": "gAAA"}
    return {**item, **{name: value for name, value in empty.items() if name in item}, "status": "in_progress"}


def _output_text(choice: Choice) -> dict[str, Any]:
    notes = [
        {
            "type": "url_citation",
            "start_index": citation.start,
            "end_index": citation.end,
            "url": citation.url,
            "title": citation.title,
        }
        for citation in choice.citations
    ]
    logprobs = [_chance(chance) for chance in choice.logprobs]
    return {"type": "output_text", "text": choice.text, "annotations": notes, "logprobs": logprobs}


def _refusal(words: str) -> dict[str, Any]:
    return {"type": "refusal", "refusal": words}


def _chance(one: Chance) -> dict[str, Any]:
    tops = [{"token": token, "logprob": value, "bytes": list(token.encode())} for token, value in one.alternatives]
    return {"token": one.token, "logprob": one.logprob, "bytes": list(one.token.encode()), "top_logprobs": tops}


def _usage(usage: Usage) -> dict[str, Any]:
    """Cached tokens are part of the input, reasoning is part of the output."""
    return {
        "input_tokens": usage.input,
        "input_tokens_details": {"cached_tokens": usage.cached, "cache_write_tokens": usage.cache_written},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input + usage.output,
    }


_REFUSED = {
    "stop": Otherwise(refused=Refused("stop")),
    "n": Otherwise(refused=Refused("n")),
}
_COMMON = {**NO_TOOL_ERROR, **_REFUSED, **citing(Citation(start=0, end=5, url="https://example.com/g", title="Gruß"))}
OPENAI = Responses(
    kind="openai",
    instance="openai-responses",
    model="gpt-4.1",
    models={"reasoning": "gpt-5.2", "reasoning replayed": "gpt-5.2", "cache breakpoint": "gpt-5.6"},
    proofs=frozenset({"gpt-5.2", "gpt-5.6"}),
    otherwise=_COMMON,
)
OPENAI_PRO = replace(
    # https://platform.openai.com/docs/models/gpt-5-pro: no chat completions, so that nobody has to choose.
    OPENAI,
    instance="openai-pro",
    options={},
    model="gpt-5.2-pro",
    models={},
    proofs=frozenset({"gpt-5.2-pro"}),
    otherwise={
        **_COMMON,
        **NO_BREAKPOINT,
        "logprobs": Otherwise(refused=Refused("logprobs")),
    },
)
AZURE = replace(
    # https://learn.microsoft.com/azure/ai-foundry/openai/how-to/responses
    OPENAI,
    kind="azure",
    instance="azure-responses",
    base_path="/openai/v1",
    key_header="api-key",
)
DEEPSEEK = replace(
    # https://api-docs.deepseek.com: reasoning in the open, and no name of an event before its data.
    OPENAI,
    kind="deepseek",
    instance="deepseek-responses",
    base_path="",
    model="deepseek-v4-flash",
    models={},
    reads=frozenset(),
    breakpoints=False,
    details=False,
    proofs=frozenset(),
    form="content",
    otherwise={
        **_COMMON,
        **NO_BREAKPOINT,
        **NO_FILES,
        "vision by bytes": Otherwise(refused=Refused("messages[0].content[1].image")),
        "vision by URL": Otherwise(refused=Refused("messages[0].content[1].image")),
        "logprobs": Otherwise(refused=Refused("logprobs")),
    },
)
XAI = replace(
    # https://docs.x.ai/docs/api-reference#create-new-response: grok-4 thinks without being told how.
    OPENAI,
    kind="xai",
    instance="xai-responses",
    model="grok-3-mini",
    models={},
    proofs=frozenset({"grok-3-mini"}),
    breakpoints=False,
    logprobs_switch=True,
    otherwise={**_COMMON, **NO_BREAKPOINT},
)


class OpenRouterResponses(Responses):
    """No name of an event before its data, and [DONE] after the last: https://openrouter.ai/docs/api-reference/responses."""

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        reply = super().stream(script, heard)
        return StreamReply(reply.headers, [b": OPENROUTER PROCESSING\n\n", *reply.pieces, *DONE])


OPENROUTER = OpenRouterResponses(
    kind="openrouter",
    instance="openrouter-responses",
    base_path="/api/v1",
    model="openai/gpt-4.1",
    models={"reasoning": "openai/gpt-5.2", "reasoning replayed": "openai/gpt-5.2"},
    breakpoints=False,
    details=False,
    proofs=frozenset({"openai/gpt-5.2"}),
    otherwise={**_COMMON, **NO_BREAKPOINT, "logprobs": Otherwise(refused=Refused("logprobs"))},
)
ANY = replace(
    # Some server of one's own: no more than what OpenAI had first, and reasoning in the open.
    OPENAI,
    kind="openai-compatible",
    instance="openai-compatible-responses",
    model="model-1",
    models={},
    proofs=frozenset(),
    breakpoints=False,
    otherwise={**_COMMON, **NO_BREAKPOINT},
)
FOUNDRY = replace(AZURE, kind="azure-foundry", instance="azure-foundry-responses")
DIALECTS: tuple[Dialect, ...] = (OPENAI, OPENAI_PRO, AZURE, FOUNDRY, DEEPSEEK, XAI, OPENROUTER, ANY)
