"""A streamed answer of the format as messages of the contract."""

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse
from aignehub.v1.usage_pb2 import Usage
from typing_extensions import override

from server.wire import json_value as json
from server.wire import provider_errors
from server.wire.chat.evented import EventedReader, event_object
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.openai_chat import fields
from server.wire.openai_chat.choice_stream import ChoiceStream
from server.wire.openai_chat.citations import read_sources
from server.wire.openai_chat.decode import decode, failure
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.names import NAMES
from server.wire.openai_chat.usage import read_usage
from server.wire.openai_chat.usual_chunk import UsualChunk, UsualChunks
from server.wire.openai_chat.usual_usage import usual_usage
from server.wire.timestamps import timestamp

_DONE = b"[DONE]"
_ORDINARY = frozenset(
    {"id", "object", "created", "model", "choices", "system_fingerprint", "service_tier", "obfuscation", "usage"}
)
# A stream has no field for moderation: it is kept with what else the provider said.
_READ = fields.ANSWER - {"moderation"}


class OpenAIChatStreamDecoder(EventedReader[ChoiceStream]):
    """See ChatStreamDecoder."""

    no_events = (*EventedReader.no_events, b"[")

    def __init__(self, dialect: Dialect, request: CreateChatCompletionRequest) -> None:
        super().__init__(request)
        self._dialect = dialect
        self._padding = request.stream_options.include_obfuscation
        self._usual = UsualChunks()
        self._usage: Object = {}
        self._tier = ""
        self._left: Object = {}
        self._groq: Object = {}
        self._sources: Object = {}

    @override
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        return decode(self._dialect, response, self._request)

    @override
    def _told_usage(self) -> Usage | None:
        told = (self._usage, *(choice.usage for choice in self._choices.values()))
        return next((read_usage(usage) for usage in told if usage), None)

    @override
    def _service_tier(self) -> str:
        return self._tier or json.text(self._usage.get("service_tier"))

    @override
    def _provider_fields(self) -> str:
        if not self._left and not self._groq and usual_usage(self._usage) is not None:
            return ""
        if self._groq:
            self._left["x_groq"] = self._groq
        return json.to_text(fields.unread_of_answer({**self._left, "usage": self._usage}))

    @override
    def _make(self, index: int) -> ChoiceStream:
        return ChoiceStream(index, self._dialect.name, self._batch)

    @override
    def _end(self) -> None:
        if self._choices and all(choice.reason in self._dialect.failed for choice in self._choices.values()):
            raise failure(choice.left for choice in self._choices.values())
        if self._choices and (sources := read_sources(self._sources)):
            next(iter(self._choices.values())).cite(sources)
        super()._end()

    @override
    def _read(self, data: bytes) -> None:
        events = self._framing.feed(data)
        alone = len(events) == 1
        for name, payload in events:
            usual = self._usual.read(payload) if self._told_header and not name else None
            if usual is None or not self._read_usual(usual, alone=alone):
                self._event(name, payload)
                if self._done:
                    return

    @override
    def _event(self, name: str, payload: bytes) -> None:
        if payload.strip() in (_DONE, b""):
            if payload.strip():
                self._end()
            return
        chunk = event_object(payload, plain=name == "error")
        if name == "error" and "error" not in chunk:
            chunk = {"error": chunk}
        self._chunk(chunk)
        told = "error" in chunk or "base_resp" in chunk or chunk.get("object") == "error"
        if told and (error := provider_errors.error_in(chunk, names=NAMES)) is not None:
            raise error

    def _read_usual(self, chunk: UsualChunk, *, alone: bool) -> bool:
        """False where it says more than it seems to. ``alone``: it is all that its read delivered."""
        (told,) = chunk.choices
        choice = self._choices.get(told.index) or self._choice(told.index)
        if not choice.read_usual(told.delta, alone=alone):
            return False
        if chunk.service_tier:
            self._tier = chunk.service_tier
        if self._padding and chunk.obfuscation:
            self._batch.message.obfuscation += chunk.obfuscation
        return True

    def _chunk(self, chunk: Object) -> None:
        if not self._told_header:
            self._read_header(chunk)
        if not chunk.keys() <= _ORDINARY:
            self._read_unusual(chunk)
        usage = chunk.get("usage")
        if usage and type(usage) is dict:
            # Perplexity and vLLM tell usage so far on every chunk: the last one counts, nothing is summed.
            self._usage = usage
        tier = chunk.get("service_tier")
        if tier and type(tier) is str:
            self._tier = tier
        if self._padding:
            self._batch.message.obfuscation += json.text(chunk.get("obfuscation"))
        choices = chunk.get("choices")
        if type(choices) is list:
            for choice in choices:
                if type(choice) is dict:
                    index = choice.get("index")
                    self._choice(index if type(index) is int else 0).read(choice, self._call_salt)

    def _read_header(self, chunk: Object) -> None:
        header = self._header
        header.id = header.id or json.text(chunk.get("id"))
        header.model = header.model or json.text(chunk.get("model"))
        header.system_fingerprint = header.system_fingerprint or json.text(chunk.get("system_fingerprint"))
        if not header.HasField("create_time") and (created := timestamp(chunk.get("created"))) is not None:
            header.create_time.CopyFrom(created)

    def _read_unusual(self, chunk: Object) -> None:
        """What only some hosts send. Lists here are repeated whole on every chunk, so the last one counts."""
        if "citations" in chunk or "search_results" in chunk:
            self._sources = chunk
        groq = chunk.get("x_groq")
        if type(groq) is dict:
            usage = groq.pop("usage", None)
            if type(usage) is dict and not self._usage:
                self._usage = usage
            json.merge(self._groq, groq)
        self._left.update(json.unread(chunk, _READ))
