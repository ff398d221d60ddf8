"""The tools of a request, and which of them may or must be called."""

from dataclasses import dataclass
from typing import Any

import orjson

from server.sandbox import tokens
from server.sandbox.fields import Fields
from server.sandbox.refusal import Refusal

_KINDS = ("function", "custom")
_MODES = ("none", "auto", "required")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function with its parameters' schema, or a custom tool with the regular expression of its input, if any."""

    kind: str
    name: str
    path: str
    schema: object = None
    pattern: str = ""
    tokens: int = 0
    """What its definition costs the prompt."""


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """``mode`` is none, auto or required; ``names`` are the tools it is narrowed to, None where it is to none."""

    mode: str = "auto"
    names: frozenset[tuple[str, str]] | None = None

    def allows(self, tool: Tool) -> bool:
        """Whether the model may call this tool."""
        return self.mode != "none" and (self.names is None or (tool.kind, tool.name) in self.names)


NO_CHOICE = ToolChoice()
"""What holds where a request says nothing: the model decides."""


def read_tools(body: Fields) -> tuple[Tool, ...]:
    """The tools a request gives."""
    return tuple(_tool(fields) for fields in body.each("tools"))


def _tool(fields: Fields) -> Tool:
    kind = fields.choice("type", _KINDS)
    if kind is None:
        raise fields.wrong("type", f"one of {', '.join(_KINDS)}")
    inner = fields.needed(kind)
    name = inner.needed_text("name")
    cost = tokens.count(orjson.dumps(inner.values).decode())
    if kind == "custom":
        return Tool(kind, name, inner.path, pattern=_pattern(inner), tokens=cost)
    parameters = inner.inner("parameters")
    schema: Any = {"type": "object"} if parameters is None else parameters.values
    return Tool(kind, name, inner.at("parameters"), schema, tokens=cost)


def _pattern(custom: Fields) -> str:
    # A lark grammar is not followed: the sandbox would need a parser generator for it.
    wanted = custom.inner("format")
    if wanted is None or wanted.choice("type", ("text", "grammar")) != "grammar":
        return ""
    grammar = wanted.needed("grammar")
    definition = grammar.needed_text("definition")
    return definition if grammar.choice("syntax", ("lark", "regex")) == "regex" else ""


def read_tool_choice(body: Fields, tools: tuple[Tool, ...]) -> ToolChoice:
    """What ``tool_choice`` asks for; a tool it names must be among ``tools``."""
    if body.values.get("tool_choice") is None:
        return NO_CHOICE
    if not tools:
        raise Refusal("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
    if isinstance(body.values["tool_choice"], str):
        return ToolChoice(body.choice("tool_choice", _MODES) or "auto")
    choice = body.needed("tool_choice")
    if choice.choice("type", (*_KINDS, "allowed_tools")) == "allowed_tools":
        allowed = choice.needed("allowed_tools")
        mode = allowed.choice("mode", ("auto", "required")) or "auto"
        return ToolChoice(mode, frozenset(_named(entry, tools) for entry in allowed.each("tools")))
    return ToolChoice("required", frozenset({_named(choice, tools)}))


def _named(choice: Fields, tools: tuple[Tool, ...]) -> tuple[str, str]:
    kind = choice.choice("type", _KINDS)
    if kind is None:
        raise choice.wrong("type", f"one of {', '.join(_KINDS)}")
    name = choice.needed(kind).needed_text("name")
    if not any((tool.kind, tool.name) == (kind, name) for tool in tools):
        raise Refusal(f"'{choice.path}' names a tool that is not in 'tools': {name[:64]}.", param=choice.path)
    return kind, name
