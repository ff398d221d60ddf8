"""A recorded generateContent request as the contract's message: the harness's own mapping, by what each field means.

What the contract knows no field for is given where it says that a caller does so: in gateway.extra_body_json.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from aignehub.v1 import audio_pb2, chat_pb2, chat_service_pb2, media_pb2, usage_pb2

from tests.wire.messages import decoded
from tests.wire.request import Built

_Fields = Mapping[str, Any]
_Request = chat_service_pb2.CreateChatCompletionRequest
_Part = chat_pb2.ContentPart

_MODALITIES = {
    "TEXT": usage_pb2.MODALITY_TEXT,
    "IMAGE": usage_pb2.MODALITY_IMAGE,
    "AUDIO": usage_pb2.MODALITY_AUDIO,
}
_LEVELS = {
    "minimal": chat_pb2.REASONING_EFFORT_MINIMAL,
    "low": chat_pb2.REASONING_EFFORT_LOW,
    "medium": chat_pb2.REASONING_EFFORT_MEDIUM,
    "high": chat_pb2.REASONING_EFFORT_HIGH,
}
# The model is said in the path.
_MAPPED = ("systemInstruction", "contents", "tools", "toolConfig", "generationConfig", "model")
_ADDED = ("safetySettings", "cachedContent")
_ADDED_CONFIG = ("imageConfig",)


def build(body: _Fields, model: str, provider: str) -> Built:
    """``body`` in its canonical form; ``model`` is the hub's name of it, ``provider`` who made its earlier answers."""
    built = Built(_Request(model=model))
    request = built.request
    extra: dict[str, Any] = {key: body[key] for key in _ADDED if key in body}
    if "systemInstruction" in body:
        _instruct(request, body["systemInstruction"])
    turns = _Turns(request, provider)
    for fields in body["contents"]:
        turns.add(fields)
    _tools(request, body.get("tools", []))
    built.unmapped += _choice(request, body.get("toolConfig", {}), extra)
    built.unmapped += _config(request, body.get("generationConfig", {}), extra)
    built.unmapped += [name for name in body if name not in (*_MAPPED, *_ADDED)]
    if extra:
        request.gateway.extra_body_json = json.dumps(extra, ensure_ascii=False)
    return built


def _instruct(request: _Request, content: _Fields) -> None:
    parts = content["parts"] if isinstance(content["parts"], list) else [content["parts"]]
    texts = [part["text"] for part in parts if part["text"]]
    if texts:
        request.messages.add(role=chat_pb2.ROLE_SYSTEM).content.extend(_Part(text=text) for text in texts)


class _Turns:
    """Turns of the format as messages; calls without ids get some, and results are those of the calls before."""

    def __init__(self, request: _Request, provider: str) -> None:
        self._request = request
        self._provider = provider
        self._open: list[chat_pb2.ToolCall] = []
        self._made = 0

    def add(self, fields: _Fields) -> None:
        """One turn; each result of a tool is a message of its own, and media beside it are part of what it came to."""
        if fields["role"] == "model":
            self._open = []
            answer = self._request.messages.add(role=chat_pb2.ROLE_ASSISTANT)
            for part in fields["parts"]:
                self._add_model_part(answer, part)
            return
        message: chat_pb2.Message | None = None
        for part in fields["parts"]:
            if "functionResponse" in part:
                message = self._result(part["functionResponse"])
                continue
            if message is None:
                message = self._request.messages.add(role=chat_pb2.ROLE_USER)
            message.content.append(_part(part, self._provider))

    def _add_model_part(self, message: chat_pb2.Message, part: _Fields) -> None:
        if "functionCall" not in part:
            message.content.append(_part(part, self._provider))
            return
        told = part["functionCall"]
        self._made += 1
        call = message.tool_calls.add(id=told.get("id") or f"made-{self._made}", part_index=len(message.content))
        call.function.name = told["name"]
        call.function.arguments_json = json.dumps(told.get("args", {}), ensure_ascii=False)
        call.signature = part.get("thoughtSignature", "").encode()
        self._open.append(call)

    def _result(self, told: _Fields) -> chat_pb2.Message:
        call = next(one for one in self._open if one.function.name == told["name"])
        self._open.remove(call)
        message = self._request.messages.add(role=chat_pb2.ROLE_TOOL, tool_call_id=told.get("id") or call.id)
        message.content.add(text=json.dumps(told["response"], ensure_ascii=False))
        message.content.extend(_part(part, self._provider) for part in told.get("parts", ()))
        return message


def _part(fields: _Fields, provider: str) -> _Part:
    signature = fields.get("thoughtSignature", "").encode()
    if fields.get("thought"):
        thought = chat_pb2.ReasoningPart(text=fields["text"], signature=signature, provider=provider)
        return _Part(reasoning=thought)
    if "text" in fields:
        return _Part(text=fields["text"], signature=signature)
    if "inlineData" in fields or "fileData" in fields:
        return _media_part(fields, signature)
    kind = next(name for name in fields if name != "thoughtSignature")
    block = chat_pb2.ProviderPart(provider=provider, type=kind, json=json.dumps(fields, ensure_ascii=False))
    return _Part(provider=block)


def _media_part(fields: _Fields, signature: bytes) -> _Part:
    if "inlineData" in fields:
        told = fields["inlineData"]
        media = media_pb2.Media(data=decoded(told["data"].replace("-", "+").replace("_", "/")))
    else:
        told = fields["fileData"]
        media = media_pb2.Media(url=told["fileUri"])
    media.mime_type = told.get("mimeType", "")
    kind = media.mime_type.partition("/")[0]
    part = _Part(signature=signature)
    getattr(part, kind if kind in ("image", "audio", "video") else "file").media.CopyFrom(media)
    if "videoMetadata" in fields:
        part.video.fps = fields["videoMetadata"]["fps"]
    return part


def _tools(request: _Request, tools: list[_Fields]) -> None:
    for tool in tools:
        for kind, told in tool.items():
            if kind != "functionDeclarations":
                request.tools.add().provider.type = kind
                continue
            for one in told:
                function = request.tools.add().function
                function.name, function.description = one["name"], one.get("description", "")
                if "parametersJsonSchema" in one:
                    function.parameters_json_schema = json.dumps(one["parametersJsonSchema"], ensure_ascii=False)


def _choice(request: _Request, config: _Fields, extra: dict[str, Any]) -> list[str]:
    unmapped = []
    for name, value in config.items():
        if name == "includeServerSideToolInvocations":
            extra["toolConfig"] = {name: value}
        elif name == "functionCallingConfig" and value["mode"] == "ANY":
            names = value.get("allowedFunctionNames")
            if names:
                request.tool_choice.allowed_tools.mode = chat_pb2.TOOL_CHOICE_MODE_REQUIRED
                request.tool_choice.allowed_tools.names.extend(names)
            else:
                request.tool_choice.mode = chat_pb2.TOOL_CHOICE_MODE_REQUIRED
        else:
            unmapped.append(f"toolConfig.{name}")
    return unmapped


def _config(request: _Request, config: _Fields, extra: dict[str, Any]) -> list[str]:
    unmapped = []
    for name, value in config.items():
        if name in _NUMBERS:
            setattr(request, _NUMBERS[name], value)
        elif name in _SETTINGS:
            _SETTINGS[name](request, value)
        elif name in _ADDED_CONFIG:
            if value:
                extra.setdefault("generationConfig", {})[name] = value
        else:
            unmapped.append(f"generationConfig.{name}")
    return unmapped


def _modalities(request: _Request, value: list[str]) -> None:
    request.modalities.extend(_MODALITIES[word] for word in value)


def _json(request: _Request, value: str) -> None:
    # With a schema, which comes before it or after it, this is all JSON.
    if not request.response_format.HasField("json_schema"):
        request.response_format.json_object.SetInParent()


def _schema(request: _Request, value: Any) -> None:
    request.response_format.json_schema.schema_json = json.dumps(value, ensure_ascii=False)


def _speech(request: _Request, value: _Fields) -> None:
    request.audio.voice = value["voiceConfig"]["prebuiltVoiceConfig"]["voiceName"]
    request.audio.format = audio_pb2.AUDIO_FORMAT_PCM_S16LE


def _thinking(request: _Request, fields: _Fields) -> None:
    reasoning = request.reasoning
    if "includeThoughts" in fields:
        reasoning.include_text = fields["includeThoughts"]
    if "thinkingBudget" in fields:
        reasoning.budget_tokens = fields["thinkingBudget"]
    if "thinkingLevel" in fields:
        reasoning.effort = _LEVELS[fields["thinkingLevel"].lower()]


_NUMBERS = {
    "temperature": "temperature",
    "maxOutputTokens": "max_completion_tokens",
    "candidateCount": "n",
    "seed": "seed",
}
_SETTINGS: Mapping[str, Callable[[_Request, Any], None]] = {
    "responseModalities": _modalities,
    "responseMimeType": _json,
    "responseJsonSchema": _schema,
    "thinkingConfig": _thinking,
    "speechConfig": _speech,
}
