"""A recorded chat-completions request as the contract's message: the harness's own mapping, by what each field means.

A field of the recording that the contract has no field for is left out and named, but for the few of ``BESIDE``: those
the contract leaves to the provider's own words, in ``gateway.extra_body_json``. The report counts them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from aignehub.v1 import audio_pb2, chat_pb2, chat_service_pb2, usage_pb2

from tests.wire.messages import message_of
from tests.wire.recording import Json

_Request = chat_service_pb2.CreateChatCompletionRequest

BESIDE: Mapping[str, frozenset[str]] = {
    # How it routes and rewrites, which is no part of a conversation: https://openrouter.ai/docs/features/model-routing
    "openrouter": frozenset({"models", "provider", "transforms", "preset", "plugins", "route"}),
}
"""Fields of one host's own, by provider."""


@dataclass(slots=True)
class Built:
    """The request and what of the recording it cannot say, as JSON paths."""

    request: _Request
    unmapped: list[str] = field(default_factory=list)


def build(body: Mapping[str, Json], model: str, provider: str) -> Built:
    """``model`` is the hub's name of it, ``provider`` the kind it is replayed as."""
    built = Built(_Request(model=model))
    own = BESIDE.get(provider, frozenset())
    put_beside(built.request, {name: value for name, value in body.items() if name in own})
    for name, value in body.items():
        if value is None or name in _SAID_OTHERWISE or name in own:
            continue
        if name == "messages":
            for place, fields in enumerate(value):
                message, unmapped = message_of(fields, provider)
                built.request.messages.append(message)
                built.unmapped += [f"messages[{place}].{path}" for path in unmapped]
            continue
        write = FIELDS.get(name)
        if write is None:
            built.unmapped.append(name)
            continue
        built.unmapped += [name + path for path in write(built.request, value) or ()]
    return built


def put_beside(request: _Request, fields: Mapping[str, Json]) -> None:
    """Gives fields of a provider's own where a caller would."""
    if fields:
        request.gateway.extra_body_json = orjson.dumps(fields).decode()


def minimal(model: str) -> _Request:
    """For a recording without a request: the least that asks for an answer."""
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text="Hello")])
    return _Request(model=model, messages=[message])


# The model is part of the hub's name of it, and stream is which method is called.
_SAID_OTHERWISE = frozenset({"model", "stream"})

_Write = Callable[[_Request, Any], list[str] | None]


def _plain(name: str, kind: type) -> _Write:
    def write(request: _Request, value: Any) -> list[str]:
        if kind is not bool and isinstance(value, bool):
            return [""]
        try:
            setattr(request, name, kind(value))
        except (TypeError, ValueError):
            return [""]
        return []

    return write


def _limit(request: _Request, value: Any) -> list[str]:
    if request.HasField("max_completion_tokens") and request.max_completion_tokens != value:
        return [""]
    request.max_completion_tokens = value
    return []


def _stop(request: _Request, value: Any) -> None:
    request.stop.extend([value] if isinstance(value, str) else value)


def _stream_options(request: _Request, value: Any) -> list[str]:
    if "include_obfuscation" in value:
        request.stream_options.include_obfuscation = value["include_obfuscation"]
    # Usage is always sent, so the contract has no word for include_usage.
    return [f".{name}" for name in value if name not in ("include_usage", "include_obfuscation")]


def _tools(request: _Request, value: Any) -> list[str]:
    unmapped = []
    for place, fields in enumerate(value):
        unmapped += [f"[{place}].{path}" for path in _tool(request.tools.add(), fields)]
    return unmapped


def _tool(tool: chat_pb2.Tool, fields: Mapping[str, Any]) -> list[str]:
    rest = {name: value for name, value in fields.items() if name not in ("type", "cache_control")}
    cache = fields.get("cache_control")
    if cache:
        tool.cache_control.ttl = cache.get("ttl", "")
    kind = fields.get("type", "function")
    if kind == "function":
        if rest.get("name") == rest.get("function", {}).get("name"):
            rest.pop("name", None)
        return _function_tool(tool.function, rest.pop("function", {})) + list(rest)
    if kind == "custom":
        return _custom_tool(tool.custom, rest.pop("custom", {})) + list(rest)
    tool.provider.type = kind
    tool.provider.config_json = orjson.dumps(rest).decode() if rest else ""
    return []


def _function_tool(tool: chat_pb2.FunctionTool, fields: Mapping[str, Any]) -> list[str]:
    tool.name = fields.get("name", "")
    tool.description = fields.get("description") or ""
    if fields.get("parameters") is not None:
        tool.parameters_json_schema = orjson.dumps(fields["parameters"]).decode()
    if fields.get("strict") is not None:
        tool.strict = fields["strict"]
    return [f"function.{name}" for name in fields if name not in ("name", "description", "parameters", "strict")]


def _custom_tool(tool: chat_pb2.CustomTool, fields: Mapping[str, Any]) -> list[str]:
    tool.name = fields.get("name", "")
    tool.description = fields.get("description") or ""
    shape = fields.get("format") or {}
    grammar = shape.get("grammar") or {}
    if shape.get("type") == "grammar":
        setattr(tool, f"{grammar.get('syntax', 'lark')}_grammar", grammar.get("definition", ""))
    return [f"custom.{name}" for name in fields if name not in ("name", "description", "format")]


_MODES = {
    "auto": chat_pb2.TOOL_CHOICE_MODE_AUTO,
    "none": chat_pb2.TOOL_CHOICE_MODE_NONE,
    "required": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
    "any": chat_pb2.TOOL_CHOICE_MODE_REQUIRED,
}


def _tool_choice(request: _Request, value: Any) -> list[str]:
    choice = request.tool_choice
    if isinstance(value, str):
        if value not in _MODES:
            request.ClearField("tool_choice")
            return [""]
        choice.mode = _MODES[value]
        return []
    if value.get("type") == "function":
        choice.function_name = value["function"]["name"]
    elif value.get("type") == "custom":
        choice.custom_name = value["custom"]["name"]
    elif value.get("type") == "allowed_tools":
        allowed = value.get("allowed_tools") or value
        choice.allowed_tools.mode = _MODES.get(allowed.get("mode", "auto"), chat_pb2.TOOL_CHOICE_MODE_AUTO)
        for tool in allowed.get("tools", ()):
            choice.allowed_tools.names.append((tool.get("function") or tool.get("custom") or {}).get("name", ""))
    else:
        request.ClearField("tool_choice")
        return [""]
    return []


def _response_format(request: _Request, value: Any) -> list[str]:
    shape = request.response_format
    kind = value.get("type")
    if kind == "text":
        shape.text.SetInParent()
    elif kind == "json_object":
        shape.json_object.SetInParent()
    elif kind == "json_schema":
        fields = value.get("json_schema") or {}
        shape.json_schema.name = fields.get("name") or ""
        shape.json_schema.description = fields.get("description") or ""
        shape.json_schema.schema_json = orjson.dumps(fields.get("schema") or {}).decode()
        if fields.get("strict") is not None:
            shape.json_schema.strict = fields["strict"]
        return [f".json_schema.{name}" for name in fields if name not in ("name", "description", "schema", "strict")]
    else:
        request.ClearField("response_format")
        return [""]
    return []


_EFFORTS = frozenset(chat_pb2.ReasoningEffort.keys())


def _effort(request: _Request, value: Any) -> list[str]:
    name = f"REASONING_EFFORT_{str(value).upper()}"
    if name not in _EFFORTS:
        return [""]
    request.reasoning.effort = chat_pb2.ReasoningEffort.Value(name)
    return []


def _reasoning(request: _Request, value: Any) -> list[str]:
    """OpenRouter's object (openrouter.ai/docs/use-cases/reasoning-tokens)."""
    unmapped = []
    for name, told in value.items():
        if name == "effort":
            unmapped += [".effort" for _ in _effort(request, told)]
        elif name == "enabled":
            request.reasoning.mode = chat_pb2.REASONING_MODE_ON if told else chat_pb2.REASONING_MODE_OFF
        elif name == "max_tokens":
            request.reasoning.budget_tokens = told
        elif name == "exclude":
            request.reasoning.include_text = not told
        elif name == "summary":
            request.reasoning.summary = told
        else:
            unmapped.append(f".{name}")
    return unmapped


def _thinking(request: _Request, value: Any) -> list[str]:
    """DeepSeek's and Z.ai's switch (docs.z.ai/api-reference/llm/chat-completion)."""
    modes = {
        "enabled": chat_pb2.REASONING_MODE_ON,
        "disabled": chat_pb2.REASONING_MODE_OFF,
        "adaptive": chat_pb2.REASONING_MODE_ADAPTIVE,
    }
    unmapped = [f".{name}" for name in value if name not in ("type", "budget_tokens", "clear_thinking")]
    if value.get("clear_thinking"):
        # False is what the contract's own rule says: reasoning that a caller sends back is to be read.
        unmapped.append(".clear_thinking")
    if "budget_tokens" in value:
        request.reasoning.budget_tokens = value["budget_tokens"]
    if value.get("type") not in modes:
        return [*unmapped, ".type"]
    request.reasoning.mode = modes[value["type"]]
    return unmapped


def _reasoning_format(request: _Request, value: Any) -> list[str]:
    """Groq: parsed returns the reasoning beside the text, hidden leaves it out (console.groq.com/docs/reasoning)."""
    if value not in ("parsed", "hidden"):
        return [""]
    request.reasoning.include_text = value == "parsed"
    return []


def _include_reasoning(request: _Request, value: Any) -> None:
    request.reasoning.include_text = value


def _seed(request: _Request, value: Any) -> None:
    request.seed = value


def _safe_prompt(request: _Request, value: Any) -> list[str]:
    """Mistral's own guard of the prompt; switched off is its default (docs.mistral.ai/api)."""
    return [""] if value else []


def _modalities(request: _Request, value: Any) -> list[str]:
    names = {"text": usage_pb2.MODALITY_TEXT, "audio": usage_pb2.MODALITY_AUDIO, "image": usage_pb2.MODALITY_IMAGE}
    request.modalities.extend(names[name] for name in value if name in names)
    return [f"[{place}]" for place, name in enumerate(value) if name not in names]


_AUDIO = {
    "mp3": audio_pb2.AUDIO_FORMAT_MP3,
    "wav": audio_pb2.AUDIO_FORMAT_WAV,
    "flac": audio_pb2.AUDIO_FORMAT_FLAC,
    "opus": audio_pb2.AUDIO_FORMAT_OPUS,
    "aac": audio_pb2.AUDIO_FORMAT_AAC,
    "pcm16": audio_pb2.AUDIO_FORMAT_PCM_S16LE,
}


def _audio(request: _Request, value: Any) -> list[str]:
    voice = value.get("voice")
    request.audio.voice = voice if isinstance(voice, str) else (voice or {}).get("id", "")
    request.audio.format = _AUDIO.get(value.get("format"), audio_pb2.AUDIO_FORMAT_UNSPECIFIED)
    return [] if value.get("format") in _AUDIO else [".format"]


def _prediction(request: _Request, value: Any) -> None:
    content = value.get("content")
    texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content or ()]
    request.prediction.content = "".join(texts)


def _verbosity(request: _Request, value: Any) -> None:
    request.verbosity = chat_service_pb2.Verbosity.Value(f"VERBOSITY_{value.upper()}")


def _web_search(request: _Request, value: Any) -> list[str]:
    options = request.web_search_options
    options.search_context_size = value.get("search_context_size") or ""
    place = (value.get("user_location") or {}).get("approximate") or {}
    for name in ("country", "region", "city", "timezone"):
        setattr(options, name, place.get(name) or "")
    options.SetInParent()
    return [f".{name}" for name in value if name not in ("search_context_size", "user_location")]


def _labels(request: _Request, value: Any) -> None:
    request.metadata.update({str(name): str(text) for name, text in value.items()})


def _logit_bias(request: _Request, value: Any) -> None:
    request.logit_bias.update({int(token): float(bias) for token, bias in value.items()})


def _moderation(request: _Request, value: Any) -> None:
    request.moderation_json = orjson.dumps(value).decode()


FIELDS: dict[str, _Write] = {
    "max_tokens": _limit,
    "max_completion_tokens": _limit,
    "stop": _stop,
    "stream_options": _stream_options,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "response_format": _response_format,
    "reasoning_effort": _effort,
    "reasoning": _reasoning,
    "thinking": _thinking,
    "reasoning_format": _reasoning_format,
    "include_reasoning": _include_reasoning,
    "random_seed": _seed,
    "safe_prompt": _safe_prompt,
    "modalities": _modalities,
    "audio": _audio,
    "prediction": _prediction,
    "verbosity": _verbosity,
    "web_search_options": _web_search,
    "metadata": _labels,
    "logit_bias": _logit_bias,
    "moderation": _moderation,
    "prompt_cache_retention": _plain("prompt_cache_ttl", str),
} | {
    name: _plain(name, kind)
    for kind, names in {
        float: ("temperature", "top_p", "frequency_penalty", "presence_penalty", "min_p", "repetition_penalty"),
        int: ("n", "seed", "top_k", "top_logprobs"),
        bool: ("logprobs", "parallel_tool_calls", "store"),
        str: ("user", "service_tier", "safety_identifier", "prompt_cache_key"),
    }.items()
    for name in names
}
