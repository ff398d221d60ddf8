"""Tools and the choice among them."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import AllowedTools, CustomTool, FunctionTool, Tool, ToolChoice
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, WebSearchOptions

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.tool_names import check_allowed
from server.wire.json_text import check_object, with_type
from server.wire.openai_chat import words
from server.wire.openai_responses.dialect import ResponsesDialect

_EMPTY_SCHEMA = {"type": "object", "properties": {}}


def encode_tools(
    request: CreateChatCompletionRequest, dialect: ResponsesDialect, body: dict[str, Any], notes: Adjustments
) -> None:
    """Puts ``tools`` and ``tool_choice`` into the body; web_search_options are one more tool."""
    tools = request.tools
    if len(tools) > dialect.max_tools:
        raise InvalidArgument.field("tools", f"{dialect.name} takes at most {dialect.max_tools}")
    encoded = [_tool(tool, f"tools[{place}]", dialect, notes) for place, tool in enumerate(tools)]
    # A choice among no tools is refused by OpenAI; AUTO and NONE, all that can be asked here, mean nothing then.
    if tools and request.HasField("tool_choice"):
        encoded = _choose(request.tool_choice, request, encoded, dialect, body)
    if request.HasField("web_search_options"):
        encoded.append(_web_search(request.web_search_options, dialect))
    if encoded:
        body["tools"] = encoded


def _tool(tool: Tool, path: str, dialect: ResponsesDialect, notes: Adjustments) -> Any:
    if tool.HasField("cache_control"):
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefix after a tool")
    match tool.WhichOneof("tool"):
        case "function":
            entry = _function(tool.function, f"{path}.function")
        case "custom":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of(f"{path}.custom", f"{dialect.name} has no custom tools")
            entry = _custom(tool.custom)
        case "provider":
            if tool.HasField("defer_loading"):
                notes.drop(f"{path}.defer_loading", "the provider loads every tool of its own")
            return with_type(f"{path}.provider.config_json", tool.provider.type, tool.provider.config_json)
        case _:
            raise InvalidArgument.field(path, "set function, custom or provider")
    if tool.HasField("defer_loading"):
        if dialect.defer_loading:
            entry["defer_loading"] = tool.defer_loading
        elif tool.defer_loading:
            notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    return entry


def _function(function: FunctionTool, path: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "function", "name": function.name}
    if function.description:
        entry["description"] = function.description
    schema = function.parameters_json_schema
    empty = not schema or not check_object(f"{path}.parameters_json_schema", schema)
    entry["parameters"] = _EMPTY_SCHEMA if empty else orjson.Fragment(schema)
    # Here, unlike in chat completions, a function is strict unless it says otherwise, and its schema is rewritten so
    # that it can be: https://platform.openai.com/docs/guides/function-calling#strict-mode
    entry["strict"] = function.strict
    return entry


def _custom(custom: CustomTool) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "custom", "name": custom.name}
    if custom.description:
        entry["description"] = custom.description
    match custom.WhichOneof("format"):
        case "lark_grammar":
            entry["format"] = {"type": "grammar", "syntax": "lark", "definition": custom.lark_grammar}
        case "regex_grammar":
            entry["format"] = {"type": "grammar", "syntax": "regex", "definition": custom.regex_grammar}
    return entry


def _web_search(options: WebSearchOptions, dialect: ResponsesDialect) -> dict[str, Any]:
    if not dialect.web_search:
        raise UnsupportedByProvider.of("web_search_options", f"{dialect.name} does not search the web by this option")
    tool: dict[str, Any] = {"type": dialect.web_search}
    if options.search_context_size:
        tool["search_context_size"] = options.search_context_size
    names = ("country", "region", "city", "timezone")
    if place := {name: getattr(options, name) for name in names if getattr(options, name)}:
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def _choose(
    choice: ToolChoice,
    request: CreateChatCompletionRequest,
    encoded: list[Any],
    dialect: ResponsesDialect,
    body: dict[str, Any],
) -> list[Any]:
    """Puts ``tool_choice`` into the body; answers the tools to send."""
    match choice.WhichOneof("choice"):
        case "mode":
            body["tool_choice"] = words.TOOL_CHOICE_MODES[choice.mode]
        case "function_name":
            body["tool_choice"] = _named(choice.function_name, request)
        case "custom_name":
            if not dialect.custom_tools:
                raise UnsupportedByProvider.of("tool_choice.custom_name", f"{dialect.name} has no custom tools")
            body["tool_choice"] = {"type": "custom", "name": choice.custom_name}
        case "allowed_tools":
            return _allow(choice.allowed_tools, request, encoded, dialect, body)
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name, custom_name or allowed_tools")
    return encoded


def _named(name: str, request: CreateChatCompletionRequest) -> dict[str, Any]:
    """One function; or one of the provider's own tools, which are known by their type."""
    own = any(tool.WhichOneof("tool") == "provider" and tool.provider.type == name for tool in request.tools)
    return {"type": name} if own else {"type": "function", "name": name}


def _allow(
    allowed: AllowedTools,
    request: CreateChatCompletionRequest,
    encoded: list[Any],
    dialect: ResponsesDialect,
    body: dict[str, Any],
) -> list[Any]:
    mode = words.TOOL_CHOICE_MODES[allowed.mode or chat_pb2.TOOL_CHOICE_MODE_AUTO]
    references = [_reference(tool) for tool in request.tools]
    names = [reference.get("name", reference["type"]) for reference in references]
    check_allowed(allowed, names)
    if not dialect.allowed_tools:
        # Sent alone, the allowed tools are all there is to choose from.
        body["tool_choice"] = mode
        return [entry for name, entry in zip(names, encoded, strict=True) if name in allowed.names]
    named = [references[names.index(name)] for name in allowed.names]
    body["tool_choice"] = {"type": "allowed_tools", "mode": mode, "tools": named}
    return encoded


def _reference(tool: Tool) -> dict[str, Any]:
    match tool.WhichOneof("tool"):
        case "function":
            return {"type": "function", "name": tool.function.name}
        case "custom":
            return {"type": "custom", "name": tool.custom.name}
        case _:
            return {"type": tool.provider.type}
