"""A chat completion request, checked and made typed."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import orjson

from server.sandbox.fields import Fields
from server.sandbox.messages import Message, read_messages
from server.sandbox.refusal import Refusal
from server.sandbox.toolbox import NO_CHOICE, Tool, ToolChoice, read_tool_choice, read_tools

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Words of reasoning_effort, rising."""

_MAX_CHOICES = 128  # OpenAI's bound of n
_MAX_STOPS = 4  # OpenAI's bound of stop
_FORMATS = ("text", "json_object", "json_schema")


@dataclass(frozen=True)
class ChatRequest:
    """What the models read. Fields the sandbox has no use for are checked where OpenAI has a range, then dropped."""

    model: str
    messages: tuple[Message, ...]
    digest: str
    """Hex, the same for the same request; streaming or not makes no difference."""
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_logprobs: int | None = None
    """None where no log probabilities are asked for."""
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = NO_CHOICE
    parallel_tool_calls: bool = True
    response_format: str = "text"
    response_schema: object = None
    """The JSON Schema of json_schema."""
    reasoning_effort: str = "medium"
    metadata: dict[str, str] | None = None

    @cached_property
    def last_text(self) -> str:
        """The text of the last user message; empty where there is none."""
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")


def read_request(raw: bytes) -> ChatRequest:
    """The request in ``raw``; raises Refusal (400) naming the field that is wrong."""
    body = _object(raw)
    stream = bool(body.flag("stream"))
    model = body.needed_text("model")
    messages = read_messages(body)
    _check_sampling(body)
    tools = read_tools(body)
    response_format, response_schema = _response_format(body)
    parallel = body.flag("parallel_tool_calls")
    return ChatRequest(
        model=model,
        messages=messages,
        digest=_digest(body.values),
        stream=stream,
        include_usage=_include_usage(body, stream=stream),
        n=body.integer("n", 1, _MAX_CHOICES) or 1,
        max_tokens=body.integer("max_completion_tokens", 1) or body.integer("max_tokens", 1),
        stop=_stop(body),
        seed=body.integer("seed"),
        top_logprobs=_top_logprobs(body),
        tools=tools,
        tool_choice=read_tool_choice(body, tools),
        parallel_tool_calls=parallel is not False,
        response_format=response_format,
        response_schema=response_schema,
        reasoning_effort=body.choice("reasoning_effort", EFFORTS) or "medium",
        metadata=_metadata(body),
    )


def _object(raw: bytes) -> Fields:
    try:
        return Fields(orjson.loads(raw))
    except orjson.JSONDecodeError:
        raise Refusal("We could not parse the JSON body of your request: it must be a JSON object.") from None


def _digest(values: dict[str, Any]) -> str:
    same = {name: value for name, value in values.items() if name not in {"stream", "stream_options"}}
    try:
        canonical = orjson.dumps(same, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        raise Refusal("The body is nested too deeply: 250 levels are the most.") from None
    return blake2b(canonical, digest_size=24).hexdigest()


def _check_sampling(body: Fields) -> None:
    body.number("temperature", 0, 2)
    body.number("top_p", 0, 1)
    body.number("presence_penalty", -2, 2)
    body.number("frequency_penalty", -2, 2)


def _include_usage(body: Fields, *, stream: bool) -> bool:
    options = body.inner("stream_options")
    if options is None:
        return False
    if not stream:
        raise Refusal("The 'stream_options' parameter is only allowed when 'stream' is true.", param="stream_options")
    return bool(options.flag("include_usage"))


def _stop(body: Fields) -> tuple[str, ...]:
    value = body.values.get("stop")
    if value is None:
        return ()
    stops = [value] if isinstance(value, str) else value
    if not isinstance(stops, list) or not all(isinstance(stop, str) and stop for stop in stops):
        raise Refusal("Invalid 'stop': expected a string or an array of strings, none empty.", param="stop")
    if len(stops) > _MAX_STOPS:
        raise Refusal(f"Invalid 'stop': expected at most {_MAX_STOPS} strings, got {len(stops)}.", param="stop")
    return tuple(stops)


def _top_logprobs(body: Fields) -> int | None:
    wanted = body.flag("logprobs")
    top = body.integer("top_logprobs", 0, 20)
    if top is not None and not wanted:
        raise Refusal("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")
    return (top or 0) if wanted else None


def _response_format(body: Fields) -> tuple[str, object]:
    wanted = body.inner("response_format")
    if wanted is None:
        return "text", None
    kind = wanted.choice("type", _FORMATS)
    if kind is None:
        raise wanted.wrong("type", f"one of {', '.join(_FORMATS)}")
    if kind != "json_schema":
        return kind, None
    described = wanted.needed("json_schema")
    described.needed_text("name")
    described.flag("strict")
    schema = described.inner("schema")
    return kind, {} if schema is None else schema.values


def _metadata(body: Fields) -> dict[str, str]:
    metadata = body.inner("metadata")
    if metadata is None:
        return {}
    for name, value in metadata.values.items():
        if not isinstance(value, str):
            raise metadata.wrong(name, "a string")
    return metadata.values
