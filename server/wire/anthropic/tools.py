"""Tools and the choice among them."""

import re
from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import AllowedTools, FunctionTool, Tool, ToolChoice
from aignehub.v1.chat_service_pb2 import WebSearchOptions

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.draft import Draft
from server.wire.anthropic.parts import cache_control
from server.wire.chat.tool_names import allowed_places
from server.wire.json_text import check_object, with_type

_MODES = {
    chat_pb2.TOOL_CHOICE_MODE_AUTO: "auto",
    chat_pb2.TOOL_CHOICE_MODE_NONE: "none",
    chat_pb2.TOOL_CHOICE_MODE_REQUIRED: "any",
}
_FORCED = frozenset({"any", "tool"})
_DATED = re.compile(r"_\d{8}$")
# The tools whose name is not their type without its date:
# https://platform.claude.com/docs/en/agents-and-tools/tool-use/text-editor-tool
_NAMES = {
    "text_editor_20241022": "str_replace_editor",
    "text_editor_20250124": "str_replace_editor",
    "text_editor_20250429": "str_replace_based_edit_tool",
    "text_editor_20250728": "str_replace_based_edit_tool",
}
_NAMELESS = re.compile(r"mcp_toolset|.*_toolset_\d{8}")
_BETAS = {
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/computer-use-tool
    "computer_20241022": "computer-use-2024-10-22",
    "text_editor_20241022": "computer-use-2024-10-22",
    "bash_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    # https://platform.claude.com/docs/en/agents-and-tools/mcp-connector
    "mcp_toolset": "mcp-client-2025-11-20",
    # https://platform.claude.com/docs/en/agents-and-tools/tool-use/advisor-tool
    "advisor_20260301": "advisor-tool-2026-03-01",
}


def encode_tools(draft: Draft) -> None:
    """Puts ``tools`` and ``tool_choice`` into the body."""
    request = draft.request
    tools = [_tool(tool, f"tools[{place}]", draft) for place, tool in enumerate(request.tools)]
    choice: dict[str, Any] = {}
    if request.tools and request.HasField("tool_choice"):
        choice, tools = _choose(request.tool_choice, tools, draft)
    if request.HasField("web_search_options"):
        tools.append(_web_search(request.web_search_options, draft))
    if not tools:
        # A choice among no tools: AUTO and NONE, all that can be asked here, mean nothing then.
        return
    if request.HasField("parallel_tool_calls") and not request.parallel_tool_calls and choice.get("type") != "none":
        choice = {"type": "auto", **choice, "disable_parallel_tool_use": True}
    draft.body["tools"] = tools
    if choice:
        check_force(choice, "tool_choice", draft)
        draft.body["tool_choice"] = choice


def force_refusal(draft: Draft) -> str:
    """Why the model cannot be made to call a tool; empty where it can."""
    if not draft.facts.forced_tools:
        return f"the model {draft.model} cannot be made to call a tool"
    if draft.thinks_by_budget:
        # https://platform.claude.com/docs/en/build-with-claude/extended-thinking#extended-thinking-with-tool-use
        return f"the model {draft.model} cannot be made to call a tool while it reasons"
    return ""


def check_force(choice: dict[str, Any], path: str, draft: Draft) -> None:
    """Raises UnsupportedByProvider where ``choice`` forces a model that cannot be forced."""
    if choice["type"] in _FORCED and (why := force_refusal(draft)):
        raise UnsupportedByProvider.of(path, why)


def _tool(tool: Tool, path: str, draft: Draft) -> Any:
    match tool.WhichOneof("tool"):
        case "function":
            entry = _function(tool.function, f"{path}.function", draft)
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", "Claude has no custom tools; declare a function")
        case "provider":
            return _provider_tool(tool, path, draft)
        case _:
            raise InvalidArgument.field(path, "set function or provider")
    return {**entry, **_marks(tool, path, draft)}


def _marks(tool: Tool, path: str, draft: Draft) -> dict[str, Any]:
    marks: dict[str, Any] = {}
    if tool.HasField("cache_control"):
        marks["cache_control"] = cache_control(tool.cache_control, path, draft)
    if tool.HasField("defer_loading"):
        # https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool
        marks["defer_loading"] = tool.defer_loading
    return marks


def _function(function: FunctionTool, path: str, draft: Draft) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": function.name}
    if function.description:
        entry["description"] = function.description
    entry["input_schema"] = _schema(function.parameters_json_schema, f"{path}.parameters_json_schema")
    if function.HasField("strict"):
        if draft.facts.structured:
            entry["strict"] = function.strict
        elif function.strict:
            draft.notes.drop(f"{path}.strict", f"the model {draft.model} does not hold arguments to a schema")
    return entry


def _schema(text: str, path: str) -> Any:
    """The caller's own text; the API insists on the type that all arguments have."""
    if not text:
        return {"type": "object", "properties": {}}
    schema = check_object(path, text)
    return orjson.Fragment(text) if "type" in schema else with_type(path, "object", text)


def _provider_tool(tool: Tool, path: str, draft: Draft) -> Any:
    """A tool of Anthropic's by its type; its name, which goes with the type, may be left out of the configuration."""
    kind, config = tool.provider.type, tool.provider.config_json
    where = f"{path}.provider.config_json"
    fields = check_object(where, config) if config.strip() else {}
    if (beta := _BETAS.get(kind)) is not None:
        draft.needs_beta(beta)
    extra = _marks(tool, path, draft)
    if "name" not in fields and not _NAMELESS.fullmatch(kind):
        extra = {"name": _NAMES.get(kind) or _DATED.sub("", kind), **extra}
    for name in extra:
        if name in fields:
            raise InvalidArgument.field(where, f"{name} is set by a field of the tool; leave it out")
    if not extra:
        return with_type(where, kind, config)
    head = orjson.dumps(extra).decode()[:-1]
    body = config.strip().removeprefix("{").lstrip() if fields else "}"
    return with_type(where, kind, f"{head}{',' if fields else ''}{body}")


def _web_search(options: WebSearchOptions, draft: Draft) -> dict[str, Any]:
    """The web search tool stands for the option.

    https://platform.claude.com/docs/en/agents-and-tools/tool-use/web-search-tool
    """
    kind = draft.dialect.web_search
    if not kind:
        raise UnsupportedByProvider.of("web_search_options", f"{draft.dialect.name} does not search the web")
    if options.search_context_size:
        draft.notes.drop("web_search_options.search_context_size", "the provider decides how much it reads")
    tool: dict[str, Any] = {"type": kind, "name": "web_search"}
    names = ("country", "region", "city", "timezone")
    if place := {name: value for name in names if (value := getattr(options, name))}:
        tool["user_location"] = {"type": "approximate", **place}
    return tool


def _choose(choice: ToolChoice, tools: list[Any], draft: Draft) -> tuple[dict[str, Any], list[Any]]:
    """The choice, and the tools to choose from."""
    match choice.WhichOneof("choice"):
        case "mode":
            return {"type": _MODES[choice.mode]}, tools
        case "function_name":
            return {"type": "tool", "name": choice.function_name}, tools
        case "custom_name":
            raise UnsupportedByProvider.of("tool_choice.custom_name", "Claude has no custom tools")
        case "allowed_tools":
            return _allow(choice.allowed_tools, tools, draft)
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name or allowed_tools")


def _allow(allowed: AllowedTools, tools: list[Any], draft: Draft) -> tuple[dict[str, Any], list[Any]]:
    """Sent alone, the allowed tools are all there is to choose from."""
    keep = set(allowed_places(allowed, draft.request.tools).values())
    mode = _MODES[allowed.mode or chat_pb2.TOOL_CHOICE_MODE_AUTO]
    return {"type": mode}, [tool for place, tool in enumerate(tools) if place in keep]
