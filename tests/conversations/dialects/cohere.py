"""Cohere's chat, version 2: https://docs.cohere.com/reference/chat and …/chat-stream."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import (
    KEY,
    Dialect,
    NotTaken,
    Otherwise,
    Reader,
    Refused,
    Reply,
    Request,
    StreamReply,
    image_at,
)
from tests.conversations.neutral import (
    Chance,
    Choice,
    Citation,
    Document,
    Heard,
    Reasoning,
    Script,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Usage,
    rounds,
)

_JSON = {"Content-Type": "application/json"}
_EVENTS = {"Content-Type": "text/event-stream"}
_FINISH = {"stop": "COMPLETE", "length": "MAX_TOKENS", "tool_calls": "TOOL_CALL"}


@dataclass(frozen=True)
class Cohere(Dialect):
    """The one way there is to speak to it."""

    plans: bool = False
    """Says what it means to do as a tool plan, as models that do not think; else in a block of thinking."""

    # What is heard

    @override
    def hear(self, request: Request) -> Heard:
        if (request.method, request.path) != ("POST", "/v2/chat"):
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotTaken("no api key supplied")
        body = Reader(request.json)
        system, turns = self._messages(body.need("messages", list))
        documents = tuple(_document(Reader(told, "documents")) for told in body.take("documents", list, []))
        heard = Heard(
            model=body.need("model", str),
            stream=body.take("stream", bool, False),
            system=system,
            turns=_with_documents(turns, documents),
            tools=tuple(_tool(Reader(told, "tools")) for told in body.take("tools", list, [])),
            tool_choice=body.take("tool_choice", str, "").lower(),
            reasoning=_reasoning(body.take("thinking", dict)),
            stop=tuple(body.take("stop_sequences", list, [])),
            max_tokens=body.take("max_tokens", int),
            logprobs=0 if body.take("logprobs", bool) else None,
        )
        if (shape := body.take("response_format", dict)) is not None:
            if heard.tools or documents:
                raise NotTaken("response_format is not supported with tools or documents")
            form = Reader(shape, "response_format")
            form.want("type", "json_object")
            heard = replace(heard, json_only=True, schema=form.take("json_schema", dict))
            form.end()
        body.end()
        return heard

    def _messages(self, messages: list[Any]) -> tuple[tuple[str, ...], tuple[Turn, ...]]:
        system: list[str] = []
        turns: list[Turn] = []
        for place, told in enumerate(messages):
            message = Reader(told, f"messages[{place}]")
            match message.need("role", str):
                case "system":
                    system += _content(message, "user").texts
                case "user":
                    turns.append(_content(message, "user"))
                case "assistant":
                    turns.append(_assistant(message))
                case "tool":
                    call_id = message.need("tool_call_id", str)
                    text = "".join(_content(message, "tool").texts)
                    turns.append(Turn("tool", results=(ToolResult(call_id, text),)))
                case role:
                    raise NotTaken(f"messages[{place}].role is {role!r}")
            message.end()
        return tuple(system), rounds(turns)

    @override
    def conveys(self, heard: Heard) -> Heard:
        # Results are found by the call's id alone, and reasoning is on or off.
        turns = tuple(
            replace(turn, results=tuple(replace(result, name="") for result in turn.results)) for turn in heard.turns
        )
        reasoning = Reasoning(on=True) if heard.reasoning else None
        return replace(heard, turns=turns, reasoning=reasoning)

    # What is told

    @override
    def tells(self, script: Script) -> Script:
        usage = script.usage and replace(script.usage, cache_written=0)
        return replace(script, choices=tuple(map(self._tells, script.choices)), usage=usage)

    def _tells(self, choice: Choice) -> Choice:
        """No proofs of thoughts, no alternatives, and a refusal is what it says."""
        return replace(
            choice,
            text=choice.text or choice.refusal,
            refusal="",
            finish="stop" if choice.refusal else choice.finish,
            thoughts=tuple(Thought(thought.text) for thought in choice.thoughts),
            stop_sequence="",
            logprobs=tuple(replace(chance, alternatives=()) for chance in choice.logprobs),
        )

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        [choice] = script.choices
        message: dict[str, Any] = {"role": "assistant"}
        content = [] if self.plans else [{"type": "thinking", "thinking": one.text} for one in choice.thoughts]
        if choice.text:
            content.append({"type": "text", "text": choice.text})
        if self.plans and choice.thoughts:
            message["tool_plan"] = "".join(one.text for one in choice.thoughts)
        if choice.calls:
            message["tool_calls"] = [_call(call) for call in choice.calls]
        if content:
            message["content"] = content
        if choice.citations:
            message["citations"] = [_citation(one, len(content) - 1) for one in choice.citations]
        body: dict[str, Any] = {"id": script.id, "message": message, "finish_reason": _finish(choice)}
        if script.usage:
            body["usage"] = _usage(script.usage)
        if choice.logprobs:
            body["logprobs"] = [_chance(one) for one in choice.logprobs]
        return Reply(_JSON, json.dumps(body, ensure_ascii=False).encode())

    @override
    def stream(self, script: Script, heard: Heard) -> StreamReply:
        events = [
            f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
            for event in self._events(script)
        ]
        return StreamReply(_EVENTS, [*events, b"data: [DONE]\n\n"])

    def _events(self, script: Script) -> Iterator[dict[str, Any]]:
        [choice] = script.choices
        empty = {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
        yield {"id": script.id, "type": "message-start", "delta": {"message": empty}}
        index = 0
        for thought in choice.thoughts:
            if self.plans:
                for piece in _pieces(thought.text):
                    yield {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": piece}}}
                continue
            yield from _block(index, "thinking", ((piece, None) for piece in _pieces(thought.text)))
            index += 1
        told: Any = [(one.token, one) for one in choice.logprobs] or [(piece, None) for piece in _pieces(choice.text)]
        if told:
            yield from _block(index, "text", told, [_citation(one, index) for one in choice.citations])
        for place, call in enumerate(choice.calls):
            yield from _call_events(place, call)
        end: dict[str, Any] = {"finish_reason": _finish(choice)}
        if script.usage:
            end["usage"] = _usage(script.usage)
        yield {"type": "message-end", "delta": end}

    @override
    def refuse(self, why: str) -> Reply:
        return Reply(_JSON, json.dumps({"id": "error-1", "message": why}).encode(), 400)


# How a request is read.


def _content(message: Reader, role: str) -> Turn:
    content = message.need("content", (str, list))
    if isinstance(content, str):
        return Turn(role, (content,))
    turn = Turn(role)
    for told in content:
        part = Reader(told, "content")
        match part.need("type", str):
            case "text":
                turn = replace(turn, texts=(*turn.texts, part.need("text", str)))
            case "thinking":
                turn = replace(turn, thoughts=(*turn.thoughts, Thought(part.need("thinking", str))))
            case "image_url":
                url = Reader(part.need("image_url", dict), "image_url").need("url", str)
                turn = replace(turn, images=(*turn.images, image_at(url)))
            case kind:
                raise NotTaken(f"a part of type {kind!r}")
        part.end()
    return turn


def _assistant(message: Reader) -> Turn:
    plan = message.take("tool_plan", str, "")
    calls = tuple(_heard_call(Reader(call, "tool_calls")) for call in message.take("tool_calls", list, []))
    content = message.take("content", (str, list))
    turn = Turn("assistant") if content is None else _content(Reader({"content": content}), "assistant")
    if content is None and not calls:
        raise NotTaken("an assistant message without content and calls")
    return replace(turn, thoughts=(*((Thought(plan),) if plan else ()), *turn.thoughts), calls=calls)


def _heard_call(call: Reader) -> ToolCall:
    call.want("type", "function")
    function = Reader(call.need("function", dict), "tool_calls.function")
    read = ToolCall(call.need("id", str), function.need("name", str), json.loads(function.need("arguments", str)))
    function.end()
    call.end()
    return read


def _tool(tool: Reader) -> Tool:
    tool.want("type", "function")
    function = Reader(tool.need("function", dict), "tools.function")
    tool.end()
    read = Tool(function.need("name", str), function.take("description", str, ""), function.need("parameters", dict))
    function.end()
    return read


def _reasoning(told: Any) -> Reasoning | None:
    if told is None:
        return None
    thinking = Reader(told, "thinking")
    read = Reasoning(on=thinking.need("type", str) == "enabled", budget=thinking.take("token_budget", int))
    thinking.end()
    return read


def _document(told: Reader) -> Document:
    told.need("id", str)
    data = Reader(told.need("data", dict), "documents.data")
    told.end()
    read = Document(data.need("text", str).encode(), "text/plain", data.take("title", str, ""))
    data.end()
    return read


def _with_documents(turns: tuple[Turn, ...], documents: tuple[Document, ...]) -> tuple[Turn, ...]:
    """Documents stand beside the conversation; here they are the last user's."""
    if not documents:
        return turns
    last = max(place for place, turn in enumerate(turns) if turn.role == "user")
    return (*turns[:last], replace(turns[last], documents=documents), *turns[last + 1 :])


# How an answer is written.


def _finish(choice: Choice) -> str:
    return _FINISH[choice.finish]


def _usage(usage: Usage) -> dict[str, Any]:
    return {
        "billed_units": {"input_tokens": 3, "output_tokens": usage.output},
        "tokens": {
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "reasoning_tokens": usage.reasoning,
        },
        "cached_tokens": usage.cached,
    }


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chance(chance: Chance) -> dict[str, Any]:
    return {"text": chance.token, "token_ids": [7], "logprobs": [chance.logprob]}


def _citation(citation: Citation, block: int) -> dict[str, Any]:
    document = {"id": f"doc:{citation.document}", "text": "x", "title": citation.title, "url": citation.url}
    source = {"type": "document", "id": document["id"], "document": document}
    return {
        "start": citation.start, "end": citation.end, "text": "x", "sources": [source], "type": "TEXT_CONTENT",
        "content_index": block,
    }  # fmt: skip


def _pieces(text: str) -> Iterator[str]:
    for at in range(0, len(text), 5):
        yield text[at : at + 5]


def _block(index: int, kind: str, told: Any, citations: list[dict[str, Any]] | None = None) -> Iterator[dict[str, Any]]:
    start = {"message": {"content": {"type": kind, kind: ""}}}
    yield {"type": "content-start", "index": index, "delta": start}
    for piece, chance in told:
        event = {"type": "content-delta", "index": index, "delta": {"message": {"content": {kind: piece}}}}
        yield {**event, "logprobs": _chance(chance)} if chance else event
    for place, citation in enumerate(citations or ()):
        yield {"type": "citation-start", "index": place, "delta": {"message": {"citations": citation}}}
        yield {"type": "citation-end", "index": place}
    yield {"type": "content-end", "index": index}


def _call_events(place: int, call: ToolCall) -> Iterator[dict[str, Any]]:
    whole = _call(call)
    arguments = whole["function"]["arguments"]
    whole["function"] = {"name": call.name, "arguments": ""}
    yield {"type": "tool-call-start", "index": place, "delta": {"message": {"tool_calls": whole}}}
    for piece in _pieces(arguments):
        told = {"message": {"tool_calls": {"function": {"arguments": piece}}}}
        yield {"type": "tool-call-delta", "index": place, "delta": told}
    yield {"type": "tool-call-end", "index": place}


# What goes otherwise.


def _without_errors(heard: Heard) -> Heard:
    turns = (
        replace(turn, results=tuple(replace(result, error=False) for result in turn.results)) for turn in heard.turns
    )
    return replace(heard, turns=tuple(turns))


def _titled(heard: Heard) -> Heard:
    return replace(heard, schema={"title": "person", **heard.schema})


_CITED = (Citation(start=0, end=5, url="https://example.com/gruss", title="Gruß"),)

COHERE = Cohere(
    kind="cohere",
    model="command-a-plus-05-2026",
    otherwise={
        "text": Otherwise(
            told=lambda script: replace(
                script, choices=tuple(replace(choice, citations=_CITED) for choice in script.choices)
            )
        ),
        "document": Otherwise(refused=Refused("messages[0].content[1].file.media.mime_type")),
        # A failed tool looks like any other.
        "parallel tools answered": Otherwise(adjusted=("messages[3].tool_error",), heard=_without_errors),
        "forced tool": Otherwise(
            emulated="the tool that must be called is the only one, and one must be called",
            heard=lambda heard: replace(heard, tool_choice="required"),
        ),
        "json_schema": Otherwise(emulated="the name of a schema is its title", heard=_titled),
        "n": Otherwise(refused=Refused("n")),
        "logprobs": Otherwise(refused=Refused("top_logprobs")),
        "cache breakpoint": Otherwise(
            adjusted=("messages[0].content[0].cache_control",), heard=lambda heard: replace(heard, cached=())
        ),
    },
)
PLANNING = replace(
    COHERE,
    instance="cohere-planning",
    model="command-a-03-2025",
    plans=True,
    otherwise={
        **COHERE.otherwise,
        "reasoning": Otherwise(adjusted=("reasoning",), heard=lambda heard: replace(heard, reasoning=None)),
        "reasoning replayed": Otherwise(adjusted=("reasoning",), heard=lambda heard: replace(heard, reasoning=None)),
    },
)

DIALECTS: tuple[Dialect, ...] = (COHERE, PLANNING)
