"""A streamed answer of the format as messages of the contract."""

import secrets

import orjson
from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import estimate, provider_errors
from server.wire import json_value as json
from server.wire.chat.assembly import Batch
from server.wire.chat.whole import as_stream
from server.wire.http import HttpResponse
from server.wire.json_value import Object
from server.wire.openai_chat import fields
from server.wire.openai_chat.choice_stream import ChoiceStream
from server.wire.openai_chat.citations import read_sources
from server.wire.openai_chat.decode import FAILED, UNREADABLE, decode
from server.wire.openai_chat.dialect import Dialect
from server.wire.openai_chat.usage import read_usage
from server.wire.sse import MAX_EVENT_BYTES, SseParser
from server.wire.timestamps import timestamp

BROKEN_OFF = "the provider broke off its answer"

MAX_CHOICES = 256
"""Twice the contract's largest n; more are taken for an attack on memory."""

_DONE = b"[DONE]"
_ORDINARY = frozenset(
    {"id", "object", "created", "model", "choices", "system_fingerprint", "service_tier", "obfuscation", "usage"}
)
# A stream has no field for moderation: it is kept with what else the provider said.
_READ = fields.ANSWER - {"moderation"}


class OpenAIChatStreamDecoder:
    """See ChatStreamDecoder. An error that comes in one read with good deltas is raised at the next call."""

    def __init__(self, dialect: Dialect, request: CreateChatCompletionRequest) -> None:
        self._dialect = dialect
        self._request = request
        self._padding = request.stream_options.include_obfuscation
        self._parser = SseParser()
        self._whole: list[bytes] | None = None
        self._whole_size = 0
        self._begun = False
        self._done = False
        self._failure: HubError | None = None
        self._batch = Batch()
        self._choices: dict[int, ChoiceStream] = {}
        self._salt = ""
        self._told_header = False
        self._header = StreamChatCompletionResponse()
        self._usage: Object = {}
        self._tier = ""
        self._left: Object = {}
        self._groq: Object = {}
        self._sources: Object = {}

    @property
    def done(self) -> bool:
        """See ChatStreamDecoder.done."""
        return self._done

    def feed(self, data: bytes) -> StreamChatCompletionResponse | None:
        """See ChatStreamDecoder.feed."""
        if self._failure is not None:
            raise self._failure
        if self._done:
            return None
        if not self._begun and not self._begin(data):
            return None
        if self._whole is not None:
            self._whole_size += len(data)
            if self._whole_size > MAX_EVENT_BYTES:
                raise ProviderBadResponse("the provider sent an answer longer than the hub reads")
            self._whole.append(data)
            return None
        try:
            for name, payload in self._parser.feed(data):
                self._event(name, payload)
                if self._done:
                    break
        except HubError as error:
            return self._fail(error)
        except (ValueError, TypeError, OverflowError):
            return self._fail(ProviderBadResponse(UNREADABLE))
        return self._take()

    def finish(self) -> StreamChatCompletionResponse:
        """See ChatStreamDecoder.finish."""
        if self._failure is not None:
            raise self._failure
        if self._whole is not None:
            return self._finish_whole(b"".join(self._whole))
        if (event := self._parser.rest()) is not None:
            try:
                self._event(*event)
            except (ProviderBadResponse, ValueError, TypeError, OverflowError):
                # Half an event: the end was cut off.
                raise ProviderUnavailable(BROKEN_OFF) from None
        if not self._done:
            if not self._choices or not all(choice.ended for choice in self._choices.values()):
                raise ProviderUnavailable(BROKEN_OFF)
            self._end()
        message = self._take()
        return message if message is not None else StreamChatCompletionResponse(usage=self.usage())

    def usage(self) -> Usage:
        """See ChatStreamDecoder.usage."""
        told = read_usage(self._usage) if self._usage else None
        return told or estimate.usage(self._request, sum(choice.size for choice in self._choices.values()))

    def broken(self) -> StreamChatCompletionResponse:
        """See ChatStreamDecoder.broken."""
        for choice in self._choices.values():
            if choice.ended:
                choice.end()
            choice.close()
        message = self._batch.message
        message.usage.CopyFrom(self.usage())
        message.service_tier = self._tier
        return message

    def _begin(self, data: bytes) -> bool:
        """Sees by the first character whether this is a stream at all; False while there is none."""
        start = data.lstrip()[:1]
        if not start:
            return False
        self._begun = True
        if start in (b"{", b"[", b"<"):
            # A plain answer, or an error page, although a stream was asked for.
            self._whole = []
        return True

    def _fail(self, error: HubError) -> StreamChatCompletionResponse | None:
        """Good deltas of the same read go out first."""
        self._failure = error
        message = self._take()
        if message is None:
            raise error
        return message

    def _event(self, name: str, payload: bytes) -> None:
        if payload == _DONE or payload.strip() in (_DONE, b""):
            if payload.strip():
                self._end()
            return
        chunk = _parse(payload, plain=name == "error")
        if name == "error" and "error" not in chunk:
            chunk = {"error": chunk}
        self._chunk(chunk)
        told = "error" in chunk or chunk.get("object") == "error"
        if told and (error := provider_errors.error_in(chunk)) is not None:
            raise error

    def _chunk(self, chunk: Object) -> None:
        if not self._told_header:
            self._read_header(chunk)
        if not chunk.keys() <= _ORDINARY:
            self._read_rest(chunk)
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
                    self._choice(choice)

    def _choice(self, told: Object) -> None:
        index = told.get("index")
        if type(index) is not int:
            index = 0
        stream = self._choices.get(index)
        if stream is None:
            if json.index(index) is None or len(self._choices) >= MAX_CHOICES:
                raise ProviderBadResponse("the provider sent more choices than the hub reads")
            stream = self._choices[index] = ChoiceStream(index, self._dialect.name, self._batch)
        stream.read(told, self._call_salt)

    def _call_salt(self) -> str:
        """What made ids of calls rest on: the answer's own id, or chance where it has none."""
        if not self._salt:
            self._salt = self._header.id or secrets.token_hex(12)
        return self._salt

    def _read_header(self, chunk: Object) -> None:
        header = self._header
        header.id = header.id or json.text(chunk.get("id"))
        header.model = header.model or json.text(chunk.get("model"))
        header.system_fingerprint = header.system_fingerprint or json.text(chunk.get("system_fingerprint"))
        if not header.HasField("create_time") and (created := timestamp(chunk.get("created"))) is not None:
            header.create_time.CopyFrom(created)

    def _read_rest(self, chunk: Object) -> None:
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

    def _end(self) -> None:
        """The proper end: what belongs on the last message is put there."""
        if not self._choices:
            raise ProviderBadResponse("the provider answered without a choice")
        if all(choice.reason in self._dialect.failed for choice in self._choices.values()):
            raise ProviderUnavailable(FAILED)
        self._done = True
        first = next(iter(self._choices.values()))
        if sources := read_sources(self._sources):
            first.cite(sources)
        for choice in self._choices.values():
            choice.end()

    def _take(self) -> StreamChatCompletionResponse | None:
        """The message at hand, once it holds more than how the stream starts up."""
        message = self._batch.message
        if not message.choices and not self._done:
            return None
        for choice in self._choices.values():
            choice.close()
        self._batch.message = StreamChatCompletionResponse()
        if not self._told_header:
            self._told_header = True
            message.MergeFrom(self._header)
        if self._done:
            message.usage.CopyFrom(self.usage())
            message.service_tier = self._tier or json.text(self._usage.get("service_tier"))
            if self._groq:
                self._left["x_groq"] = self._groq
            if left := fields.unread_of_answer({**self._left, "usage": self._usage}):
                message.provider_fields_json = json.to_text(left)
        return message

    def _finish_whole(self, body: bytes) -> StreamChatCompletionResponse:
        answer = decode(self._dialect, HttpResponse(200, {}, body), self._request)
        self._done = True
        return as_stream(answer)


def _parse(payload: bytes, *, plain: bool) -> Object:
    """The object an event holds; where it may be ``plain``, its words as an error."""
    try:
        chunk = orjson.loads(payload)
    except ValueError:
        if not plain:
            raise ProviderBadResponse(UNREADABLE) from None
        chunk = payload.decode("utf-8", "replace")
    if plain and type(chunk) is str:
        return {"error": chunk}
    if type(chunk) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    return chunk
