"""The usual whole answer, read at an eighth of what the general reading costs.

Usual is one choice of text or of calls with ids, and nothing else that says something: then ``read`` gives to the byte
what ``decode`` would. Whatever differs (a further field, another type, a count that does not add up) is not read here.
"""

from typing import Annotated, Any, Literal

import msgspec
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage

from server.wire.chat.finish import finish_reason
from server.wire.openai_chat.dialect import Dialect

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Nothing = Annotated[int, msgspec.Meta(ge=0, le=0)] | None
_Empty = Annotated[list[Any], msgspec.Meta(max_length=0)] | None
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=100_000_000_000)]
_Id = Annotated[str, msgspec.Meta(min_length=1)]


class _Usual(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """An object of which every field is read."""


class _Function(_Usual):
    name: str
    arguments: str


class _Call(_Usual):
    id: _Id
    function: _Function
    type: Literal["function"] = "function"
    index: _Count | None = None


class _Message(_Usual):
    role: str | None = None
    content: str | None = None
    tool_calls: list[_Call] | None = None
    refusal: None = None
    annotations: _Empty = None
    audio: None = None
    function_call: None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(_Usual):
    message: _Message
    finish_reason: str | None = None
    index: Literal[0] = 0
    logprobs: None = None
    stop_reason: None = None
    token_ids: None = None


class _InputDetails(_Usual):
    cached_tokens: _Count | None = None
    cache_write_tokens: _Count | None = None
    audio_tokens: _Nothing = None


class _OutputDetails(_Usual):
    reasoning_tokens: _Count | None = None
    audio_tokens: _Nothing = None
    accepted_prediction_tokens: _Count | None = None
    rejected_prediction_tokens: _Count | None = None


class _Usage(_Usual):
    prompt_tokens: _Count
    completion_tokens: _Count
    total_tokens: _Count
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: _Count | None = None
    prompt_cache_miss_tokens: _Count | None = None
    num_cached_tokens: _Count | None = None
    service_tier: str | None = None


class _Answer(_Usual):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    usage: _Usage
    id: str = ""
    object: str | None = None
    created: _Seconds | None = None
    model: str = ""
    service_tier: str | None = None
    system_fingerprint: str | None = None
    prompt_logprobs: None = None
    prompt_token_ids: None = None
    kv_transfer_params: None = None


_DECODER = msgspec.json.Decoder(_Answer)


def read(dialect: Dialect, body: bytes) -> CreateChatCompletionResponse | None:
    """The answer where it is a usual one; None where ``decode`` must look at it."""
    try:
        answer = _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    told, usage = answer.choices[0], answer.usage
    word, cached = told.finish_reason or "", _cached(usage)
    if word in dialect.failed or cached > usage.prompt_tokens or not _adds_up(usage):
        return None
    # Fields are set where they lie: messages made first and copied in cost 5 µs where this costs 2.
    whole = CreateChatCompletionResponse(
        id=answer.id,
        model=answer.model,
        service_tier=answer.service_tier or usage.service_tier or "",
        system_fingerprint=answer.system_fingerprint or "",
    )
    if answer.created is not None:
        whole.create_time.seconds = answer.created
    choice = whole.choices.add(
        finish_reason=finish_reason(word, calls=bool(told.message.tool_calls)), native_finish_reason=word
    )
    _tell_message(choice.message, told.message, dialect.name)
    _tell_usage(whole.usage, usage, cached)
    return whole


def _tell_message(message: Message, told: _Message, provider: str) -> None:
    message.role = chat_pb2.ROLE_ASSISTANT
    if thought := told.reasoning_content or told.reasoning:
        reasoning = message.content.add().reasoning
        reasoning.text = thought
        reasoning.provider = provider
    if told.content:
        message.content.add(text=told.content)
    for call in told.tool_calls or ():
        made = message.tool_calls.add(id=call.id)
        made.function.name = call.function.name
        made.function.arguments_json = call.function.arguments


def _adds_up(usage: _Usage) -> bool:
    """Whether there are tokens, and their sum is the total."""
    return 0 < usage.prompt_tokens + usage.completion_tokens == usage.total_tokens


def _cached(usage: _Usage) -> int:
    details = usage.prompt_tokens_details
    told = details.cached_tokens if details is not None else 0
    return told or usage.prompt_cache_hit_tokens or usage.num_cached_tokens or 0


def _tell_usage(usage: Usage, told: _Usage, cached: int) -> None:
    usage.input_tokens = told.prompt_tokens
    usage.output_tokens = told.completion_tokens
    usage.total_tokens = told.total_tokens
    usage.cached_input_tokens = cached
    if (details := told.prompt_tokens_details) is not None:
        usage.cache_write_input_tokens = details.cache_write_tokens or 0
    if (output := told.completion_tokens_details) is not None:
        usage.reasoning_output_tokens = output.reasoning_tokens or 0
        usage.accepted_prediction_tokens = output.accepted_prediction_tokens or 0
        usage.rejected_prediction_tokens = output.rejected_prediction_tokens or 0
