"""A whole answer of the format as one of the contract."""

from collections.abc import Iterable, Iterator

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, CustomToolCall, FunctionCall, Message, ReasoningPart, ToolCall
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.chat.stream import UNREADABLE
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.openai_chat import fields, pieces, usual
from server.wire.openai_chat.citations import read_annotations, read_sources
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.logprobs import read_logprobs
from server.wire.openai_chat.names import NAMES
from server.wire.openai_chat.usage import read_usage
from server.wire.timestamps import timestamp

_FAILED = "the provider failed before its answer was whole"


def decode(
    dialect: Dialect, response: HttpResponse, request: CreateChatCompletionRequest
) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    whole = usual.read(dialect, response.body)
    return unusual(dialect, response, request) if whole is None else whole


def unusual(
    dialect: Dialect, response: HttpResponse, request: CreateChatCompletionRequest
) -> CreateChatCompletionResponse:
    """The same for any answer, whatever it holds."""
    answer = json.parse(response.body)
    if type(answer) is list and answer:
        # Google's servers wrap an error in an array.
        answer = answer[0]
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := provider_errors.error_in(answer, response.headers, names=NAMES)) is not None:
        raise error
    try:
        return _answer(dialect, answer, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(dialect: Dialect, answer: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    listed = list(json.objects(answer.get("choices")))
    if not listed:
        raise ProviderBadResponse("the provider answered without a choice")
    if all(fields.finish_word(told) in dialect.failed for told in listed):
        raise failure(listed)
    choices = [_choice(dialect, answer, place, told) for place, told in enumerate(listed)]
    whole = CreateChatCompletionResponse(
        id=json.text(answer.get("id")),
        model=json.text(answer.get("model")),
        create_time=timestamp(answer.get("created")),
        choices=choices,
        service_tier=service_tier(answer),
        system_fingerprint=json.text(answer.get("system_fingerprint")),
        provider_fields_json=json.to_text(fields.unread_of_answer(answer)),
    )
    whole.choices[0].citations.extend(read_sources(answer))
    if json.says_something(answer.get("moderation")):
        whole.moderation_json = json.to_text(answer["moderation"])
    usage = read_usage(fields.usage_of(answer))
    whole.usage.CopyFrom(usage or estimate.usage(request, sum(estimate.choice_size(choice) for choice in choices)))
    return whole


def failure(choices: Iterable[Object]) -> HubError:
    """What went wrong with choices that failed: OpenRouter tells it within one, as it would beside them."""
    told = (provider_errors.error_in(choice, names=NAMES) for choice in choices)
    return next((error for error in told if error is not None), ProviderUnavailable(_FAILED))


def service_tier(answer: Object) -> str:
    """The tier that was used; Mistral tells it with the usage."""
    return json.text(answer.get("service_tier")) or json.text(json.obj(answer.get("usage")).get("service_tier"))


def _choice(dialect: Dialect, answer: Object, place: int, told: Object) -> ChatChoice:
    source = json.obj(told.get("message"))
    index = json.index(told.get("index"))
    index = place if index is None else index
    content = list(_content(dialect, source))
    calls = list(read_calls(source, json.text(answer.get("id")), index))
    text_part = next((at for at, part in enumerate(content) if part.WhichOneof("part") == "text"), None)
    citations, others = read_annotations(source.get("annotations"), text_part)
    word = fields.finish_word(told)
    choice = ChatChoice(
        index=index,
        message=Message(
            role=chat_pb2.ROLE_ASSISTANT, content=content, tool_calls=calls, refusal=json.text(source.get("refusal"))
        ),
        finish_reason=finish_reason(word, calls=bool(calls)),
        native_finish_reason=json.text(told.get("native_finish_reason")) or word,
        logprobs=read_logprobs(told.get("logprobs")),
        citations=citations,
        stop_sequence=fields.stop_sequence(told),
    )
    if (audio := pieces.output_audio(json.obj(source.get("audio")))) is not None:
        choice.audio.CopyFrom(audio)
        choice.message.audio_id = audio.id
    left = fields.unread_of_choice(told)
    unread = json.unread(source, fields.MESSAGE)
    if others:
        unread["annotations"] = others
    if unread:
        left["message"] = unread
    choice.provider_fields_json = json.to_text(left)
    return choice


def _content(dialect: Dialect, message: Object) -> Iterator[ContentPart]:
    yield from _reasoning(dialect, message)
    yield from pieces.executed_tools(message.get("executed_tools"), dialect.name)
    content = message.get("content")
    if type(content) is str:
        if content:
            yield ContentPart(text=content)
    else:
        for part in json.items(content):
            yield from pieces.content_part(dialect.name, part)
    for told in json.objects(message.get("images")):
        if (part := pieces.image(told)) is not None:
            yield part


def _reasoning(dialect: Dialect, message: Object) -> Iterator[ContentPart]:
    text = pieces.reasoning_text(message)
    details = [
        part
        for detail in json.objects(message.get("reasoning_details"))
        if (part := pieces.reasoning_detail(detail, dialect.name)) is not None
    ]
    # The details hold the text again, with what is needed to take it back; only where they do not is it news.
    if text and not any(part.text for part in details):
        yield ContentPart(reasoning=ReasoningPart(text=text, provider=dialect.name))
    for part in details:
        yield ContentPart(reasoning=part)


def read_calls(message: Object, answer_id: str, choice: int) -> Iterator[ToolCall]:
    """The calls of a message, ids made where there are none, and the one of the older ``function_call``."""
    place = 0
    for told in json.objects(message.get("tool_calls")):
        call = _call(told)
        if call is not None:
            call.id = json.word(told.get("id")) or made_call_id(answer_id, choice, place)
            call.signature = pieces.signature_of(told)
            place += 1
            yield call
    older = _call({"function": message.get("function_call")})
    if older is not None and not place:
        older.id = made_call_id(answer_id, choice, 0)
        yield older


def _call(told: Object) -> ToolCall | None:
    custom = json.obj(told.get("custom"))
    if custom:
        return ToolCall(custom=CustomToolCall(name=json.text(custom.get("name")), input=json.text(custom.get("input"))))
    function = json.obj(told.get("function"))
    if not function:
        return None
    name, arguments = json.text(function.get("name")), pieces.arguments(function.get("arguments"))
    return ToolCall(function=FunctionCall(name=name, arguments_json=arguments))
