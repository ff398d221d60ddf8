"""Anthropic's Messages API: https://platform.claude.com/docs/en/api/messages and /build-with-claude/streaming."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import KEY, Dialect, NotTaken, Otherwise, Reader, Refused, Reply, Request
from tests.conversations.dialects.base import StreamReply as Streamed
from tests.conversations.dialects.openai_chat import in_pieces
from tests.conversations.neutral import (
    Choice,
    Document,
    Heard,
    Image,
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

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_STOPS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


@dataclass(frozen=True)
class Anthropic(Dialect):
    """Unknown fields are refused, as the API does."""

    most: int = 128_000
    """The model's longest answer: with it as the limit, none was asked for."""
    structured: bool = True
    """The model holds an answer to a schema."""
    budgets: bool = False
    """The model is told a budget to think with, and knows no adaptive thinking."""

    # What is heard

    @override
    def hear(self, request: Request) -> Heard:
        if (request.method, request.path) != ("POST", f"{self.base_path}/v1/messages"):
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("x-api-key") != KEY:
            raise NotTaken("no credential in x-api-key")
        if request.headers.get("anthropic-version") != "2023-06-01":
            raise NotTaken("anthropic-version: header is required")
        body = Reader(request.json)
        limit = body.need("max_tokens", int)
        cached: list[str] = []
        system = _texts(body.take("system", (str, list), []), cached)
        turns = self._turns(body.need("messages", list), cached)
        heard = Heard(
            model=body.need("model", str),
            stream=body.take("stream", bool, False),
            system=system,
            turns=turns,
            cached=tuple(cached),
            tools=tuple(_tool(Reader(tool, "tools")) for tool in body.take("tools", list, [])),
            tool_choice=_choice(body.take("tool_choice", dict)),
            stop=_stops(body.take("stop_sequences", list, [])),
            max_tokens=None if limit == self.most else limit,
        )
        heard = self._hear_thinking(heard, body, limit)
        body.end()
        return heard

    def _hear_thinking(self, heard: Heard, body: Reader, limit: int) -> Heard:
        output = Reader(body.take("output_config", dict, {}), "output_config")
        if (shape := output.take("format", dict)) is not None:
            heard = replace(heard, json_only=True, schema=self._schema(Reader(shape, "output_config.format")))
        effort = output.take("effort", str, "")
        output.end()
        told = body.take("thinking", dict)
        if told is None:
            return heard
        thinking = Reader(told, "thinking")
        thinking.want("type", "enabled" if self.budgets else "adaptive")
        budget = thinking.need("budget_tokens", int) if self.budgets else None
        if budget is not None and not 1024 <= budget < limit:
            raise NotTaken(f"thinking.budget_tokens is {budget} of {limit}")
        reasoning = Reasoning(
            effort=effort, budget=budget, text={"summarized": True, "omitted": False}.get(thinking.take("display", str))
        )
        thinking.end()
        return replace(heard, reasoning=reasoning)

    def _schema(self, shape: Reader) -> Any:
        if not self.structured:
            raise NotTaken("output_config.format: this model does not support structured outputs")
        shape.want("type", "json_schema")
        schema = shape.need("schema", dict)
        shape.end()
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            raise NotTaken("For 'object' type, 'additionalProperties' must be explicitly set to false")
        return schema

    def _turns(self, messages: list[Any], cached: list[str]) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        open_calls: list[str] = []
        for place, told in enumerate(messages):
            message = Reader(told, f"messages[{place}]")
            role = message.need("role", str)
            if role not in ("user", "assistant"):
                raise NotTaken(f"messages[{place}].role is {role!r}")
            content = message.need("content", (str, list))
            message.end()
            if not content:
                raise NotTaken(f"messages[{place}]: content is empty")
            turn = self._turn(role, content, cached)
            answered = [result.call_id for result in turn.results]
            if sorted(answered) != sorted(open_calls):
                raise NotTaken(f"tool_use ids {open_calls} were found without tool_result blocks immediately after")
            open_calls = [call.id for call in turn.calls]
            if turn.results:
                turns.append(Turn("tool", results=turn.results))
                turn = replace(turn, results=())
            if turn != Turn(role):
                turns.append(turn)
        return rounds(turns)

    def _turn(self, role: str, content: str | list[Any], cached: list[str]) -> Turn:
        if isinstance(content, str):
            return Turn(role, (content,))
        turn = Turn(role)
        for told in content:
            block = Reader(told, "content")
            turn = self._block(role, block, turn, cached)
            block.end()
        return turn

    def _block(self, role: str, block: Reader, turn: Turn, cached: list[str]) -> Turn:
        kind = block.need("type", str)
        if kind == "text":
            return replace(turn, texts=(*turn.texts, _text(block, cached)))
        return self._asked(kind, block, turn) if role == "user" else self._said(kind, block, turn)

    def _asked(self, kind: str, block: Reader, turn: Turn) -> Turn:
        match kind:
            case "image":
                return replace(turn, images=(*turn.images, _image(Reader(block.need("source", dict), "source"))))
            case "document":
                source = Reader(block.need("source", dict), "source")
                source.want("type", "base64")
                mime_type, data = source.need("media_type", str), source.need("data", str)
                source.end()
                document = Document(base64.b64decode(data, validate=True), mime_type, block.take("title", str, ""))
                return replace(turn, documents=(*turn.documents, document))
            case "tool_result":
                if turn.texts or turn.images:
                    raise NotTaken("tool_result blocks must come first")
                return replace(turn, results=(*turn.results, _result(block)))
            case _:
                raise NotTaken(f"a {kind!r} block of the user")

    def _said(self, kind: str, block: Reader, turn: Turn) -> Turn:
        match kind:
            case "thinking":
                thought = Thought(block.need("thinking", str), block.need("signature", str))
                if not thought.signature or turn.texts or turn.calls:
                    raise NotTaken("Invalid `signature` in `thinking` block, or the block is out of place")
                return replace(turn, thoughts=(*turn.thoughts, thought))
            case "tool_use":
                call = ToolCall(block.need("id", str), block.need("name", str), block.need("input", dict))
                if not _ID.fullmatch(call.id):
                    raise NotTaken(f"tool_use.id: String should match pattern, is {call.id!r}")
                return replace(turn, calls=(*turn.calls, call))
            case _:
                raise NotTaken(f"a {kind!r} block of the assistant")

    @override
    def conveys(self, heard: Heard) -> Heard:
        # Results are found by the call's id alone.
        turns = (
            replace(turn, results=tuple(replace(result, name="") for result in turn.results)) for turn in heard.turns
        )
        return replace(heard, turns=tuple(turns))

    # What is told

    @override
    def answer(self, script: Script, heard: Heard) -> Reply:
        [choice] = script.choices
        blocks = ",".join(self._blocks(choice, heard))
        head = _dump(self._head(script, heard, choice, self._usage(script.usage or Usage()))).decode()
        return Reply({"Content-Type": "application/json"}, f'{head[:-1]},"content":[{blocks}]}}'.encode())

    def _head(self, script: Script, heard: Heard, choice: Choice | None, usage: dict[str, Any]) -> dict[str, Any]:
        head: dict[str, Any] = {
            "model": script.model or heard.model,
            "id": script.id,
            "type": "message",
            "role": "assistant",
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "usage": usage,
        }
        return {**head, **self._end(choice, heard)} if choice else head

    def _end(self, choice: Choice, heard: Heard) -> dict[str, Any]:
        reason = "stop_sequence" if choice.stop_sequence else _STOPS[choice.finish]
        if _forced(choice, heard):
            reason = "tool_use"
        details = {"type": "refusal", "category": None, "explanation": choice.refusal} if choice.refusal else None
        return {"stop_reason": reason, "stop_sequence": choice.stop_sequence or None, "stop_details": details}

    def _usage(self, usage: Usage) -> dict[str, Any]:
        """Cached tokens are beside those that were read, and thinking is part of what was made."""
        return {
            "input_tokens": usage.input - usage.cached - usage.cache_written,
            "cache_creation_input_tokens": usage.cache_written,
            "cache_read_input_tokens": usage.cached,
            "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": usage.output,
            "output_tokens_details": {"thinking_tokens": usage.reasoning},
            "service_tier": "standard",
        }

    def _blocks(self, choice: Choice, heard: Heard) -> Iterator[str]:
        for thought in choice.thoughts:
            told = {"type": "thinking", "thinking": thought.text, "signature": thought.signature}
            yield _dump(told).decode()
        if name := _forced(choice, heard):
            yield f'{{"type":"tool_use","id":"toolu_1","name":"{name}","input":{choice.text}}}'
        elif choice.text:
            yield _dump({"type": "text", "text": choice.text}).decode()
        for call in choice.calls:
            told = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
            yield _dump({**told, "caller": {"type": "direct"}}).decode()

    @override
    def stream(self, script: Script, heard: Heard) -> Streamed:
        events = [
            f"event: {event['type']}\ndata: ".encode() + _dump(event) + b"\n\n" for event in self._events(script, heard)
        ]
        return Streamed({"Content-Type": "text/event-stream; charset=utf-8"}, events)

    def _events(self, script: Script, heard: Heard) -> Iterator[dict[str, Any]]:
        [choice] = script.choices
        usage = self._usage(script.usage or Usage())
        start = {**usage, "output_tokens": 1}
        del start["output_tokens_details"]
        yield {"type": "message_start", "message": {**self._head(script, heard, None, start), "content": []}}
        yield {"type": "ping"}
        for index, (block, deltas) in enumerate(self._streamed_blocks(choice, heard)):
            yield {"type": "content_block_start", "index": index, "content_block": block}
            for delta in deltas:
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        told = {name: usage[name] for name in ("output_tokens", "output_tokens_details")}
        yield {"type": "message_delta", "delta": self._end(choice, heard), "usage": told}
        yield {"type": "message_stop"}

    def _streamed_blocks(self, choice: Choice, heard: Heard) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
        for thought in choice.thoughts:
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in in_pieces(thought.text)]
            deltas.append({"type": "signature_delta", "signature": thought.signature})
            yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
        if name := _forced(choice, heard):
            yield {"type": "tool_use", "id": "toolu_1", "name": name, "input": {}}, _inputs(choice.text)
        elif choice.text:
            yield (
                {"type": "text", "text": ""},
                [{"type": "text_delta", "text": piece} for piece in in_pieces(choice.text)],
            )
        for call in choice.calls:
            block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
            yield block, _inputs(json.dumps(call.arguments, ensure_ascii=False))

    @override
    def refuse(self, why: str) -> Reply:
        told = {"type": "error", "error": {"type": "invalid_request_error", "message": why}, "request_id": "req_1"}
        return Reply({"Content-Type": "application/json"}, _dump(told), 400)


def _inputs(text: str) -> list[dict[str, Any]]:
    """Pieces of an input; the first is empty."""
    return [{"type": "input_json_delta", "partial_json": piece} for piece in ("", *in_pieces(text))]


def _forced(choice: Choice, heard: Heard) -> str:
    """The tool that a model told to call it calls whatever it has to say; empty where it has a call to make."""
    name = heard.tool_choice.removeprefix("function:")
    return name if name != heard.tool_choice and not choice.calls else ""


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _texts(told: str | list[Any], cached: list[str]) -> tuple[str, ...]:
    if isinstance(told, str):
        return (told,)
    texts = []
    for one in told:
        block = Reader(one, "system")
        block.want("type", "text")
        texts.append(_text(block, cached))
        block.end()
    return tuple(texts)


def _text(block: Reader, cached: list[str]) -> str:
    text = str(block.need("text", str))
    if not text:
        raise NotTaken("text content blocks must be non-empty")
    if (mark := block.take("cache_control", dict)) is not None:
        if mark not in ({"type": "ephemeral"}, {"type": "ephemeral", "ttl": "5m"}, {"type": "ephemeral", "ttl": "1h"}):
            raise NotTaken(f"cache_control is {mark}")
        cached.append(text)
    return text


def _image(source: Reader) -> Image:
    kind = source.need("type", str)
    if kind == "url":
        image = Image(url=source.need("url", str))
    elif kind == "base64":
        image = Image(base64.b64decode(source.need("data", str), validate=True), source.need("media_type", str))
    else:
        raise NotTaken(f"source.type is {kind!r}")
    source.end()
    return image


def _result(block: Reader) -> ToolResult:
    content = block.take("content", (str, list), "")
    text = content if isinstance(content, str) else "".join(_texts(content, []))
    return ToolResult(block.need("tool_use_id", str), text, error=block.take("is_error", bool, False))


def _tool(tool: Reader) -> Tool:
    read = Tool(tool.need("name", str), tool.take("description", str, ""), tool.need("input_schema", dict))
    tool.take("strict", bool)
    tool.end()
    if read.parameters.get("type") != "object":
        raise NotTaken("tools.input_schema.type: Field required")
    return read


def _choice(told: dict[str, Any] | None) -> str:
    if told is None:
        return ""
    choice = Reader(told, "tool_choice")
    kind = choice.need("type", str)
    choice.take("disable_parallel_tool_use", bool)
    heard = f"function:{choice.need('name', str)}" if kind == "tool" else _CHOICES.get(kind, "")
    choice.end()
    if not heard:
        raise NotTaken(f"tool_choice.type is {kind!r}")
    return heard


def _stops(told: list[Any]) -> tuple[str, ...]:
    for one in told:
        if not str(one).strip():
            raise NotTaken("stop_sequences: each stop sequence must contain non-whitespace")
    return tuple(told)


_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_ABOUT = "Gives the answer to the user. Call it once, with the whole answer as its input."

COMMON = {
    # The table's second sequence is two line feeds.
    "stop": Otherwise(refused=Refused("stop[1]")),
    "n": Otherwise(refused=Refused("n")),
    "logprobs": Otherwise(refused=Refused("logprobs")),
}


def _by_tool(heard: Heard) -> Heard:
    tool = Tool("person", _ABOUT, _PERSON)
    return replace(heard, json_only=False, schema=None, tools=(tool,), tool_choice="function:person")


def _by_budget(heard: Heard) -> Heard:
    return replace(heard, reasoning=Reasoning(budget=32_000, text=True))


_BUDGET = Otherwise(emulated="a budget stands for the effort", heard=_by_budget)

DIALECTS: tuple[Dialect, ...] = (
    Anthropic(kind="anthropic", model="claude-opus-4-6", otherwise=COMMON),
    Anthropic(
        kind="anthropic",
        instance="anthropic-older",
        model="claude-sonnet-4-20250514",
        most=64_000,
        structured=False,
        budgets=True,
        otherwise={
            **COMMON,
            "json_schema": Otherwise(emulated="a tool that must be called takes the answer", heard=_by_tool),
            "reasoning": _BUDGET,
            "reasoning replayed": _BUDGET,
        },
    ),
    Anthropic(kind="azure-anthropic", base_path="/anthropic", model="claude-sonnet-5", otherwise=COMMON),
)
