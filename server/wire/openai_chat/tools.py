"""Tools and the choice among them."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import AllowedTools, CustomTool, FunctionTool, Tool, ToolChoice
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.tool_names import allowed_places
from server.wire.json_text import check_object, with_type
from server.wire.openai_chat import words
from server.wire.openai_chat.dialect import Dialect

_EMPTY_SCHEMA = {"type": "object", "properties": {}}


def encode_tools(
    request: CreateChatCompletionRequest, dialect: Dialect, body: dict[str, Any], notes: Adjustments
) -> None:
    """Puts ``tools`` and ``tool_choice`` into the body."""
    tools = request.tools
    if not tools:
        # A choice among no tools is refused by OpenAI; AUTO and NONE, all that can be asked here, mean nothing then.
        return
    if not dialect.tools:
        raise UnsupportedByProvider.of("tools", f"{dialect.name} calls no tools")
    if len(tools) > dialect.max_tools:
        raise InvalidArgument.field("tools", f"{dialect.name} takes at most {dialect.max_tools}")
    encoded = [_tool(tool, f"tools[{place}]", dialect, notes) for place, tool in enumerate(tools)]
    if request.HasField("tool_choice"):
        _check_forced(request.tool_choice, notes)
        encoded = _choose(request.tool_choice, request, encoded, dialect, body)
    body["tools"] = encoded


def _tool(tool: Tool, path: str, dialect: Dialect, notes: Adjustments) -> Any:
    match tool.WhichOneof("tool"):
        case "function":
            entry = {"type": "function", "function": _function(tool.function, f"{path}.function", dialect)}
        case "custom":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of(f"{path}.custom", f"{dialect.name} has no custom tools")
            entry = {"type": "custom", "custom": _custom(tool.custom)}
        case "provider":
            return _provider_tool(tool, path, dialect, notes)
        case _:
            raise InvalidArgument.field(path, "set function, custom or provider")
    if tool.HasField("cache_control"):
        _mark_cache_end(tool, entry, path, dialect, notes)
    _defer(tool, entry, path, dialect, notes)
    return entry


def _function(function: FunctionTool, path: str, dialect: Dialect) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": function.name}
    if function.description:
        entry["description"] = function.description
    schema = function.parameters_json_schema
    if schema:
        empty = not check_object(f"{path}.parameters_json_schema", schema)
        entry["parameters"] = _EMPTY_SCHEMA if empty and dialect.parameters_required else orjson.Fragment(schema)
    elif dialect.parameters_required:
        entry["parameters"] = _EMPTY_SCHEMA
    if function.HasField("strict"):
        entry["strict"] = function.strict
    return entry


def _custom(custom: CustomTool) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": custom.name}
    if custom.description:
        entry["description"] = custom.description
    match custom.WhichOneof("format"):
        case "lark_grammar":
            grammar = {"definition": custom.lark_grammar, "syntax": "lark"}
        case "regex_grammar":
            grammar = {"definition": custom.regex_grammar, "syntax": "regex"}
        case _:
            return entry
    entry["format"] = {"type": "grammar", "grammar": grammar}
    return entry


def _provider_tool(tool: Tool, path: str, dialect: Dialect, notes: Adjustments) -> Any:
    provider = tool.provider
    if not dialect.provider_tools:
        raise UnsupportedByProvider.of(f"{path}.provider", f"{dialect.name} runs no tools of its own in this format")
    if tool.HasField("cache_control"):
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefix after a tool of its own")
    if tool.HasField("defer_loading"):
        notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    return with_type(f"{path}.provider.config_json", provider.type, provider.config_json)


def _mark_cache_end(tool: Tool, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    if dialect.cache == "cache_control":
        ttl = tool.cache_control.ttl
        entry["cache_control"] = {"type": "ephemeral", "ttl": ttl} if ttl else {"type": "ephemeral"}
    else:
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefix after a tool")


def _defer(tool: Tool, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    if not tool.HasField("defer_loading"):
        return
    if dialect.defer_loading:
        entry["defer_loading"] = tool.defer_loading
    elif tool.defer_loading:
        notes.drop(f"{path}.defer_loading", "the provider loads every tool")


def _check_forced(choice: ToolChoice, notes: Adjustments) -> None:
    modes = (choice.mode, choice.allowed_tools.mode)
    forced = choice.function_name or choice.custom_name or chat_pb2.TOOL_CHOICE_MODE_REQUIRED in modes
    if forced and (why := notes.model_refusal("forced_tool")):
        raise UnsupportedByProvider.of("tool_choice", why)


def _choose(
    choice: ToolChoice,
    request: CreateChatCompletionRequest,
    encoded: list[Any],
    dialect: Dialect,
    body: dict[str, Any],
) -> list[Any]:
    """Puts ``tool_choice`` into the body; answers the tools to send."""
    match choice.WhichOneof("choice"):
        case "mode":
            body["tool_choice"] = _mode(choice.mode, encoded, dialect)
        case "function_name" if not dialect.named_tool:
            only = AllowedTools(names=[choice.function_name], mode=chat_pb2.TOOL_CHOICE_MODE_REQUIRED)
            return _allow(only, request, encoded, dialect, body)
        case "function_name":
            body["tool_choice"] = {"type": "function", "function": {"name": choice.function_name}}
        case "custom_name":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of("tool_choice.custom_name", f"{dialect.name} has no custom tools")
            body["tool_choice"] = {"type": "custom", "custom": {"name": choice.custom_name}}
        case "allowed_tools":
            return _allow(choice.allowed_tools, request, encoded, dialect, body)
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name, custom_name or allowed_tools")
    return encoded


def _mode(mode: int, encoded: list[Any], dialect: Dialect) -> Any:
    if mode != chat_pb2.TOOL_CHOICE_MODE_REQUIRED:
        return words.TOOL_CHOICE_MODES[mode]
    if dialect.required_tool:
        return dialect.required_tool
    if len(encoded) > 1:
        raise UnsupportedByProvider.of("tool_choice", f"{dialect.name} is made to call a tool by its name alone")
    return {"type": "function", "function": {"name": encoded[0]["function"]["name"]}}


def _allow(
    allowed: AllowedTools,
    request: CreateChatCompletionRequest,
    encoded: list[Any],
    dialect: Dialect,
    body: dict[str, Any],
) -> list[Any]:
    places = allowed_places(allowed, request.tools)
    mode = allowed.mode or chat_pb2.TOOL_CHOICE_MODE_AUTO
    if not dialect.allowed_tools:
        # Sent alone, the allowed tools are all there is to choose from.
        keep = set(places.values())
        kept = [tool for place, tool in enumerate(encoded) if place in keep]
        body["tool_choice"] = _mode(mode, kept, dialect)
        return kept
    named = [_reference(request.tools[places[name]], name) for name in allowed.names]
    body["tool_choice"] = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": _mode(mode, encoded, dialect), "tools": named},
    }
    return encoded


def _reference(tool: Tool, name: str) -> dict[str, Any]:
    match tool.WhichOneof("tool"):
        case "function" | "custom" as kind:
            return {"type": kind, kind: {"name": name}}
        case _:
            return {"type": name}
