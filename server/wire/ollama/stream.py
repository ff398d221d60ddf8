"""A streamed answer of the format, an object to a line, as messages of the contract."""

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.chat.stream import UNREADABLE, ChatStreamReader
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.ndjson import NdjsonParser
from server.wire.ollama.choice import AnswerChoice
from server.wire.ollama.decode import NO_MESSAGE, answer_fields, decode
from server.wire.ollama.errors import with_remedy
from server.wire.ollama.usage import read_usage
from server.wire.timestamps import iso_seconds, timestamp


class OllamaStreamDecoder(ChatStreamReader[AnswerChoice]):
    """See ChatStreamDecoder."""

    # A line begins as a plain answer does, and a plain answer is a stream of one line.
    no_events = (b"<",)

    def __init__(self, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._parser = NdjsonParser()
        self._last: Object = {}

    @override
    def _read(self, data: bytes) -> None:
        for line in self._parser.feed(data):
            self._line(line)
            if self._done:
                return

    @override
    def _read_rest(self) -> None:
        if line := self._parser.rest():
            self._line(line)

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        return read_usage(self._last, self._request)

    @override
    def _service_tier(self) -> str:
        return ""

    @override
    def _provider_fields(self) -> str:
        return answer_fields(self._last)

    @override
    def _make(self, index: int) -> AnswerChoice:
        return AnswerChoice(self._batch, self._call_salt)

    def _line(self, line: bytes) -> None:
        try:
            told = orjson.loads(line)
        except ValueError:
            raise ProviderBadResponse(UNREADABLE) from None
        if type(told) is not dict:
            raise ProviderBadResponse(UNREADABLE)
        if (error := provider_errors.error_in(told)) is not None:
            raise with_remedy(error)
        if not self._told_header:
            self._head(told)
        choice = self._choice(0)
        choice.read(told)
        if choice.ended:
            if not choice.heard:
                raise ProviderBadResponse(NO_MESSAGE)
            self._last = told
            self._end()

    def _head(self, told: Object) -> None:
        header = self._header
        header.model = header.model or json.text(told.get("model"))
        created = timestamp(iso_seconds(told.get("created_at")))
        if created is not None and not header.HasField("create_time"):
            header.create_time.CopyFrom(created)
