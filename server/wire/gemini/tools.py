"""Tools and the choice among them.

https://ai.google.dev/gemini-api/docs/function-calling and https://ai.google.dev/api/caching#Tool
"""

import re
from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import AllowedTools, FunctionTool, Tool, ToolChoice

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.tool_names import check_allowed, tool_name
from server.wire.gemini import words
from server.wire.gemini.draft import Draft
from server.wire.json_text import check_object, object_of

_AUTO = chat_pb2.TOOL_CHOICE_MODE_AUTO
_SEARCH = "googleSearch"
_NOTHING = orjson.Fragment("{}")


def encode_tools(draft: Draft) -> None:
    """Puts ``tools`` and ``toolConfig`` into the body."""
    request = draft.request
    tools: list[Any] = []
    functions: list[Any] = []
    kept = _kept(request.tool_choice, draft)
    for place, tool in enumerate(request.tools):
        encoded = _tool(tool, f"tools[{place}]", draft)
        if kept is not None and tool_name(tool) not in kept:
            continue
        if tool.HasField("function"):
            if not functions:
                # All functions are one tool, which stands where the first of them did.
                tools.append({"functionDeclarations": functions})
            functions.append(encoded)
        elif request.tool_choice.mode != chat_pb2.TOOL_CHOICE_MODE_NONE:
            # What the provider runs itself it runs whatever the mode says; where nothing is to be called it stays away.
            tools.append(encoded)
    if request.HasField("web_search_options"):
        _search(draft, tools)
    if tools:
        draft.body["tools"] = tools
    if tools and (told := _config(draft)):
        draft.body["toolConfig"] = {"functionCallingConfig": told}


def _tool(tool: Tool, path: str, draft: Draft) -> Any:
    if tool.HasField("cache_control"):
        draft.notes.drop(f"{path}.cache_control", "the provider marks no cached prefix after a tool")
    if tool.defer_loading:
        draft.notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    match tool.WhichOneof("tool"):
        case "function":
            return _function(tool.function, f"{path}.function")
        case "provider":
            # {"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}} and what comes after them.
            told = tool.provider
            config = _NOTHING
            if told.config_json:
                config = object_of(f"{path}.provider.config_json", told.config_json)
            return {_camel(told.type): config}
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", f"{draft.host.name} has no custom tools")
        case _:
            raise InvalidArgument.field(path, "set function, custom or provider")


def _function(function: FunctionTool, path: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": function.name}
    if function.description:
        entry["description"] = function.description
    schema = function.parameters_json_schema
    # A function that takes nothing says so by leaving the schema out.
    if schema and check_object(f"{path}.parameters_json_schema", schema):
        entry["parametersJsonSchema"] = orjson.Fragment(schema)
    return entry


def _camel(name: str) -> str:
    """``google_search`` as the format spells it, ``googleSearch``."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def _search(draft: Draft, tools: list[Any]) -> None:
    """https://ai.google.dev/gemini-api/docs/google-search."""
    options = draft.request.web_search_options
    for name in ("search_context_size", "country", "region", "city", "timezone"):
        if getattr(options, name):
            draft.notes.drop(f"web_search_options.{name}", "the provider searches without being told so")
    if not any(_SEARCH in tool for tool in tools):
        tools.append({_SEARCH: {}})


def _config(draft: Draft) -> dict[str, Any]:
    request = draft.request
    strict = any(tool.function.strict for tool in request.tools)
    if not request.HasField("tool_choice"):
        return {"mode": "VALIDATED"} if strict else {}
    choice = request.tool_choice
    match choice.WhichOneof("choice"):
        case "mode":
            # The model keeps to the schemas where it must call, and where it is told to mind them.
            return {"mode": "VALIDATED" if strict and choice.mode == _AUTO else words.TOOL_CHOICE_MODES[choice.mode]}
        case "function_name":
            return {"mode": "ANY", "allowedFunctionNames": [choice.function_name]}
        case "allowed_tools":
            mode = words.TOOL_CHOICE_MODES[choice.allowed_tools.mode or _AUTO]
            # Names are taken where the model must call alone.
            named = {"allowedFunctionNames": list(choice.allowed_tools.names)} if mode == "ANY" else {}
            return {"mode": mode, **named}
        case "custom_name":
            raise UnsupportedByProvider.of("tool_choice.custom_name", f"{draft.host.name} has no custom tools")
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name, custom_name or allowed_tools")


def _kept(choice: ToolChoice, draft: Draft) -> frozenset[str] | None:
    """Names of the tools to send; None where it is all of them."""
    if not choice.HasField("allowed_tools"):
        return None
    allowed: AllowedTools = choice.allowed_tools
    check_allowed(allowed, {tool_name(tool) for tool in draft.request.tools})
    if allowed.mode == chat_pb2.TOOL_CHOICE_MODE_REQUIRED:
        return None
    # Sent alone, the allowed tools are all there is to choose from.
    return frozenset(allowed.names)
