"""What a host of OpenAI's chat completions understands of a request."""

import json
from dataclasses import dataclass, replace
from typing import Any

from typing_extensions import override

from tests.conversations.dialects.base import KEY, Dialect, NotTaken, Reader, Request, data_url, image_at
from tests.conversations.neutral import (
    Document,
    Heard,
    Reasoning,
    Thought,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    rounds,
)


@dataclass(frozen=True)
class HearsOpenAIChat(Dialect):
    """OpenAI itself, as far as requests go; a host overrides what it takes differently."""

    base_path: str = "/v1"
    path: str = "/chat/completions"
    """``{model}`` in it stands for the model."""
    key_header: str = "authorization"
    limits: frozenset[str] = frozenset({"max_completion_tokens"})
    """Names of the token limit that it takes."""
    takes: frozenset[str] = frozenset({"n", "logprobs", "response_format", "tools", "stop"})
    """Parameters it knows beyond model, messages, the limit and how to stream."""
    reads: frozenset[str] = frozenset({"image"})
    """Input besides text: image, file."""
    breakpoints: bool = False
    """Cached prefixes end where ``prompt_cache_breakpoint`` says."""
    usage_asked: bool = True
    """A stream tells usage where ``stream_options`` asks for it; elsewhere it does so unasked."""
    schemas: bool = True
    """Holds answers to a schema. Elsewhere JSON mode is all there is, and the model can read a schema in its prompt."""
    takes_thoughts: str = ""
    """Field of an assistant message that takes reasoning back."""

    @override
    def hear(self, request: Request) -> Heard:
        path = self.path.replace("{model}", str(request.json.get("model")))
        if (request.method, request.path) != ("POST", f"{self.base_path}{path}"):
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("content-type") != "application/json":
            raise NotTaken(f"content-type is {request.headers.get('content-type')}")
        self.check_key(request)
        body = Reader(request.json)
        system, turns, cached = self._messages(body.need("messages", list))
        heard = Heard(
            model=body.need("model", str),
            stream=self.hear_stream(body),
            system=system,
            turns=turns,
            cached=cached,
            max_tokens=self._limit(body),
            reasoning=self.hear_reasoning(body),
        )
        heard = self._hear_parameters(heard, body)
        body.end()
        return heard if self.schemas or not heard.json_only else _schema_in_prompt(heard)

    def check_key(self, request: Request) -> None:
        """The credential must be where the vendor looks for it."""
        expected = f"Bearer {KEY}" if self.key_header == "authorization" else KEY
        if request.headers.get(self.key_header) != expected:
            raise NotTaken(f"no credential in {self.key_header}")

    def hear_stream(self, body: Reader) -> bool:
        """Whether a stream is wanted; OpenAI tells usage in one only where asked to."""
        stream: bool = body.take("stream", bool, False)
        if self.usage_asked:
            options = body.take("stream_options", dict)
            if stream != (options == {"include_usage": True}):
                raise NotTaken(f"stream is {stream}, stream_options {options}")
        return stream

    def hear_reasoning(self, body: Reader) -> Reasoning | None:
        """``reasoning_effort`` is all there is."""
        effort = body.take("reasoning_effort", str)
        return Reasoning(effort=effort) if effort else None

    def hear_thoughts(self, message: Reader) -> tuple[Thought, ...]:
        """Reasoning that comes back in an assistant message."""
        text = message.take(self.takes_thoughts, str) if self.takes_thoughts else None
        return (Thought(text),) if text else ()

    def _limit(self, body: Reader) -> int | None:
        for name in sorted(self.limits):
            if (limit := body.take(name, int)) is not None:
                return int(limit)
        return None

    def _hear_parameters(self, heard: Heard, body: Reader) -> Heard:
        if "n" in self.takes:
            heard = replace(heard, n=body.take("n", int))
        if "stop" in self.takes:
            heard = replace(heard, stop=tuple(body.take("stop", list, [])))
        if "tools" in self.takes:
            tools = tuple(_tool(Reader(tool, "tools")) for tool in body.take("tools", list, []))
            heard = replace(heard, tools=tools, tool_choice=_tool_choice(body.take("tool_choice", (str, dict), "")))
        if "logprobs" in self.takes:
            heard = replace(heard, logprobs=self.hear_logprobs(body))
        if "response_format" in self.takes and (shape := body.take("response_format", dict)) is not None:
            heard = replace(heard, json_only=True, schema=self.hear_format(Reader(shape, "response_format")))
        return heard

    def hear_logprobs(self, body: Reader) -> int | None:
        """A switch, and the number of alternatives beside it."""
        wanted = body.take("logprobs", bool, False)
        alternatives: int = body.take("top_logprobs", int, 0)
        if alternatives and not wanted:
            raise NotTaken("top_logprobs without logprobs")
        return alternatives if wanted else None

    def hear_format(self, shape: Reader) -> Any:
        """The schema, or None for any JSON."""
        kind = shape.need("type", str)
        if kind == "json_object":
            shape.end()
            return None
        if kind != "json_schema":
            raise NotTaken(f"response_format.type is {kind!r}")
        inner = Reader(shape.need("json_schema", dict), "response_format.json_schema")
        self.hear_schema_name(inner)
        inner.take("strict", bool)
        schema = inner.need("schema", dict)
        inner.end()
        shape.end()
        return schema

    def hear_schema_name(self, schema: Reader) -> None:
        """A name is required."""
        schema.need("name", str)

    def _messages(self, messages: list[Any]) -> tuple[tuple[str, ...], tuple[Turn, ...], tuple[str, ...]]:
        system: list[str] = []
        turns: list[Turn] = []
        cached: list[str] = []
        for place, told in enumerate(messages):
            message = Reader(told, f"messages[{place}]")
            role = message.need("role", str)
            if role in ("system", "developer"):
                system += self._content(message, cached).texts
            elif role == "user":
                turns.append(self._content(message, cached))
            elif role == "assistant":
                turns.append(self._assistant(message, cached))
            elif role == "tool":
                turns.append(self._result(message, cached))
            else:
                raise NotTaken(f"messages[{place}].role is {role!r}")
            message.end()
        return tuple(system), rounds(turns), tuple(cached)

    def _content(self, message: Reader, cached: list[str], role: str = "user") -> Turn:
        content = message.need("content", (str, list))
        if isinstance(content, str):
            return Turn(role, (content,))
        turn = Turn(role)
        for told in content:
            part = Reader(told, "content")
            turn = self._part(part, turn, cached)
            part.end()
        return turn

    def _part(self, part: Reader, turn: Turn, cached: list[str]) -> Turn:
        match part.need("type", str):
            case "text":
                text = part.need("text", str)
                self.hear_cache_mark(part, text, cached)
                return replace(turn, texts=(*turn.texts, text))
            case "image_url" if "image" in self.reads:
                url = Reader(part.need("image_url", dict), "image_url").need("url", str)
                return replace(turn, images=(*turn.images, image_at(url)))
            case "file" if "file" in self.reads:
                file = Reader(part.need("file", dict), "file")
                name, data = file.need("filename", str), data_url(file.need("file_data", str))
                file.end()
                return replace(turn, documents=(*turn.documents, Document(data[1], data[0], name)))
            case kind:
                raise NotTaken(f"a part of type {kind!r}")

    def hear_cache_mark(self, part: Reader, text: str, cached: list[str]) -> None:
        """https://platform.openai.com/docs/guides/prompt-caching."""
        if self.breakpoints and (mark := part.take("prompt_cache_breakpoint", dict)) is not None:
            if mark != {"mode": "explicit"}:
                raise NotTaken(f"prompt_cache_breakpoint is {mark}")
            cached.append(text)

    def _assistant(self, message: Reader, cached: list[str]) -> Turn:
        thoughts = self.hear_thoughts(message)
        calls = tuple(_call(Reader(call, "tool_calls")) for call in message.take("tool_calls", list, []))
        content = message.need("content", (str, list, type(None)))
        if content is None:
            if not calls:
                raise NotTaken("an assistant message without content and calls")
            turn = Turn("assistant")
        else:
            turn = self._content(Reader({"content": content}), cached, "assistant")
        return replace(turn, thoughts=(*thoughts, *turn.thoughts), calls=calls)

    def _result(self, message: Reader, cached: list[str]) -> Turn:
        call_id = message.need("tool_call_id", str)
        return Turn("tool", results=(ToolResult(call_id, "".join(self._content(message, cached).texts)),))

    @override
    def conveys(self, heard: Heard) -> Heard:
        # Results are found by the call's id alone.
        turns = tuple(
            replace(turn, results=tuple(replace(result, name="") for result in turn.results)) for turn in heard.turns
        )
        reasoning = replace(heard.reasoning, text=None) if heard.reasoning else None
        return replace(heard, turns=turns, reasoning=reasoning)


def _tool(tool: Reader) -> Tool:
    tool.want("type", "function")
    function = Reader(tool.need("function", dict), "tools.function")
    tool.end()
    read = Tool(function.need("name", str), function.take("description", str, ""), function.take("parameters", dict))
    function.take("strict", bool)
    function.end()
    return read


def _tool_choice(told: Any) -> str:
    if isinstance(told, str):
        return told
    choice = Reader(told, "tool_choice")
    choice.want("type", "function")
    name = Reader(choice.need("function", dict), "tool_choice.function").need("name", str)
    choice.end()
    return f"function:{name}"


def _call(call: Reader) -> ToolCall:
    call.want("type", "function")
    function = Reader(call.need("function", dict), "tool_calls.function")
    read = ToolCall(call.need("id", str), function.need("name", str), json.loads(function.need("arguments", str)))
    function.end()
    call.end()
    return read


def _schema_in_prompt(heard: Heard) -> Heard:
    """JSON mode with a schema in the last of the operator's instructions, as a model reads it."""
    said = [*heard.system, *(text for turn in heard.turns for text in turn.texts)]
    if not any("json" in text.lower() for text in said):
        # https://api-docs.deepseek.com/guides/json_mode
        raise NotTaken("JSON mode wants the word JSON in the prompt")
    try:
        *before, last = heard.system
        schema = json.loads(last[last.index("{") :])
    except ValueError as error:
        raise NotTaken(f"no schema at the end of the instructions: {error}") from None
    return replace(heard, system=tuple(before), schema=schema)
