"""Tools and the choice among them."""

from collections.abc import Iterator
from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import AllowedTools, FunctionTool, Tool, ToolChoice

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.bedrock.draft import PROVIDER, Draft
from server.wire.bedrock.messages import cache_point, check_tool_name
from server.wire.chat.tool_names import allowed_places
from server.wire.json_text import check_object, with_type

_AUTO = chat_pb2.TOOL_CHOICE_MODE_AUTO
_NONE = chat_pb2.TOOL_CHOICE_MODE_NONE
_REQUIRED = chat_pb2.TOOL_CHOICE_MODE_REQUIRED
_EMPTY_SCHEMA = {"type": "object", "properties": {}}


def encode_tools(draft: Draft) -> None:
    """Puts ``toolConfig`` into the body; the conversation is there already."""
    request = draft.request
    kept = _allowed(request.tool_choice.allowed_tools, draft) if _restricts(request.tool_choice) else None
    tools = [
        entry
        for place, tool in enumerate(request.tools)
        if kept is None or place in kept
        for entry in _tool(tool, f"tools[{place}]", draft)
    ]
    if request.HasField("web_search_options"):
        tools.append(_web_search(draft))
    choice = _choice(request.tool_choice, draft) if request.tools and request.HasField("tool_choice") else {}
    forbidden = choice == {"none": {}}
    if not tools or forbidden:
        # A conversation cannot be read without the tools that it tells of, though none of them is to be called.
        if not (old := list(_used_before(draft))):
            return
        tools, forbidden = tools or old, True
    draft.body["toolConfig"] = {"tools": tools}
    draft.forbids_tools = forbidden
    put_choice({"none": {}} if forbidden else choice, draft)


def force_refusal(way: str, draft: Draft) -> str:
    """Why the model cannot be made to call a tool in a way of ``toolChoice``; empty where it can."""
    if way not in draft.family.choices:
        return f"the model {draft.model} cannot be made to call a tool"
    if draft.thinks_by_budget:
        # https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
        return f"the model {draft.model} cannot be made to call a tool while it reasons"
    return ""


def put_choice(choice: dict[str, Any], draft: Draft) -> None:
    """Puts the choice among the tools that are in the body, and whether there may be several calls."""
    request = draft.request
    draft.drop_extra("tool_choice")
    one = request.HasField("parallel_tool_calls") and not request.parallel_tool_calls
    way = next(iter(choice), "")
    if draft.family.native_choice and (way == "none" or one):
        # Converse has neither, and hands Anthropic's own field on where its own is absent:
        # https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-tool-use.html
        told: dict[str, Any] = {"type": way or "auto", **choice.get(way, {})}
        draft.put_extra(("tool_choice",), told if way == "none" else {**told, "disable_parallel_tool_use": True})
        return
    if way == "none":
        raise UnsupportedByProvider.of(
            "tool_choice.mode" if request.HasField("tool_choice") else "tools",
            f"the model {draft.model} cannot be kept from calling the tools that the conversation tells of",
        )
    if one:
        draft.notes.drop("parallel_tool_calls", f"the model {draft.model} decides how many tools it calls")
    if choice:
        draft.body["toolConfig"]["toolChoice"] = choice


def _tool(tool: Tool, path: str, draft: Draft) -> Iterator[Any]:
    match tool.WhichOneof("tool"):
        case "function":
            yield {"toolSpec": _function(tool.function, f"{path}.function", draft)}
        case "custom":
            raise UnsupportedByProvider.of(f"{path}.custom", f"{PROVIDER} has no custom tools; declare a function")
        case "provider":
            # https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_SystemTool.html
            if tool.provider.config_json.strip() not in ("", "{}"):
                raise InvalidArgument.field(
                    f"{path}.provider.config_json", f"{PROVIDER} configures no tools of its own"
                )
            yield {"systemTool": {"name": check_tool_name(tool.provider.type, f"{path}.provider.type")}}
        case _:
            raise InvalidArgument.field(path, "set function or provider")
    if tool.defer_loading:
        draft.notes.drop(f"{path}.defer_loading", "the provider loads every tool")
    if tool.HasField("cache_control"):
        yield from cache_point(tool.cache_control, path, "tools", draft)


def _function(function: FunctionTool, path: str, draft: Draft) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": check_tool_name(function.name, f"{path}.name")}
    if function.description:
        entry["description"] = function.description
    where = f"{path}.parameters_json_schema"
    entry["inputSchema"] = {"json": _schema(function.parameters_json_schema, where)}
    if function.HasField("strict"):
        if draft.family.strict_tools:
            entry["strict"] = function.strict
        elif function.strict:
            draft.notes.drop(f"{path}.strict", f"the model {draft.model} does not hold arguments to a schema")
    return entry


def _schema(text: str, path: str) -> Any:
    """The caller's own text, with the type that all arguments have."""
    if not text.strip():
        return _EMPTY_SCHEMA
    return orjson.Fragment(text) if "type" in check_object(path, text) else with_type(path, "object", text)


def _web_search(draft: Draft) -> Any:
    name = draft.family.grounding
    if not name:
        raise UnsupportedByProvider.of("web_search_options", f"the model {draft.model} does not search the web")
    for field, _ in draft.request.web_search_options.ListFields():
        draft.notes.drop(f"web_search_options.{field.name}", "the provider's search takes no options")
    return {"systemTool": {"name": name}}


def _used_before(draft: Draft) -> Iterator[Any]:
    """A specification for every tool that the conversation tells of."""
    names = {
        block["toolUse"]["name"]: None
        for turn in draft.body["messages"]
        for block in turn["content"]
        if isinstance(block, dict) and "toolUse" in block
    }
    for name in names:
        yield {"toolSpec": {"name": name, "inputSchema": {"json": _EMPTY_SCHEMA}}}


def _restricts(choice: ToolChoice) -> bool:
    return choice.WhichOneof("choice") == "allowed_tools"


def _choice(choice: ToolChoice, draft: Draft) -> dict[str, Any]:
    match choice.WhichOneof("choice"):
        case "mode":
            return _mode(choice.mode, "tool_choice.mode", draft)
        case "function_name":
            return _named(choice.function_name, draft)
        case "custom_name":
            raise UnsupportedByProvider.of("tool_choice.custom_name", f"{PROVIDER} has no custom tools")
        case "allowed_tools":
            # Sent alone, the allowed tools are all there is to choose from.
            return _mode(choice.allowed_tools.mode or _AUTO, "tool_choice.allowed_tools.mode", draft)
        case _:
            raise InvalidArgument.field("tool_choice", "set mode, function_name or allowed_tools")


def _mode(mode: int, path: str, draft: Draft) -> dict[str, Any]:
    if mode == _REQUIRED:
        if why := force_refusal("any", draft):
            raise UnsupportedByProvider.of(path, why)
        return {"any": {}}
    if mode == _NONE:
        return {"none": {}}
    return {"auto": {}} if draft.family.choices else {}


def _named(name: str, draft: Draft) -> dict[str, Any]:
    if why := force_refusal("tool", draft):
        raise UnsupportedByProvider.of("tool_choice.function_name", why)
    return {"tool": {"name": check_tool_name(name, "tool_choice.function_name")}}


def _allowed(allowed: AllowedTools, draft: Draft) -> frozenset[int]:
    return frozenset(allowed_places(allowed, draft.request.tools).values())
