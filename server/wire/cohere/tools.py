"""Tools and the choice among them: https://docs.cohere.com/docs/tool-use-overview."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import FunctionTool, Tool, ToolChoice

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.cohere.draft import Draft
from server.wire.cohere.words import PROVIDER
from server.wire.json_text import check_object

_EMPTY_SCHEMA = {"type": "object", "properties": {}}
_WORDS = {chat_pb2.TOOL_CHOICE_MODE_REQUIRED: "REQUIRED", chat_pb2.TOOL_CHOICE_MODE_NONE: "NONE"}


def encode_tools(draft: Draft) -> None:
    """Puts ``tools``, ``strict_tools`` and ``tool_choice`` into the body."""
    tools = draft.request.tools
    if not tools:
        return
    encoded = [_tool(tool, f"tools[{place}]", draft) for place, tool in enumerate(tools)]
    if draft.request.HasField("tool_choice"):
        encoded = _choose(draft.request.tool_choice, encoded, draft)
    draft.body["tools"] = encoded
    _put_strict(draft)


def _tool(tool: Tool, path: str, draft: Draft) -> dict[str, Any]:
    match tool.WhichOneof("tool"):
        case "function":
            entry = {"type": "function", "function": _function(tool.function, f"{path}.function")}
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", f"{PROVIDER} has no custom tools")
        case "provider":
            raise UnsupportedByProvider.of(f"{path}.provider", f"{PROVIDER} runs no tools of its own")
        case _:
            raise InvalidArgument.field(path, "set function")
    if tool.HasField("cache_control"):
        draft.notes.drop(f"{path}.cache_control", "the provider marks no cached prefix after a tool")
    if tool.defer_loading:
        draft.notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    return entry


def _function(function: FunctionTool, path: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": function.name}
    if function.description:
        entry["description"] = function.description
    schema = function.parameters_json_schema
    if schema and check_object(f"{path}.parameters_json_schema", schema):
        entry["parameters"] = orjson.Fragment(schema)
    else:
        entry["parameters"] = _EMPTY_SCHEMA
    return entry


def _put_strict(draft: Draft) -> None:
    """One switch for all tools: it is set where every tool asks for it, and told as dropped where only some do."""
    strict = [place for place, tool in enumerate(draft.request.tools) if tool.function.strict]
    if len(strict) == len(draft.request.tools):
        draft.body["strict_tools"] = True
        return
    for place in strict:
        draft.notes.drop(f"tools[{place}].function.strict", "the provider is strict with all tools or with none")


def _choose(choice: ToolChoice, encoded: list[dict[str, Any]], draft: Draft) -> list[dict[str, Any]]:
    """Puts ``tool_choice`` into the body; answers the tools to send, which alone can be chosen."""
    match choice.WhichOneof("choice"):
        case "mode":
            mode, names = choice.mode, [tool["function"]["name"] for tool in encoded]
        case "function_name":
            mode, names = chat_pb2.TOOL_CHOICE_MODE_REQUIRED, [choice.function_name]
        case "custom_name":
            raise UnsupportedByProvider.of("tool_choice.custom_name", f"{PROVIDER} has no custom tools")
        case "allowed_tools":
            mode, names = choice.allowed_tools.mode, list(choice.allowed_tools.names)
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name or allowed_tools")
    known = {tool["function"]["name"] for tool in encoded}
    for place, name in enumerate(names):
        if name not in known:
            where = "function_name" if choice.function_name else f"allowed_tools.names[{place}]"
            raise InvalidArgument.field(f"tool_choice.{where}", "is not one of tools")
    if mode in _WORDS:
        draft.body["tool_choice"] = _WORDS[mode]
    return [tool for tool in encoded if tool["function"]["name"] in names]
