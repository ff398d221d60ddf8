"""What Bedrock's Converse understands of a request."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

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

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
_TOOL_USE_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_DOCUMENT_NAME = re.compile(r"[A-Za-z0-9()\[\]-]+( [A-Za-z0-9()\[\]-]+)*")
_MIME = {"png": "image/png", "jpeg": "image/jpeg", "pdf": "application/pdf"}


@dataclass(frozen=True)
class HearsBedrock(Dialect):
    """Unknown fields are refused, as the API does; what one model lacks, as well."""

    structured: bool = True
    """The model holds an answer to a schema."""
    signs: bool = True
    """The model signs its reasoning."""
    effort: str = "effort"
    """Where an effort is told: effort (of outputConfig), or reasoningConfig (of the model's own fields)."""

    @override
    def hear(self, request: Request) -> Heard:
        found = _PATH.fullmatch(request.path)
        if request.method != "POST" or found is None:
            raise NotTaken(f"there is no {request.method} {request.path}")
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise NotTaken("no bearer token")
        body = Reader(request.json)
        cached: list[str] = []
        system = _system(body.take("system", list, []), cached)
        turns = self._turns(body.need("messages", list), cached)
        heard = Heard(
            model=unquote(found[1]),
            stream=found[2] == "converse-stream",
            system=system,
            turns=turns,
            cached=tuple(cached),
        )
        heard = _hear_limits(heard, Reader(body.take("inferenceConfig", dict, {}), "inferenceConfig"))
        heard = self._hear_tools(heard, body.take("toolConfig", dict))
        heard = self._hear_output(heard, body)
        if body.take("additionalModelResponseFieldPaths", list, ["/stop_sequence"]) != ["/stop_sequence"]:
            raise NotTaken("additionalModelResponseFieldPaths")
        body.end()
        return heard

    def _hear_tools(self, heard: Heard, told: Any) -> Heard:
        blocks = any(turn.calls or turn.results for turn in heard.turns)
        if told is None:
            if blocks:
                raise NotTaken("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
            return heard
        config = Reader(told, "toolConfig")
        tools = tuple(_tool(Reader(tool, "toolConfig.tools")) for tool in config.need("tools", list))
        choice = _choice(config.take("toolChoice", dict))
        config.end()
        return replace(heard, tools=tools, tool_choice=choice)

    def _hear_output(self, heard: Heard, body: Reader) -> Heard:
        output = Reader(body.take("outputConfig", dict, {}), "outputConfig")
        if (shape := output.take("textFormat", dict)) is not None:
            if not self.structured:
                raise NotTaken("This model doesn't support the outputConfig.textFormat field.")
            heard = replace(heard, json_only=True, schema=_schema(Reader(shape, "outputConfig.textFormat")))
        effort = output.take("effort", str, "")
        output.end()
        extra = Reader(body.take("additionalModelRequestFields", dict, {}), "additionalModelRequestFields")
        if self.effort == "reasoningConfig" and (told := extra.take("reasoningConfig", dict)) is not None:
            config = Reader(told, "reasoningConfig")
            config.want("type", "enabled")
            heard = replace(heard, reasoning=Reasoning(effort=config.need("maxReasoningEffort", str)))
            config.end()
        if self.effort == "effort" and (told := extra.take("thinking", dict)) is not None:
            thinking = Reader(told, "thinking")
            thinking.want("type", "adaptive")
            text = {"summarized": True, "omitted": False}.get(thinking.take("display", str, ""))
            heard = replace(heard, reasoning=Reasoning(effort=effort, text=text))
            thinking.end()
        elif effort:
            raise NotTaken("an effort without thinking")
        extra.end()
        return heard

    def _turns(self, messages: list[Any], cached: list[str]) -> tuple[Turn, ...]:
        turns: list[Turn] = []
        before = "assistant"
        for place, told in enumerate(messages):
            message = Reader(told, f"messages[{place}]")
            role = message.need("role", str)
            if role not in ("user", "assistant") or role == before:
                raise NotTaken("A conversation must alternate between user and assistant roles, and begin with a user")
            before = role
            content = message.need("content", list)
            message.end()
            turn = Turn(role)
            for block in content:
                turn = self._block(Reader(block, "content"), turn, cached)
            if turn.documents and not turn.texts:
                raise NotTaken("A text block is required beside a document")
            if turn.results:
                turns.append(Turn("tool", results=turn.results))
                turn = replace(turn, results=())
            if turn != Turn(role):
                turns.append(turn)
        return rounds(turns)

    def _block(self, block: Reader, turn: Turn, cached: list[str]) -> Turn:
        user = turn.role == "user"
        turn = _words(block, turn, cached) if not user else _words(block, self._shown(block, turn), cached)
        if not user and (told := block.take("reasoningContent", dict)) is not None:
            turn = replace(turn, thoughts=(*turn.thoughts, self._thought(Reader(told, "reasoningContent"))))
        if not user and (told := block.take("toolUse", dict)) is not None:
            use = Reader(told, "toolUse")
            call = ToolCall(_id(use), _name(use), use.need("input", dict))
            use.end()
            turn = replace(turn, calls=(*turn.calls, call))
        block.end()
        return turn

    def _shown(self, block: Reader, turn: Turn) -> Turn:
        if (told := block.take("image", dict)) is not None:
            mime_type, data = _media(Reader(told, "image"))
            turn = replace(turn, images=(*turn.images, Image(data, mime_type)))
        if (told := block.take("document", dict)) is not None:
            document = Reader(told, "document")
            name = document.need("name", str)
            if not _DOCUMENT_NAME.fullmatch(name):
                raise NotTaken(f"the document name {name!r} holds characters that it may not")
            mime_type, data = _media(document)
            turn = replace(turn, documents=(*turn.documents, Document(data, mime_type, name)))
        if (told := block.take("toolResult", dict)) is not None:
            turn = replace(turn, results=(*turn.results, _result(Reader(told, "toolResult"))))
        return turn

    def _thought(self, told: Reader) -> Thought:
        text = Reader(told.need("reasoningText", dict), "reasoningText")
        thought = Thought(text.need("text", str), text.need("signature", str) if self.signs else "")
        text.end()
        told.end()
        return thought

    @override
    def conveys(self, heard: Heard) -> Heard:
        # A name loses its ending, which the format tells, and results are found by the call's id alone.
        turns = tuple(
            replace(
                turn,
                results=tuple(replace(result, name="") for result in turn.results),
                documents=tuple(replace(one, name=one.name.removesuffix(".pdf")) for one in turn.documents),
            )
            for turn in heard.turns
        )
        reasoning = heard.reasoning if self.signs or not heard.reasoning else replace(heard.reasoning, text=None)
        return replace(heard, turns=turns, reasoning=reasoning)


def _system(blocks: list[Any], cached: list[str]) -> tuple[str, ...]:
    turn = Turn("system")
    for told in blocks:
        block = Reader(told, "system")
        turn = _words(block, turn, cached)
        block.end()
    return turn.texts


def _words(block: Reader, turn: Turn, cached: list[str]) -> Turn:
    if (told := block.take("cachePoint", dict)) is not None:
        if told != {"type": "default"} or not turn.texts:
            raise NotTaken(f"cachePoint is {told}")
        cached.append(turn.texts[-1])
    text = block.take("text", str)
    if text is not None and not text.strip():
        raise NotTaken("The text field in the ContentBlock object is blank")
    return turn if text is None else replace(turn, texts=(*turn.texts, text))


def _hear_limits(heard: Heard, told: Reader) -> Heard:
    heard = replace(heard, max_tokens=told.take("maxTokens", int), stop=tuple(told.take("stopSequences", list, [])))
    told.end()
    return heard


def _tool(tool: Reader) -> Tool:
    spec = Reader(tool.need("toolSpec", dict), "toolSpec")
    tool.end()
    schema = Reader(spec.need("inputSchema", dict), "inputSchema")
    read = Tool(_name(spec), spec.take("description", str, ""), schema.need("json", dict))
    if read.parameters.get("type") != "object":
        raise NotTaken("toolSpec.inputSchema.json.type must be object")
    schema.end()
    spec.end()
    return read


def _choice(told: Mapping[str, Any] | None) -> str:
    match told:
        case None:
            return ""
        case {"auto": {}}:
            return "auto"
        case {"any": {}}:
            return "required"
        case {"tool": {"name": name}}:
            return f"function:{name}"
        case _:
            raise NotTaken(f"toolChoice is {told}")


def _schema(shape: Reader) -> Any:
    shape.want("type", "json_schema")
    structure = Reader(shape.need("structure", dict), "structure")
    told = Reader(structure.need("jsonSchema", dict), "jsonSchema")
    schema = json.loads(told.need("schema", str))
    told.take("name", str)
    for reader in (told, structure, shape):
        reader.end()
    if schema.get("additionalProperties") is not False:
        raise NotTaken("For 'object' type, 'additionalProperties' must be explicitly set to false")
    return schema


def _media(told: Reader) -> tuple[str, bytes]:
    kind = told.need("format", str)
    source = Reader(told.need("source", dict), "source")
    data = base64.b64decode(source.need("bytes", str), validate=True)
    source.end()
    told.end()
    if kind not in _MIME:
        raise NotTaken(f"format is {kind!r}")
    return _MIME[kind], data


def _result(told: Reader) -> ToolResult:
    [content] = told.need("content", list)
    result = ToolResult(
        _id(told), Reader(content, "toolResult.content").need("text", str), told.take("status", str) == "error"
    )
    told.end()
    return result


def _id(told: Reader) -> str:
    value: str = told.need("toolUseId", str)
    if not _TOOL_USE_ID.fullmatch(value):
        raise NotTaken(f"toolUseId is {value!r}")
    return value


def _name(told: Reader) -> str:
    value: str = told.need("name", str)
    if not _NAME.fullmatch(value):
        raise NotTaken(f"name is {value!r}")
    return value
