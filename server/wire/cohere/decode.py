"""A whole answer of the format as one of the contract."""

from collections.abc import Iterator

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Citation, ContentPart, FunctionCall, Message, ProviderPart, ReasoningPart, ToolCall
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import ProviderBadResponse
from server.wire import estimate
from server.wire import json_value as json
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.chat.stream import UNREADABLE
from server.wire.cohere.citations import Sources, content_index, read_citation
from server.wire.cohere.failures import failed_finish, failure_in
from server.wire.cohere.logprobs import read_logprobs
from server.wire.cohere.usage import read_usage, unread_usage
from server.wire.cohere.words import FINISH_REASONS, PROVIDER, TOOL_PLAN
from server.wire.http import HttpResponse
from server.wire.json_value import Json, Object

_ANSWER = frozenset({"id", "message", "finish_reason", "usage", "logprobs", "error"})
_MESSAGE = frozenset({"role", "content", "tool_plan", "tool_calls", "citations"})


def decode(response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := failure_in(answer)) is not None:
        raise error
    if type(answer.get("message")) is not dict:
        raise ProviderBadResponse("the provider answered without a message")
    if (error := failed_finish(json.text(answer.get("finish_reason")), answer)) is not None:
        raise error
    try:
        return _answer(answer, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(answer: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    choice = _choice(answer, answer["message"], request)
    told = json.obj(answer.get("usage"))
    left = json.unread(answer, _ANSWER)
    if usage_left := unread_usage(told):
        left["usage"] = usage_left
    return CreateChatCompletionResponse(
        id=json.text(answer.get("id")),
        choices=[choice],
        usage=read_usage(told) or estimate.usage(request, estimate.choice_size(choice)),
        provider_fields_json=json.to_text(left),
    )


def _choice(answer: Object, source: Object, request: CreateChatCompletionRequest) -> ChatChoice:
    content: list[ContentPart] = []
    if plan := json.text(source.get("tool_plan")):
        content.append(ContentPart(reasoning=ReasoningPart(text=plan, provider=PROVIDER, format=TOOL_PLAN)))
    places = _put_content(source.get("content"), content)
    calls = list(_calls(source, json.text(answer.get("id"))))
    word = json.text(answer.get("finish_reason"))
    left = json.unread(source, _MESSAGE)
    return ChatChoice(
        message=Message(role=chat_pb2.ROLE_ASSISTANT, content=content, tool_calls=calls),
        finish_reason=finish_reason(word, calls=bool(calls), words=FINISH_REASONS),
        native_finish_reason=word,
        logprobs=read_logprobs(answer.get("logprobs")),
        citations=_citations(source, places, Sources(request.messages)),
        provider_fields_json=json.to_text({"message": left} if left else {}),
    )


def _put_content(told: Json, content: list[ContentPart]) -> list[int]:
    """Adds the parts; answers which part each block of the content became, in order."""
    places = []
    for block in [{"type": "text", "text": told}] if type(told) is str else json.items(told):
        places.append(len(content))
        if (part := content_part(json.obj(block))) is not None:
            content.append(part)
    return places


def content_part(block: Object) -> ContentPart | None:
    """One block of the content; None where it says nothing."""
    if text := json.text(block.get("text")):
        return ContentPart(text=text)
    if thought := json.text(block.get("thinking")):
        return ContentPart(reasoning=ReasoningPart(text=thought, provider=PROVIDER))
    kind = json.text(block.get("type"))
    if kind in ("text", "thinking", ""):
        return None
    return ContentPart(provider=ProviderPart(provider=PROVIDER, type=kind, json=json.to_text(block)))


def _calls(source: Object, answer_id: str) -> Iterator[ToolCall]:
    for place, told in enumerate(json.objects(source.get("tool_calls"))):
        function = json.obj(told.get("function"))
        yield ToolCall(
            id=json.word(told.get("id")) or made_call_id(answer_id, 0, place),
            function=FunctionCall(name=json.text(function.get("name")), arguments_json=arguments(function)),
        )


def arguments(function: Object) -> str:
    """Arguments as the model wrote them."""
    told = function.get("arguments")
    return json.to_text(told) if type(told) is dict else json.text(told)


def _citations(source: Object, places: list[int], sources: Sources) -> Iterator[Citation]:
    for told in json.objects(source.get("citations")):
        block = content_index(told)
        place = places[block] if block is not None and block < len(places) else None
        # Models that do not think have one block, and say nothing of its number.
        yield from read_citation(told, sources, places[-1] if place is None and places else place)
