"""A streamed answer of the format as messages of the contract: https://docs.cohere.com/reference/chat-stream."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.evented import EventedReader
from server.wire.chat.stream import UNREADABLE
from server.wire.cohere.choice import CohereChoice
from server.wire.cohere.citations import Sources
from server.wire.cohere.decode import decode
from server.wire.cohere.failures import failed_finish, failure_in
from server.wire.cohere.usage import read_usage, unread_usage
from server.wire.http import HttpResponse
from server.wire.json_value import Object

_DONE = b"[DONE]"


class CohereStreamDecoder(EventedReader[CohereChoice]):
    """See ChatStreamDecoder. ``[DONE]`` after the last event is not waited for."""

    def __init__(self, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._usage: Object = {}

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        return read_usage(self._usage)

    @override
    def _service_tier(self) -> str:
        return ""

    @override
    def _provider_fields(self) -> str:
        left = unread_usage(self._usage)
        return json.to_text({"usage": left} if left else {})

    @override
    def _make(self, index: int) -> CohereChoice:
        return CohereChoice(self._batch, Sources(self._request.messages))

    @override
    def _event(self, name: str, payload: bytes) -> None:
        if payload.strip() in (_DONE, b""):
            return
        event = _parse(payload)
        index = json.index(event.get("index")) or 0
        delta = json.obj(event.get("delta"))
        message = json.obj(delta.get("message"))
        match json.text(event.get("type")) or name:
            case "message-start":
                self._header.id = json.text(event.get("id"))
                self._choice(0)
            case "content-start" | "content-delta":
                self._content(index, json.obj(message.get("content")), event)
            case "tool-plan-delta":
                if piece := json.text(message.get("tool_plan")):
                    self._choice(0).plan(piece)
            case "tool-call-start" | "tool-call-delta":
                self._choice(0).call(index, json.obj(message.get("tool_calls")), self._call_salt)
            case "citation-start":
                self._choice(0).cite(json.obj(message.get("citations")))
            case "message-end":
                self._finish(event, delta)
            case _:
                # content-end, tool-call-end, citation-end and debug say nothing that is not known.
                pass

    def _content(self, index: int, block: Object, event: Object) -> None:
        choice = self._choice(0)
        choice.content(index, block)
        if logprobs := json.obj(event.get("logprobs")):
            choice.logprobs(logprobs)

    def _finish(self, event: Object, delta: Object) -> None:
        self._header.id = self._header.id or json.text(event.get("id"))
        self._usage = json.obj(delta.get("usage"))
        reason = json.text(delta.get("finish_reason"))
        choice = self._choice(0)
        choice.finished(reason)
        if (error := failed_finish(reason, delta)) is not None:
            raise error
        self._end()


def _parse(payload: bytes) -> Object:
    """The event. Raises HubError where it is a failure."""
    event = json.parse(payload)
    if type(event) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    if (error := failure_in(event)) is not None:
        raise error
    return event
