"""A streamed answer of the format as messages of the contract."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.chat.stream import UNREADABLE, ChatStreamReader
from server.wire.gemini import errors, usage
from server.wire.gemini.choice_stream import ChoiceStream
from server.wire.gemini.decode import READ, blocked, decode, model_name, moment
from server.wire.gemini.host import Host
from server.wire.http import HttpResponse
from server.wire.json_array import JsonArrayParser
from server.wire.json_value import Object
from server.wire.sse import SseParser

_ORDINARY = READ - {"error"}


class GeminiStreamDecoder(ChatStreamReader[ChoiceStream]):
    """See ChatStreamDecoder. Reads events (``alt=sse``) and the array that comes without that parameter.

    Nothing marks the end but the end of the body: a chunk after the reason to stop may still hold usage or a
    signature.
    """

    def __init__(self, host: Host, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._host = host
        self._events = SseParser()
        self._array: JsonArrayParser | None = None
        self._usage: Object = {}
        self._left: Object = {}

    @override
    def _begin(self, data: bytes) -> bool:
        if super()._begin(data) and data.lstrip().startswith(b"["):
            self._array = JsonArrayParser()
        return self._begun

    @override
    def _read(self, data: bytes) -> None:
        if self._array is not None:
            for payload in self._array.feed(data):
                self._chunk(payload)
        else:
            for _, payload in self._events.feed(data):
                self._chunk(payload)

    @override
    def _read_rest(self) -> None:
        if self._array is not None:
            if not self._array.closed:
                raise ProviderBadResponse(UNREADABLE)
        elif (event := self._events.rest()) is not None:
            self._chunk(event[1])
        if not self._choices and (refused := blocked(self._left)) is not None:
            raise refused

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(self._host, response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        told = usage.of_chat(self._usage, self._request)
        if told is not None:
            self._count_searches(told)
        return told

    @override
    def _service_tier(self) -> str:
        return usage.service_tier(self._usage)

    @override
    def _provider_fields(self) -> str:
        if counted := usage.unread_usage(self._usage):
            self._left["usageMetadata"] = counted
        return json.to_text(self._left)

    @override
    def _make(self, index: int) -> ChoiceStream:
        return ChoiceStream(index, self._host, self._request, self._batch)

    def _count_searches(self, told: Usage) -> None:
        for choice in self._choices.values():
            for name, number in choice.searches.items():
                told.server_tool_calls[name] += number

    def _chunk(self, payload: bytes) -> None:
        if not payload.strip():
            return
        try:
            chunk = orjson.loads(payload)
        except ValueError:
            raise ProviderBadResponse(UNREADABLE) from None
        if type(chunk) is not dict:
            raise ProviderBadResponse(UNREADABLE)
        if not self._told_header:
            self._read_header(chunk)
        if type(told := chunk.get("usageMetadata")) is dict:
            # Each that counts tells all so far, and the last word is the bill's; some hold the kind of traffic alone.
            counts = any(key.endswith("TokenCount") for key in told)
            self._usage = told if counts else {**self._usage, **told}
        if not chunk.keys() <= _ORDINARY:
            self._left.update(json.unread(chunk, READ))
        for place, told in enumerate(json.objects(chunk.get("candidates"))):
            index = told.get("index", place)
            self._choice(index if type(index) is int else place).read(told, self._call_salt)
        if "error" in chunk and (error := errors.error_in(chunk)) is not None:
            raise error

    def _read_header(self, chunk: Object) -> None:
        header = self._header
        header.id = header.id or json.text(chunk.get("responseId"))
        header.model = header.model or model_name(chunk)
        if not header.HasField("create_time") and (made := moment(chunk.get("createTime"))) is not None:
            header.create_time.CopyFrom(made)
