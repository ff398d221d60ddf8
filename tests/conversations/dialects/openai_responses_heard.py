"""What OpenAI's Responses API understands of a request."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
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

_PROOF = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
_ITEMS_OF_AN_ANSWER = ("reasoning", "function_call")


@dataclass(frozen=True)
class HearsResponses(Dialect):
    """OpenAI itself; a host overrides what it does differently."""

    base_path: str = "/v1"
    options: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"api": "responses"}))
    key_header: str = "authorization"
    reads: frozenset[str] = frozenset({"image", "file"})
    breakpoints: bool = True
    details: bool = True
    """Names the events of a stream, and says of images how closely they are to be looked at."""
    proofs: frozenset[str] = frozenset()
    """Models whose reasoning comes encrypted; the others answer 400 to being asked for it."""
    logprobs_switch: bool = False
    """Log probabilities are switched on by a parameter of their own; elsewhere by what is to be included."""
    form: str = "summary"
    """Where the text of reasoning is: summary, which must be asked for, or content."""

    @override
    def hear(self, request: Request) -> Heard:
        if (request.method, request.path) != ("POST", f"{self.base_path}/responses"):
            raise NotTaken(f"there is no {request.method} {request.path}")
        expected = f"Bearer {KEY}" if self.key_header == "authorization" else KEY
        if request.headers.get(self.key_header) != expected:
            raise NotTaken(f"no credential in {self.key_header}")
        body = Reader(request.json)
        body.want("store", False)
        model = body.need("model", str)
        system, turns, cached = self._input(body.need("input", list))
        heard = Heard(
            model=model,
            stream=body.take("stream", bool, False),
            system=system,
            turns=turns,
            cached=cached,
            max_tokens=body.take("max_output_tokens", int),
            reasoning=self._reasoning(body),
            tools=tuple(_tool(Reader(tool, "tools")) for tool in body.take("tools", list, [])),
            tool_choice=_tool_choice(body.take("tool_choice", (str, dict), "")),
            logprobs=self._included(body, model),
        )
        if (text := body.take("text", dict)) is not None:
            heard = replace(heard, json_only=True, schema=_schema(Reader(text, "text")))
        body.end()
        return heard

    def _included(self, body: Reader, model: str) -> int | None:
        include = body.take("include", list, [])
        if (_PROOF in include) is not (model in self.proofs):
            raise NotTaken(f"include is {include} for {model}")
        if not set(include) <= {_PROOF, _LOGPROBS}:
            raise NotTaken(f"include is {include}")
        most: int = body.take("top_logprobs", int, 0)
        wanted = body.take("logprobs", bool, False) if self.logprobs_switch else _LOGPROBS in include
        return most if wanted else None

    def _reasoning(self, body: Reader) -> Reasoning | None:
        if (told := body.take("reasoning", dict)) is None:
            return None
        options = Reader(told, "reasoning")
        summary = options.take("summary", str) if self.form == "summary" else None
        heard = Reasoning(effort=options.take("effort", str, ""), text=bool(summary) or None)
        options.end()
        return heard

    def _input(self, items: list[Any]) -> tuple[tuple[str, ...], tuple[Turn, ...], tuple[str, ...]]:
        system: list[str] = []
        turns: list[Turn] = []
        cached: list[str] = []
        for place, told in enumerate(items):
            item = Reader(told, f"input[{place}]")
            role = item.take("role", str)
            if role in ("system", "developer"):
                system += self._content(item, Turn("user"), cached).texts
            elif role == "user":
                turns.append(self._content(item, Turn("user"), cached))
            elif role == "assistant" or told.get("type") in _ITEMS_OF_AN_ANSWER:
                if not turns or turns[-1].role != "assistant":
                    turns.append(Turn("assistant"))
                turns[-1] = self._made(item, role, turns[-1])
            elif told.get("type") == "function_call_output":
                item.want("type", "function_call_output")
                result = ToolResult(item.need("call_id", str), item.need("output", str))
                turns.append(Turn("tool", results=(result,)))
            else:
                raise NotTaken(f"input[{place}] is {told}")
            item.end()
        return tuple(system), rounds(turns), tuple(cached)

    def _made(self, item: Reader, role: str | None, turn: Turn) -> Turn:
        """An item that an assistant made before."""
        if role:
            item.take("phase", str)
            return replace(turn, texts=(*turn.texts, item.need("content", str)))
        if item.need("type", str) == "reasoning":
            if not item.need("id", str).startswith("rs_"):
                raise NotTaken("the id of a reasoning item begins with rs_")
            told = [Reader(part, "reasoning") for part in item.need("summary", list) + item.take("content", list, [])]
            text = "".join(part.need("text", str) for part in told)
            return replace(turn, thoughts=(*turn.thoughts, Thought(text, item.take("encrypted_content", str, ""))))
        call = ToolCall(
            item.need("call_id", str),
            item.need("name", str),
            json.loads(item.need("arguments", str)),
            signature=item.need("id", str),
        )
        return replace(turn, calls=(*turn.calls, call))

    def _content(self, item: Reader, turn: Turn, cached: list[str]) -> Turn:
        content = item.need("content", (str, list))
        if isinstance(content, str):
            return replace(turn, texts=(content,))
        for told in content:
            part = Reader(told, "content")
            turn = self._part(part, turn, cached)
            part.end()
        return turn

    def _part(self, part: Reader, turn: Turn, cached: list[str]) -> Turn:
        match part.need("type", str):
            case "input_text":
                text = part.need("text", str)
                if self.breakpoints and part.take("prompt_cache_breakpoint", dict) == {"mode": "explicit"}:
                    cached.append(text)
                return replace(turn, texts=(*turn.texts, text))
            case "input_image" if "image" in self.reads:
                part.want("detail", "auto")
                return replace(turn, images=(*turn.images, image_at(part.need("image_url", str))))
            case "input_file" if "file" in self.reads:
                mime_type, data = data_url(part.need("file_data", str))
                document = Document(data, mime_type, part.need("filename", str))
                return replace(turn, documents=(*turn.documents, document))
            case kind:
                raise NotTaken(f"a part of type {kind!r}")

    @override
    def conveys(self, heard: Heard) -> Heard:
        # Results are found by the call's id alone.
        def plain(turn: Turn) -> Turn:
            return replace(turn, results=tuple(replace(result, name="") for result in turn.results))

        reasoning = heard.reasoning
        if reasoning and self.form != "summary":
            reasoning = replace(reasoning, text=None)
        return replace(heard, turns=tuple(map(plain, heard.turns)), reasoning=reasoning)


def _tool(tool: Reader) -> Tool:
    tool.want("type", "function")
    # What says nothing of it is strict here.
    tool.want("strict", False)
    read = Tool(tool.need("name", str), tool.take("description", str, ""), tool.need("parameters", dict))
    tool.end()
    return read


def _tool_choice(told: Any) -> str:
    if isinstance(told, str):
        return told
    choice = Reader(told, "tool_choice")
    choice.want("type", "function")
    name = choice.need("name", str)
    choice.end()
    return f"function:{name}"


def _schema(text: Reader) -> Any:
    shape = Reader(text.need("format", dict), "text.format")
    shape.want("type", "json_schema")
    shape.need("name", str)
    schema = shape.need("schema", dict)
    shape.end()
    text.end()
    return schema
