"""What Anthropic's Messages API understands of a request."""

import base64
import re
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import KEY, Dialect, NotTaken, Reader, Request
from tests.conversations.neutral import (
    Document,
    Heard,
    Image,
    Reasoning,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    rounds,
)

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


@dataclass(frozen=True)
class HearsAnthropic(Dialect):
    """Unknown fields are refused, as the API does."""

    most: int = 128_000
    """The model's longest answer: with it as the limit, none was asked for."""
    structured: bool = True
    """The model holds an answer to a schema."""
    budgets: bool = False
    """The model is told a budget to think with, and knows no adaptive thinking."""

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
