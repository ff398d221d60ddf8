"""A recorded Converse request as the contract's message: the harness's own mapping, by what each field means.

Blocks that the contract has no part for are provider parts, which is what a caller would write.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aignehub.v1 import chat_pb2, chat_service_pb2, media_pb2

from tests.wire.messages import decoded
from tests.wire.recording import Json
from tests.wire.request import Built

_Fields = Mapping[str, Any]
_Request = chat_service_pb2.CreateChatCompletionRequest
_Part = chat_pb2.ContentPart

_DOCUMENTS = {"txt": "text/plain", "pdf": "application/pdf", "md": "text/markdown", "csv": "text/csv"}
_LEVELS = {"low": 3, "medium": 4, "high": 5}


def build(body: Mapping[str, Json], model: str) -> Built:
    """``model`` is the hub's name of it."""
    built = Built(_Request(model=model))
    request = built.request
    for name, value in body.items():
        match name:
            case "system":
                if value:
                    _add_parts(request.messages.add(role=chat_pb2.ROLE_SYSTEM), value)
            case "messages":
                for fields in value:
                    request.messages.extend(_messages(fields))
            case "inferenceConfig":
                built.unmapped += _inference(request, value)
            case "toolConfig":
                _tools(request, value)
            case "outputConfig":
                _output(request, value)
            case "additionalModelRequestFields":
                built.unmapped += _additional(request, value)
            case _:
                built.unmapped.append(name)
    return built


def _messages(fields: _Fields) -> Iterator[chat_pb2.Message]:
    """One turn; each result of a tool is a message of its own."""
    if fields["role"] == "assistant":
        message = chat_pb2.Message(role=chat_pb2.ROLE_ASSISTANT)
        _add_parts(message, fields["content"])
        yield message
        return
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER)
    for block in fields["content"]:
        if "toolResult" not in block:
            _add_parts(message, [block])
            continue
        if message.content:
            yield message
            message = chat_pb2.Message(role=chat_pb2.ROLE_USER)
        told = block["toolResult"]
        result = chat_pb2.Message(role=chat_pb2.ROLE_TOOL, tool_call_id=told["toolUseId"])
        _add_parts(result, told["content"])
        result.tool_error = told.get("status") == "error"
        yield result
    if message.content:
        yield message


def _add_parts(message: chat_pb2.Message, blocks: list[_Fields]) -> None:
    for block in blocks:
        kind, inner = next(iter(block.items()))
        match kind:
            case "cachePoint":
                message.content[-1].cache_control.ttl = inner.get("ttl", "")
                message.content[-1].cache_control.SetInParent()
            case "toolUse" if "type" not in inner:
                call = message.tool_calls.add(id=inner["toolUseId"], part_index=len(message.content))
                call.function.name = inner["name"]
                call.function.arguments_json = json.dumps(inner["input"], ensure_ascii=False)
            case _:
                message.content.append(_part(kind, inner))


def _part(kind: str, inner: Any) -> _Part:
    match kind:
        case "text":
            return _Part(text=inner)
        case "image" | "video":
            part = _Part()
            media = getattr(part, kind).media
            media.CopyFrom(_media(inner["source"], f"{kind}/{inner['format'].rpartition('/')[2]}"))
            return part
        case "document" if "content" not in inner["source"]:
            media = _media(inner["source"], _DOCUMENTS[inner["format"]])
            file = chat_pb2.FilePart(media=media, title=inner["name"], context=inner.get("context", ""))
            if "citations" in inner:
                file.citations = inner["citations"]["enabled"]
            return _Part(file=file)
        case "reasoningContent" if "reasoningText" in inner:
            told = inner["reasoningText"]
            thought = chat_pb2.ReasoningPart(
                text=told["text"], signature=told.get("signature", "").encode(), provider="bedrock"
            )
            return _Part(reasoning=thought)
        case _:
            block = json.dumps({kind: inner}, ensure_ascii=False)
            return _Part(provider=chat_pb2.ProviderPart(provider="bedrock", type=kind, json=block))


def _media(source: _Fields, mime_type: str) -> media_pb2.Media:
    if "s3Location" in source:
        return media_pb2.Media(url=source["s3Location"]["uri"], mime_type=mime_type)
    data = source["text"].encode() if "text" in source else decoded(source["bytes"])
    return media_pb2.Media(data=data, mime_type=mime_type)


def _inference(request: _Request, fields: _Fields) -> list[str]:
    unmapped = []
    for name, value in fields.items():
        match name:
            case "maxTokens":
                request.max_completion_tokens = value
            case "temperature":
                request.temperature = value
            case "topP":
                request.top_p = value
            case "stopSequences":
                request.stop.extend(value)
            case _:
                unmapped.append(f"inferenceConfig.{name}")
    return unmapped


def _tools(request: _Request, fields: _Fields) -> None:
    for tool in fields["tools"]:
        if "cachePoint" in tool:
            request.tools[-1].cache_control.SetInParent()
        elif "systemTool" in tool:
            request.tools.add().provider.type = tool["systemTool"]["name"]
        else:
            told = tool["toolSpec"]
            function = request.tools.add().function
            function.name, function.description = told["name"], told.get("description", "")
            function.parameters_json_schema = json.dumps(told["inputSchema"]["json"], ensure_ascii=False)
            if "strict" in told:
                function.strict = told["strict"]
    choice = fields.get("toolChoice", {})
    if "auto" in choice:
        request.tool_choice.mode = chat_pb2.TOOL_CHOICE_MODE_AUTO
    elif "any" in choice:
        request.tool_choice.mode = chat_pb2.TOOL_CHOICE_MODE_REQUIRED
    elif "tool" in choice:
        request.tool_choice.function_name = choice["tool"]["name"]


def _output(request: _Request, fields: _Fields) -> None:
    told = fields["textFormat"]["structure"]["jsonSchema"]
    schema = request.response_format.json_schema
    schema.schema_json, schema.name = told["schema"], told.get("name", "")
    schema.description = told.get("description", "")


def _additional(request: _Request, fields: _Fields) -> list[str]:
    unmapped = []
    for name, value in fields.items():
        match name:
            case "thinking" | "reasoning_config" if isinstance(value, dict):
                _thinking(request.reasoning, value)
            case "reasoning_effort" | "reasoning_config":
                request.reasoning.effort = chat_pb2.ReasoningEffort.ValueType(_LEVELS[value])
            case "anthropic_beta":
                # What extra_body_json is there for.
                request.gateway.extra_body_json = json.dumps({"additionalModelRequestFields": {name: value}})
            case _:
                unmapped.append(f"additionalModelRequestFields.{name}")
    return unmapped


def _thinking(reasoning: chat_pb2.ReasoningOptions, fields: _Fields) -> None:
    if fields["type"] == "adaptive":
        reasoning.mode = chat_pb2.REASONING_MODE_ADAPTIVE
    if "budget_tokens" in fields:
        reasoning.budget_tokens = fields["budget_tokens"]
    if "display" in fields:
        reasoning.include_text = fields["display"] == "summarized"
