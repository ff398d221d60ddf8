"""A streamed answer as messages of the contract: https://platform.claude.com/docs/en/build-with-claude/streaming."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.anthropic import fields
from server.wire.anthropic.blocks import raw_field
from server.wire.anthropic.decode import decode
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.formats import answer_tool
from server.wire.anthropic.message_stream import MessageStream
from server.wire.anthropic.usage import merge_usage, read_usage
from server.wire.chat.assembly import ChoiceAssembly
from server.wire.chat.evented import EventedReader, event_object
from server.wire.http import HttpResponse
from server.wire.json_value import Object

_ENVELOPE = frozenset({"type", "delta"})


class AnthropicStreamDecoder(EventedReader[MessageStream]):
    """See ChatStreamDecoder."""

    no_events = (*EventedReader.no_events, b"[")

    def __init__(self, dialect: Dialect, request: CreateChatCompletionRequest) -> None:
        super().__init__(request, dialect.framing())
        self._dialect = dialect
        self._usage: Object = {}
        self._left: Object = {}

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(self._dialect, response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        return read_usage(self._usage)

    @override
    def _service_tier(self) -> str:
        return json.text(self._usage.get("service_tier"))

    @override
    def _provider_fields(self) -> str:
        return fields.unread_of_answer(self._left, self._usage)

    @override
    def _make(self, index: int) -> MessageStream:
        assembly = ChoiceAssembly(index, self._batch)
        return MessageStream(self._dialect.name, answer_tool(self._request), assembly, self._call_salt)

    @override
    def _event(self, name: str, payload: bytes) -> None:
        if not payload.strip():
            return
        event = event_object(payload, plain=name == "error")
        index = json.index(event.get("index")) or 0
        match event.get("type") or name:
            case "content_block_delta":
                self._choice(0).delta(index, json.obj(event.get("delta")))
            case "content_block_start":
                start = json.obj(event.get("content_block"))
                self._choice(0).open(index, start, raw_field(payload, "content_block"))
            case "content_block_stop":
                self._choice(0).shut(index)
            case "message_start":
                self._start(json.obj(event.get("message")))
            case "message_delta":
                self._message_delta(event)
            case "message_stop":
                self._end()
            case kind:
                _raise_failure(event, named=kind == "error")

    def _start(self, message: Object) -> None:
        self._header.id = json.text(message.get("id"))
        self._header.model = json.text(message.get("model"))
        merge_usage(self._usage, json.obj(message.get("usage")))
        self._left.update(message)
        self._choice(0).read_end(message)

    def _message_delta(self, event: Object) -> None:
        delta = json.obj(event.get("delta"))
        merge_usage(self._usage, json.obj(event.get("usage")))
        self._left.update(json.unread({**event, **delta}, _ENVELOPE))
        self._choice(0).read_end(delta)


def _raise_failure(event: Object, *, named: bool) -> None:
    """An error ends the answer; pings, and events of a later day, say nothing here."""
    told = event if not named or "error" in event else {"error": event}
    if (error := provider_errors.error_in(told)) is not None:
        raise error
