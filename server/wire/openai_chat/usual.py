"""The usual whole answer, read at an eighth of what the general reading costs.

Usual is one choice of text or of calls with ids, and nothing else that says something: then ``read`` gives to the byte
what ``decode`` would. Whatever differs (a further field, another type, a count that does not add up) is not read here.
"""

from typing import Annotated, Any, Literal

import msgspec
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionResponse

from server.wire.chat.finish import finish_reason
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.usual_usage import Count, Usual, UsualUsage

_Empty = Annotated[list[Any], msgspec.Meta(max_length=0)] | None
_Seconds = Annotated[int, msgspec.Meta(ge=1, le=100_000_000_000)]
_Id = Annotated[str, msgspec.Meta(min_length=1)]


class _Function(Usual):
    name: str
    arguments: str


class _Call(Usual):
    id: _Id
    function: _Function
    type: Literal["function"] = "function"
    index: Count | None = None


class _Message(Usual):
    role: str | None = None
    content: str | None = None
    tool_calls: list[_Call] | None = None
    refusal: None = None
    annotations: _Empty = None
    audio: None = None
    function_call: None = None
    reasoning: str | None = None
    reasoning_content: str | None = None


class _Choice(Usual):
    message: _Message
    finish_reason: str | None = None
    index: Literal[0] = 0
    logprobs: None = None
    stop_reason: None = None
    token_ids: None = None


class _Answer(Usual):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    usage: UsualUsage
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
    word = told.finish_reason or ""
    if word in dialect.failed or not usage.adds_up():
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
    usage.tell(whole.usage)
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
