"""A whole answer of Converse as one of the contract."""

import secrets
from collections.abc import Iterator

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import Citation, ContentPart, FunctionCall, Message, ToolCall
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import ProviderBadResponse
from server.wire import estimate
from server.wire import json_value as json
from server.wire.bedrock import answer as told_beside
from server.wire.bedrock import blocks
from server.wire.bedrock.citations import read_citations, unread_citations
from server.wire.bedrock.formats import answer_tool
from server.wire.bedrock.usage import read_usage
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.stream import UNREADABLE
from server.wire.http import HttpResponse
from server.wire.json_value import Object


def decode(response: HttpResponse, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    message = json.obj(json.obj(json.obj(answer).get("output")).get("message"))
    if not message:
        raise ProviderBadResponse("the provider answered without a message")
    try:
        return _answer(answer, message, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(answer: Object, message: Object, request: CreateChatCompletionRequest) -> CreateChatCompletionResponse:
    choice = _Reading(answer_tool(request)).choice(answer, message)
    whole = CreateChatCompletionResponse(
        model=told_beside.model(answer),
        choices=[choice],
        service_tier=told_beside.service_tier(answer),
        provider_fields_json=json.to_text(told_beside.unread(answer)),
    )
    usage = read_usage(json.obj(answer.get("usage")))
    whole.usage.CopyFrom(usage or estimate.usage(request, estimate.choice_size(choice)))
    return whole


class _Reading:
    """The blocks of one message, put where the contract has them."""

    def __init__(self, answer_tool: str) -> None:
        self._answer_tool = answer_tool
        self._salt = ""
        self._message = Message(role=chat_pb2.ROLE_ASSISTANT)
        self._citations: list[Citation] = []
        self._unread: list[Object] = []
        self._text_part: int | None = None

    def choice(self, answer: Object, message: Object) -> ChatChoice:
        """The only choice that an answer has."""
        for block in json.objects(message.get("content")):
            for part in self._read(block):
                self._message.content.append(part)
        word = json.text(answer.get("stopReason"))
        return ChatChoice(
            message=self._message,
            finish_reason=told_beside.finish(word, calls=bool(self._message.tool_calls)),
            native_finish_reason=word,
            citations=self._citations,
            stop_sequence=told_beside.stop_sequence(answer),
            provider_fields_json=json.to_text({"citations": self._unread} if self._unread else {}),
        )

    def _read(self, block: Object) -> Iterator[ContentPart]:
        match next(iter(block), ""):
            case "text":
                yield from self._text(json.text(block["text"]))
            case "toolUse" if blocks.is_call(use := json.obj(block["toolUse"])):
                yield from self._call(use)
            case "reasoningContent" if (thought := blocks.reasoning(json.obj(block["reasoningContent"]))) is not None:
                yield ContentPart(reasoning=thought)
            case "citationsContent":
                yield from self._cited(json.obj(block["citationsContent"]))
            case _:
                if (part := blocks.whole_block(block)) is not None:
                    yield part

    def _text(self, text: str) -> Iterator[ContentPart]:
        if text:
            self._text_part = len(self._message.content)
            yield ContentPart(text=text)

    def _call(self, use: Object) -> Iterator[ContentPart]:
        name, text = json.text(use.get("name")), blocks.arguments(use.get("input"))
        if name and name == self._answer_tool:
            yield from self._text(text)
            return
        calls = self._message.tool_calls
        call = ToolCall(
            id=json.word(use.get("toolUseId")) or made_call_id(self._call_salt(), 0, len(calls)),
            function=FunctionCall(name=name, arguments_json=text),
            part_index=len(self._message.content),
        )
        calls.append(call)

    def _call_salt(self) -> str:
        """Answers of this API have no id of their own."""
        self._salt = self._salt or secrets.token_hex(12)
        return self._salt

    def _cited(self, told: Object) -> Iterator[ContentPart]:
        text = "".join(json.text(piece.get("text")) for piece in json.objects(told.get("content")))
        yield from self._text(text)
        sources = json.objects(told.get("citations"))
        self._citations += read_citations(sources, self._text_part, len(text))
        self._unread += unread_citations(sources)
