"""A whole answer of the format as one of the contract."""

import secrets

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import ProviderBadResponse, ProviderUnavailable
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.chat.assembly import Batch
from server.wire.chat.stream import BROKEN_OFF, UNREADABLE
from server.wire.chat.whole import as_choice
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.ollama.choice import AnswerChoice
from server.wire.ollama.errors import with_remedy
from server.wire.ollama.usage import read_usage
from server.wire.timestamps import iso_seconds, timestamp

NO_MESSAGE = "the provider answered without a message"
_READ = frozenset(
    {
        "model",
        "created_at",
        "message",
        "done",
        "done_reason",
        "logprobs",
        "error",
        "prompt_eval_count",
        "prompt_eval_cached_count",
        "eval_count",
    }
)


def decode(response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := provider_errors.error_in(answer, response.headers)) is not None:
        raise with_remedy(error)
    if type(answer.get("message")) is not dict:
        raise ProviderBadResponse(NO_MESSAGE)
    if answer.get("done") is False:
        raise ProviderUnavailable(BROKEN_OFF)
    try:
        return _answer(answer, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def answer_fields(answer: Object) -> str:
    """What an answer says beside the fields of the contract, such as how long it took in nanoseconds."""
    return json.to_text(json.unread(answer, _READ))


def _answer(answer: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """Read as a stream of one line, so that both are read alike."""
    batch, salt = Batch(), secrets.token_hex(12)
    choice = AnswerChoice(batch, lambda: salt)
    choice.read(answer)
    choice.end()
    choice.close()
    told = as_choice(0, batch.message.choices)
    told.message.role = chat_pb2.ROLE_ASSISTANT
    whole = CreateChatCompletionResponse(
        model=json.text(answer.get("model")),
        create_time=timestamp(iso_seconds(answer.get("created_at"))),
        choices=[told],
        provider_fields_json=answer_fields(answer),
    )
    whole.usage.CopyFrom(read_usage(answer, request) or estimate.usage(request, choice.size))
    return whole
