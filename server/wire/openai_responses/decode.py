"""A whole answer of the format as one of the contract."""

import secrets

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import ProviderBadResponse
from server.wire import estimate
from server.wire import json_value as json
from server.wire.chat.assembly import Batch
from server.wire.chat.stream import UNREADABLE
from server.wire.chat.whole import as_choice
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.openai_responses.fields import answer_fields
from server.wire.openai_responses.finish import failure_in, native_word
from server.wire.openai_responses.output import AnswerOutput
from server.wire.openai_responses.usage import read_usage
from server.wire.timestamps import timestamp


def decode(provider: str, response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := failure_in(answer, response.headers)) is not None:
        raise error
    if type(answer.get("output")) is not list:
        raise ProviderBadResponse("the provider answered without any output")
    try:
        return _answer(provider, answer, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(provider: str, answer: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """Read as a stream that brings everything at once, so that both are read alike."""
    batch = Batch()
    salt = json.text(answer.get("id")) or secrets.token_hex(12)
    output = AnswerOutput(provider, batch, lambda: salt, stored=request.store)
    output.rest(answer["output"])
    output.stop(native_word(answer))
    output.end()
    output.close()
    choice = as_choice(0, batch.message.choices)
    choice.message.role = chat_pb2.ROLE_ASSISTANT
    choice.message.phase = output.phase
    whole = CreateChatCompletionResponse(
        id=json.text(answer.get("id")),
        model=json.text(answer.get("model")),
        create_time=timestamp(answer.get("created_at")),
        choices=[choice],
        service_tier=json.text(answer.get("service_tier")),
        provider_fields_json=answer_fields(answer, moderation=False),
    )
    if json.says_something(answer.get("moderation")):
        whole.moderation_json = json.to_text(answer["moderation"])
    whole.usage.CopyFrom(read_usage(answer) or estimate.usage(request, output.size))
    return whole
