"""A recorded request of Anthropic's Messages API as the contract's message, by what each field means.

What the contract has no field for is left out and named, but for fields that ``gateway.extra_body_json`` is there for.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from aignehub.v1 import chat_pb2, media_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest

from tests.wire.messages import decoded
from tests.wire.request import Built

_Fields = Mapping[str, Any]
_Part = chat_pb2.ContentPart
_PROVIDER = "anthropic"
_BESIDE = frozenset({"mcp_servers", "container", "context_management"})
"""Features that the contract leaves to the provider's own words."""


def build(body: _Fields, model: str) -> Built:
    """``model`` is the hub's name of it."""
    built = Built(CreateChatCompletionRequest(model=model))
    beside = {name: value for name, value in body.items() if name in _BESIDE}
    if beside:
        built.request.gateway.extra_body_json = orjson.dumps(beside).decode()
    if body.get("system"):
        message = built.request.messages.add(role=chat_pb2.ROLE_SYSTEM)
        built.unmapped += _parts(message, body["system"], "system")
    for place, fields in enumerate(body.get("messages", ())):
        built.unmapped += _turn(built.request, fields, f"messages[{place}].content")
    for name, value in body.items():
        if value is None or name in _BESIDE or name in ("model", "stream", "system", "messages"):
            continue
        write = _FIELDS.get(name)
        built.unmapped += [name] if write is None else [name + path for path in write(built.request, value)]
    return built


def _turn(request: CreateChatCompletionRequest, fields: _Fields, path: str) -> list[str]:
    content = fields["content"]
    if fields["role"] == "assistant":
        return _parts(request.messages.add(role=chat_pb2.ROLE_ASSISTANT), content, path)
    rest = content
    unmapped: list[str] = []
    if not isinstance(content, str):
        rest = [block for block in content if block["type"] != "tool_result"]
        for block in content:
            if block["type"] == "tool_result":
                unmapped += _result(request, block, path)
    if rest:
        unmapped += _parts(request.messages.add(role=chat_pb2.ROLE_USER), rest, path)
    return unmapped


def _result(request: CreateChatCompletionRequest, block: _Fields, path: str) -> list[str]:
    message = request.messages.add(role=chat_pb2.ROLE_TOOL, tool_call_id=block["tool_use_id"])
    message.tool_error = bool(block.get("is_error"))
    unmapped = _parts(message, block.get("content") or "", f"{path}[].content")
    _mark(message.content[-1], block)
    known = ("type", "tool_use_id", "content", "is_error", "cache_control")
    return unmapped + [f"{path}[].{name}" for name in block if name not in known]


def _parts(message: chat_pb2.Message, content: Any, path: str) -> list[str]:
    if isinstance(content, str):
        message.content.add().text = content
        return []
    unmapped: list[str] = []
    for place, block in enumerate(content):
        if block["type"] == "tool_use":
            call = message.tool_calls.add(id=block["id"], part_index=len(message.content))
            call.function.name = block["name"]
            call.function.arguments_json = orjson.dumps(block["input"]).decode()
            continue
        part = message.content.add()
        unmapped += [f"{path}[{place}]{left}" for left in _BLOCKS.get(block["type"], _own)(part, block)]
        _mark(part, block)
    return unmapped


def _mark(part: _Part, block: _Fields) -> None:
    if (mark := block.get("cache_control")) and part.WhichOneof("part") != "provider":
        part.cache_control.ttl = mark.get("ttl", "")
        part.cache_control.SetInParent()


def _others(block: _Fields, *known: str) -> list[str]:
    return [f".{name}" for name, value in block.items() if name not in (*known, "type", "cache_control") and value]


def _text(part: _Part, block: _Fields) -> list[str]:
    part.text = block["text"]
    return _others(block, "text")


def _thinking(part: _Part, block: _Fields) -> list[str]:
    part.reasoning.text = block.get("thinking", "")
    part.reasoning.signature = block.get("signature", block.get("data", "")).encode()
    part.reasoning.redacted = block["type"] == "redacted_thinking"
    part.reasoning.provider = _PROVIDER
    return _others(block, "thinking", "signature", "data")


def _media(media: media_pb2.Media, source: _Fields) -> list[str]:
    match source["type"]:
        case "base64":
            media.data, media.mime_type = decoded(source["data"]), source["media_type"]
        case "text":
            media.data, media.mime_type = source["data"].encode(), source["media_type"]
        case "url":
            media.url = source["url"]
        case "file":
            media.file_id = source["file_id"]
        case _:
            return [".source"]
    return []


def _image(part: _Part, block: _Fields) -> list[str]:
    return _media(part.image.media, block["source"]) + _others(block, "source")


def _document(part: _Part, block: _Fields) -> list[str]:
    file = part.file
    file.title, file.context = block.get("title") or "", block.get("context") or ""
    if block.get("citations"):
        file.citations = block["citations"]["enabled"]
    return _media(file.media, block["source"]) + _others(block, "source", "title", "context", "citations")


def _own(part: _Part, block: _Fields) -> list[str]:
    """Whatever else there is goes back as it came."""
    part.provider.provider, part.provider.type = _PROVIDER, block["type"]
    part.provider.json = orjson.dumps(block).decode()
    return []


_BLOCKS: Mapping[str, Callable[[_Part, _Fields], list[str]]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": _thinking,
    "image": _image,
    "document": _document,
}


def _tools(request: CreateChatCompletionRequest, value: Any) -> list[str]:
    unmapped: list[str] = []
    for place, fields in enumerate(value):
        tool = request.tools.add()
        if mark := fields.get("cache_control"):
            tool.cache_control.ttl = mark.get("ttl", "")
            tool.cache_control.SetInParent()
        if fields.get("defer_loading") is not None:
            tool.defer_loading = fields["defer_loading"]
        rest = {name: told for name, told in fields.items() if name not in ("cache_control", "defer_loading")}
        if fields.get("type", "custom") != "custom":
            tool.provider.type = rest.pop("type")
            tool.provider.config_json = orjson.dumps(rest).decode()
            continue
        tool.function.name = fields["name"]
        tool.function.description = fields.get("description") or ""
        tool.function.parameters_json_schema = orjson.dumps(fields["input_schema"]).decode()
        if fields.get("strict") is not None:
            tool.function.strict = fields["strict"]
        known = ("type", "name", "description", "input_schema", "strict")
        unmapped += [f"[{place}].{name}" for name in rest if name not in known]
    return unmapped


def _tool_choice(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    modes = {
        "auto": chat_pb2.TOOL_CHOICE_MODE_AUTO,
        "any": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
        "none": chat_pb2.TOOL_CHOICE_MODE_NONE,
    }
    if value["type"] == "tool":
        request.tool_choice.function_name = value["name"]
    else:
        request.tool_choice.mode = modes[value["type"]]
    if value.get("disable_parallel_tool_use") is not None:
        request.parallel_tool_calls = not value["disable_parallel_tool_use"]
    return []


def _reasoning(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    options = request.reasoning
    match value["type"]:
        case "enabled":
            options.budget_tokens = value["budget_tokens"]
        case "adaptive":
            options.mode = chat_pb2.REASONING_MODE_ADAPTIVE
        case _:
            options.mode = chat_pb2.REASONING_MODE_OFF
    if value.get("display"):
        options.include_text = value["display"] == "summarized"
    return [f".{name}" for name in value if name not in ("type", "budget_tokens", "display")]


def _output_config(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    if value.get("effort"):
        request.reasoning.effort = chat_pb2.ReasoningEffort.Value(f"REASONING_EFFORT_{value['effort'].upper()}")
    unmapped = [f".format{path}" for path in _format(request, value["format"])] if value.get("format") else []
    return unmapped + [f".{name}" for name in value if name not in ("effort", "format")]


def _format(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    request.response_format.json_schema.schema_json = orjson.dumps(value["schema"]).decode()
    return [f".{name}" for name in value if name not in ("type", "schema")]


def _metadata(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    request.safety_identifier = value.get("user_id") or ""
    return [f".{name}" for name in value if name != "user_id"]


def _caching(request: CreateChatCompletionRequest, value: _Fields) -> list[str]:
    request.prompt_cache_ttl = value.get("ttl") or "5m"
    return []


def _stop(request: CreateChatCompletionRequest, value: list[str]) -> list[str]:
    request.stop.extend(value)
    return []


def _plain(name: str) -> Callable[[CreateChatCompletionRequest, Any], list[str]]:
    def write(request: CreateChatCompletionRequest, value: Any) -> list[str]:
        setattr(request, name, value)
        return []

    return write


_FIELDS: Mapping[str, Callable[[CreateChatCompletionRequest, Any], list[str]]] = {
    "max_tokens": _plain("max_completion_tokens"),
    "tools": _tools,
    "tool_choice": _tool_choice,
    "thinking": _reasoning,
    "output_config": _output_config,
    "output_format": _format,
    "metadata": _metadata,
    "cache_control": _caching,
    "stop_sequences": _stop,
    **{name: _plain(name) for name in ("temperature", "top_p", "top_k", "service_tier")},
}
