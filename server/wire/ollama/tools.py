"""Tools, all of which are functions, and what there is of a choice among them: https://docs.ollama.com/capabilities/tool-calling."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Tool, ToolChoice
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.tool_names import check_allowed
from server.wire.json_text import check_object
from server.wire.ollama.names import NAME

_EMPTY_SCHEMA = {"type": "object", "properties": {}}


def encode_tools(request: CreateChatCompletionRequest, body: dict[str, Any], notes: Adjustments) -> None:
    """Puts ``tools`` into the body: those that the model may call."""
    encoded = [_tool(tool, f"tools[{place}]", notes) for place, tool in enumerate(request.tools)]
    if encoded and request.HasField("tool_choice"):
        allowed = _allowed(request.tool_choice, [tool.function.name for tool in request.tools])
        encoded = [entry for entry in encoded if entry["function"]["name"] in allowed]
    if encoded:
        body["tools"] = encoded


def _tool(tool: Tool, path: str, notes: Adjustments) -> dict[str, Any]:
    kind = tool.WhichOneof("tool")
    if kind is None:
        raise InvalidArgument.field(path, "set function, custom or provider")
    if kind != "function":
        raise UnsupportedByProvider.of(f"{path}.{kind}", f"{NAME} knows functions alone")
    function = tool.function
    told: dict[str, Any] = {"name": function.name}
    if function.description:
        told["description"] = function.description
    schema = function.parameters_json_schema
    empty = not schema or not check_object(f"{path}.function.parameters_json_schema", schema)
    told["parameters"] = _EMPTY_SCHEMA if empty else orjson.Fragment(schema)
    if function.strict:
        notes.drop(f"{path}.function.strict", "the provider holds no arguments to a schema")
    if tool.HasField("cache_control"):
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes")
    if tool.defer_loading:
        notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    return {"type": "function", "function": told}


def _allowed(choice: ToolChoice, names: list[str]) -> set[str]:
    """What the model is shown. It can be kept from calling a tool, and cannot be made to call one."""
    match choice.WhichOneof("choice"):
        case "mode" if choice.mode == chat_pb2.TOOL_CHOICE_MODE_AUTO:
            return set(names)
        case "mode" if choice.mode == chat_pb2.TOOL_CHOICE_MODE_NONE:
            return set()
        case "allowed_tools" if choice.allowed_tools.mode != chat_pb2.TOOL_CHOICE_MODE_REQUIRED:
            check_allowed(choice.allowed_tools, names)
            return set(choice.allowed_tools.names)
        case None:
            raise InvalidArgument.field("tool_choice", "set mode, function_name, custom_name or allowed_tools")
        case kind:
            raise UnsupportedByProvider.of(f"tool_choice.{kind}", f"{NAME} cannot make a model call a tool")
