"""A streamed answer of the format as messages of the contract.

https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from aignehub.v1.chat_pb2 import OutputAudio
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.chat.evented import EventedReader, event_object
from server.wire.chat.stream import UNREADABLE
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.openai_responses import reasoning
from server.wire.openai_responses.decode import decode
from server.wire.openai_responses.fields import answer_fields
from server.wire.openai_responses.finish import failure_in, native_word
from server.wire.openai_responses.names import NAMES
from server.wire.openai_responses.output import AnswerOutput
from server.wire.openai_responses.usage import read_usage
from server.wire.timestamps import timestamp

_DONE = b"[DONE]"


class ResponsesStreamDecoder(EventedReader[AnswerOutput]):
    """See ChatStreamDecoder. Events of unknown kinds are passed over: the end of an item tells all of it again."""

    def __init__(self, provider: str, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._provider = provider
        self._padding = request.stream_options.include_obfuscation
        self._places: dict[str, int] = {}
        self._last = -1
        self._answer: Object = {}

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(self._provider, response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        return read_usage(self._answer)

    @override
    def _service_tier(self) -> str:
        return json.text(self._answer.get("service_tier"))

    @override
    def _provider_fields(self) -> str:
        return answer_fields(self._answer, moderation=True)

    @override
    def _make(self, index: int) -> AnswerOutput:
        return AnswerOutput(self._provider, self._batch, self._call_salt, stored=self._request.store)

    @override
    def _event(self, name: str, payload: bytes) -> None:
        if payload.strip() in (_DONE, b""):
            # OpenRouter's last word; whether the answer is whole was told before it.
            return
        event = event_object(payload, plain=name == "error")
        kind = json.text(event.get("type")) or name
        if kind == "error" or json.says_something(event.get("error")):
            raise _failure(event)
        if self._padding:
            self._batch.message.obfuscation += json.text(event.get("obfuscation"))
        if (read := _EVENTS.get(kind)) is not None:
            read(self, event)

    def _place(self, event: Object) -> int:
        """Which item an event is about: by its number, by its id, or the one at hand."""
        item = json.obj(event.get("item"))
        item_id = json.text(event.get("item_id")) or json.text(item.get("id"))
        place = json.index(event.get("output_index"))
        if place is None:
            place = self._places.get(item_id)
        if place is None:
            place = self._last + 1 if item or item_id else max(self._last, 0)
        if item_id:
            self._places.setdefault(item_id, place)
        self._last = max(self._last, place)
        return place

    def _output(self) -> AnswerOutput:
        return self._choice(0)

    def head(self, event: Object) -> None:
        """``response.created`` and what else comes before the items."""
        answer = json.obj(event.get("response"))
        header = self._header
        header.id = header.id or json.text(answer.get("id"))
        header.model = header.model or json.text(answer.get("model"))
        if not header.HasField("create_time") and (created := timestamp(answer.get("created_at"))) is not None:
            header.create_time.CopyFrom(created)

    def begin(self, event: Object) -> None:
        """``response.output_item.added``."""
        self._output().begin(self._place(event), json.obj(event.get("item")))

    def whole(self, event: Object) -> None:
        """``response.output_item.done``."""
        self._output().whole(self._place(event), json.obj(event.get("item")))

    def text(self, event: Object) -> None:
        """``response.output_text.delta``."""
        piece = json.text(event.get("delta"))
        number = json.count(event.get("content_index"))
        self._output().text(self._place(event), number, piece, event.get("logprobs"))

    def refusal(self, event: Object) -> None:
        """``response.refusal.delta``."""
        self._output().refusal(self._place(event), json.text(event.get("delta")))

    def summary(self, event: Object) -> None:
        """``response.reasoning_summary_text.delta``."""
        self._thought(event, reasoning.SUMMARY, "summary_index")

    def thought(self, event: Object) -> None:
        """``response.reasoning_text.delta``."""
        self._thought(event, reasoning.CONTENT, "content_index")

    def _thought(self, event: Object, form: str, number: str) -> None:
        piece, item_id = json.text(event.get("delta")), json.text(event.get("item_id"))
        self._output().thought(self._place(event), form, json.count(event.get(number)), piece, item_id)

    def arguments(self, event: Object) -> None:
        """``response.function_call_arguments.delta``."""
        self._output().call(self._place(event), json.text(event.get("delta")), custom=False)

    def custom_input(self, event: Object) -> None:
        """``response.custom_tool_call_input.delta``."""
        self._output().call(self._place(event), json.text(event.get("delta")), custom=True)

    def annotation(self, event: Object) -> None:
        """``response.output_text.annotation.added``."""
        self._output().cite(self._place(event), json.obj(event.get("annotation")))

    def sound(self, event: Object) -> None:
        """``response.audio.delta``."""
        self._output().audio(OutputAudio(data=json.base64_bytes(json.text(event.get("delta")))))

    def transcript(self, event: Object) -> None:
        """``response.audio.transcript.delta``."""
        self._output().audio(OutputAudio(transcript=json.text(event.get("delta"))))

    def last(self, event: Object) -> None:
        """``response.completed``, ``.incomplete`` or ``.failed``: the whole answer once more, with its usage."""
        answer = json.obj(event.get("response"))
        self.head(event)
        self._answer = answer
        if (error := failure_in(answer)) is not None:
            raise error
        if event.get("type") == "response.failed" or not answer:
            raise ProviderBadResponse("the provider ended its answer without saying how")
        output = self._output()
        output.rest(answer.get("output"))
        output.stop(native_word(answer))
        self._end()


_EVENTS: Mapping[str, Callable[[ResponsesStreamDecoder, Object], None]] = MappingProxyType(
    {
        "response.created": ResponsesStreamDecoder.head,
        "response.queued": ResponsesStreamDecoder.head,
        "response.in_progress": ResponsesStreamDecoder.head,
        "response.output_item.added": ResponsesStreamDecoder.begin,
        "response.output_item.done": ResponsesStreamDecoder.whole,
        "response.output_text.delta": ResponsesStreamDecoder.text,
        "response.output_text.annotation.added": ResponsesStreamDecoder.annotation,
        "response.refusal.delta": ResponsesStreamDecoder.refusal,
        "response.reasoning_summary_text.delta": ResponsesStreamDecoder.summary,
        "response.reasoning_text.delta": ResponsesStreamDecoder.thought,
        "response.function_call_arguments.delta": ResponsesStreamDecoder.arguments,
        "response.custom_tool_call_input.delta": ResponsesStreamDecoder.custom_input,
        "response.audio.delta": ResponsesStreamDecoder.sound,
        "response.audio.transcript.delta": ResponsesStreamDecoder.transcript,
        "response.completed": ResponsesStreamDecoder.last,
        "response.incomplete": ResponsesStreamDecoder.last,
        "response.failed": ResponsesStreamDecoder.last,
    }
)


def _failure(event: Object) -> Exception:
    """An ``error`` event has its fields beside its type, at some hosts below ``error``."""
    told = event.get("error")
    if not json.says_something(told):
        told = {name: event.get(name) for name in ("message", "code", "param")}
    error = provider_errors.error_in({"error": told, "status": event.get("status")}, names=NAMES)
    return error or ProviderBadResponse(UNREADABLE)
