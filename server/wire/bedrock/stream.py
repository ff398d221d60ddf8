"""A streamed answer of Converse as messages of the contract."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.bedrock import answer as told_beside
from server.wire.bedrock.decode import decode
from server.wire.bedrock.errors import error_in
from server.wire.bedrock.formats import answer_tool
from server.wire.bedrock.message_stream import MessageStream
from server.wire.bedrock.usage import read_usage
from server.wire.chat.stream import BROKEN_OFF, ChatStreamReader
from server.wire.event_stream import Event, EventStreamParser
from server.wire.http import HttpResponse
from server.wire.json_value import Object


class BedrockStreamDecoder(ChatStreamReader[MessageStream]):
    """See ChatStreamDecoder. The message is whole with messageStop; usage follows, and ends the stream."""

    def __init__(self, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._parser = EventStreamParser()
        self._padding = request.stream_options.include_obfuscation
        self._beside: Object = {}
        self._told_metadata = False

    @override
    def _read(self, data: bytes) -> None:
        for event in self._parser.feed(data):
            self._event(event)
            if self._done:
                return

    @override
    def _read_rest(self) -> None:
        if self._parser.inside:
            raise ProviderBadResponse(BROKEN_OFF)

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        return read_usage(json.obj(self._beside.get("usage")))

    @override
    def _service_tier(self) -> str:
        return told_beside.service_tier(self._beside)

    @override
    def _provider_fields(self) -> str:
        return json.to_text(told_beside.unread(self._beside))

    @override
    def _make(self, index: int) -> MessageStream:
        return MessageStream(self._batch, answer_tool(self._request), self._call_salt)

    def _event(self, event: Event) -> None:
        if (error := error_in(event)) is not None:
            raise error
        body = json.obj(json.parse(event.payload)) if event.payload else {}
        if self._padding:
            # Bedrock pads every event to hide how long its words are.
            self._batch.message.obfuscation += json.text(body.get("p"))
        match event.headers.get(":event-type", ""):
            case "messageStart":
                self._choice(0)
            case "contentBlockStart":
                self._choice(0).start(json.index(body.get("contentBlockIndex")), json.obj(body.get("start")))
            case "contentBlockDelta":
                self._choice(0).delta(json.index(body.get("contentBlockIndex")), json.obj(body.get("delta")))
            case "contentBlockStop":
                self._choice(0).stop(json.index(body.get("contentBlockIndex")))
            case "messageStop":
                self._choice(0).finish(json.text(body.get("stopReason")), told_beside.stop_sequence(body))
                json.merge(self._beside, {key: value for key, value in body.items() if key != "stopReason"})
            case "metadata":
                self._told_metadata = True
                json.merge(self._beside, body)
            case kind:
                json.merge(self._beside, {kind: body} if kind and body else {})
        if self._told_metadata and (message := self._choices.get(0)) is not None and message.ended:
            self._end()
