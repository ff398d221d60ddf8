"""A whole answer of the Messages API as one of the contract."""

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, Message
from aignehub.v1.chat_service_pb2 import ChatChoice, CreateChatCompletionRequest, CreateChatCompletionResponse

from server.errors import ProviderBadResponse
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.anthropic import blocks, fields
from server.wire.anthropic.citations import Cited
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.formats import answer_tool
from server.wire.anthropic.usage import read_usage
from server.wire.chat.call_ids import made_call_id
from server.wire.chat.finish import finish_reason
from server.wire.chat.stream import UNREADABLE
from server.wire.http import HttpResponse
from server.wire.json_value import Object

WITHOUT_CONTENT = "the provider answered without content"


def decode(
    dialect: Dialect, response: HttpResponse, request: CreateChatCompletionRequest
) -> CreateChatCompletionResponse:
    """See ChatCodec.decode."""
    answer = json.parse(response.body)
    if type(answer) is list and answer:
        # Google's servers wrap an error in an array.
        answer = answer[0]
    if type(answer) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := provider_errors.error_in(answer, response.headers)) is not None:
        raise error
    if type(answer.get("content")) is not list and not json.text(answer.get("stop_reason")):
        raise ProviderBadResponse(WITHOUT_CONTENT)
    try:
        return _answer(dialect, answer, response.body, request)
    except (ValueError, TypeError, OverflowError):
        # A value that no field of the contract can hold.
        raise ProviderBadResponse(UNREADABLE) from None


def _answer(
    dialect: Dialect, answer: Object, body: bytes, request: CreateChatCompletionRequest
) -> CreateChatCompletionResponse:
    choice = _Reading(dialect, answer, body, answer_tool(request)).choice()
    usage = json.obj(answer.get("usage"))
    return CreateChatCompletionResponse(
        id=json.text(answer.get("id")),
        model=json.text(answer.get("model")),
        choices=[choice],
        usage=read_usage(usage) or estimate.usage(request, estimate.choice_size(choice)),
        service_tier=json.text(usage.get("service_tier")),
        provider_fields_json=fields.unread_of_answer(answer, usage),
    )


class _Reading:
    """One answer's content, block by block."""

    def __init__(self, dialect: Dialect, answer: Object, body: bytes, answer_tool: str) -> None:
        self._provider = dialect.name
        self._answer = answer
        self._raw = blocks.RawBlocks(body)
        self._answer_tool = answer_tool
        self._message = Message(role=chat_pb2.ROLE_ASSISTANT)
        self._cited = Cited()
        self._choice = ChatChoice()

    def choice(self) -> ChatChoice:
        for place, block in enumerate(json.items(self._answer.get("content"))):
            if type(block) is dict:
                self._block(place, block)
        word = json.text(self._answer.get("stop_reason"))
        details = json.obj(self._answer.get("stop_details"))
        message, choice = self._message, self._choice
        message.refusal = fields.refusal_of(word, details)
        choice.message.CopyFrom(message)
        choice.finish_reason = end_reason(word, calls=bool(message.tool_calls))
        choice.native_finish_reason = word
        choice.stop_sequence = json.text(self._answer.get("stop_sequence"))
        choice.provider_fields_json = fields.unread_of_choice(details, self._cited.left)
        return choice

    def _block(self, place: int, block: Object) -> None:
        match block.get("type"):
            case "text":
                self._text(block)
            case "thinking":
                self._thought(json.text(block.get("thinking")), json.text(block.get("signature")))
            case "redacted_thinking":
                self._thought("", json.text(block.get("data")), redacted=True)
            case "tool_use":
                self._call(block, self._raw.input(place, block))
            case _:
                text = self._raw.block(place, block)
                self._message.content.append(blocks.provider_part(block, text, self._provider))

    def _text(self, block: Object) -> None:
        text = json.text(block.get("text"))
        part_index = len(self._message.content) if text else None
        if text:
            self._message.content.append(ContentPart(text=text))
        self._choice.citations.extend(self._cited.read(block.get("citations"), part_index, len(text)))

    def _thought(self, text: str, signature: str, *, redacted: bool = False) -> None:
        if text or signature:
            thought = blocks.thought(text, signature, self._provider, redacted=redacted)
            self._message.content.append(ContentPart(reasoning=thought))

    def _call(self, block: Object, arguments: str) -> None:
        message = self._message
        if self._answer_tool and block.get("name") == self._answer_tool:
            message.content.append(ContentPart(text=arguments))
            return
        call_id = json.word(block.get("id")) or made_call_id(
            json.text(self._answer.get("id")), 0, len(message.tool_calls)
        )
        message.tool_calls.append(blocks.call(block, call_id, arguments, len(message.content)))


def end_reason(word: str, *, calls: bool) -> "chat_pb2.FinishReason.ValueType":
    """What the word means. Where the only call was the answer itself, as of ``formats``, it is a natural end."""
    if word == "tool_use" and not calls:
        return chat_pb2.FINISH_REASON_STOP
    return finish_reason(word, calls=calls, words=fields.FINISH_WORDS)
