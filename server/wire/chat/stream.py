"""The life of one streamed answer, whatever its format: what has come, what failed, and whether its end was proper."""

import secrets
from abc import ABC, abstractmethod
from typing import Generic, Protocol, TypeVar

from aignehub.v1.chat_service_pb2 import (
    CreateChatCompletionRequest,
    CreateChatCompletionResponse,
    StreamChatCompletionResponse,
)
from aignehub.v1.usage_pb2 import Usage

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.wire import estimate
from server.wire.chat.assembly import Batch
from server.wire.chat.whole import as_stream
from server.wire.http import HttpResponse
from server.wire.sse import MAX_EVENT_BYTES

UNREADABLE = "the provider's answer cannot be read"
BROKEN_OFF = "the provider broke off its answer"
MAX_CHOICES = 256
"""Twice the contract's largest n; more are taken for an attack on memory."""


class StreamedChoice(Protocol):
    """State of one choice."""

    @property
    def ended(self) -> bool:
        """True once the provider has given a reason to stop."""

    @property
    def size(self) -> int:
        """Bytes of text so far."""

    def end(self) -> None:
        """Tells why it ended, on its last delta."""

    def close(self) -> None:
        """Completes the message at hand."""


C = TypeVar("C", bound=StreamedChoice)


class ChatStreamReader(ABC, Generic[C]):
    """A ChatStreamDecoder but for what the format itself decides: the events, and what they mean.

    An error that comes in one read with good deltas is raised at the next call.
    """

    no_events: tuple[bytes, ...] = (b"{", b"<", b'"', b"n", b"t", b"f")
    """Beginnings of a body that is a plain answer, or an error page, although a stream was asked for.

    The last four are those of JSON that is no object; no field of an event begins like them.
    """

    def __init__(self, request: CreateChatCompletionRequest) -> None:
        self._request = request
        self._whole: list[bytes] | None = None
        self._whole_size = 0
        self._begun = False
        self._done = False
        self._failure: HubError | None = None
        self._batch = Batch()
        self._choices: dict[int, C] = {}
        self._header = StreamChatCompletionResponse()
        self._told_header = False
        self._salt = ""

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
            self._read(data)
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
            answer = self._decode_whole(HttpResponse(200, {}, b"".join(self._whole)))
            self._done = True
            return as_stream(answer)
        try:
            self._read_rest()
        except (ProviderBadResponse, ValueError, TypeError, OverflowError):
            # Half an event: the end was cut off.
            raise ProviderUnavailable(BROKEN_OFF) from None
        if not self._done:
            if not self._choices or not all(choice.ended for choice in self._choices.values()):
                raise ProviderUnavailable(BROKEN_OFF)
            self._end()
        message = self._take()
        return message if message is not None else StreamChatCompletionResponse(usage=self.usage())

    def broken(self) -> StreamChatCompletionResponse:
        """See ChatStreamDecoder.broken."""
        for choice in self._choices.values():
            if choice.ended:
                choice.end()
            choice.close()
        message = self._batch.message
        message.usage.CopyFrom(self.usage())
        message.service_tier = self._service_tier()
        return message

    def usage(self) -> Usage:
        """See ChatStreamDecoder.usage."""
        told = self._told_usage()
        return told or estimate.usage(self._request, sum(choice.size for choice in self._choices.values()))

    @abstractmethod
    def _read(self, data: bytes) -> None:
        """What one read delivered: every event of it, up to the one that makes ``_done`` true."""

    @abstractmethod
    def _read_rest(self) -> None:
        """What the end of the body left open."""

    @abstractmethod
    def _decode_whole(self, response: HttpResponse) -> CreateChatCompletionResponse:
        """A plain answer although a stream was asked for."""

    @abstractmethod
    def _told_usage(self) -> Usage | None:
        """The provider's own usage so far."""

    @abstractmethod
    def _service_tier(self) -> str:
        """The tier that was used, as far as it is known."""

    @abstractmethod
    def _provider_fields(self) -> str:
        """What else was said of the whole answer, as JSON."""

    @abstractmethod
    def _make(self, index: int) -> C:
        """A choice that was not heard of before."""

    def _choice(self, index: int) -> C:
        """The choice of that index, made at first sight."""
        found = self._choices.get(index)
        if found is None:
            if not 0 <= index < 2**31 or len(self._choices) >= MAX_CHOICES:
                raise ProviderBadResponse("the provider sent more choices than the hub reads")
            found = self._choices[index] = self._make(index)
        return found

    def _call_salt(self) -> str:
        """What made ids of calls rest on: the answer's own id, or chance where it has none."""
        if not self._salt:
            self._salt = self._header.id or secrets.token_hex(12)
        return self._salt

    def _end(self) -> None:
        """The proper end: what belongs on the last message is put there."""
        if not self._choices:
            raise ProviderBadResponse("the provider answered without a choice")
        self._done = True
        for choice in self._choices.values():
            choice.end()

    def _begin(self, data: bytes) -> bool:
        """Sees by the first character whether this is a stream at all; False while there is none."""
        start = data.lstrip()[:1]
        if not start:
            return False
        self._begun = True
        if start in self.no_events:
            self._whole = []
        return True

    def _fail(self, error: HubError) -> StreamChatCompletionResponse | None:
        """Good deltas of the same read go out first."""
        self._failure = error
        message = self._take()
        if message is None:
            raise error
        return message

    def _take(self) -> StreamChatCompletionResponse | None:
        """The message at hand, once it holds more than how the stream starts up."""
        batch = self._batch
        if not batch.choices and not self._done:
            return None
        if batch.open:
            for choice in self._choices.values():
                choice.close()
        message = batch.message
        batch.begin()
        if not self._told_header:
            self._told_header = True
            message.MergeFrom(self._header)
        if self._done:
            message.usage.CopyFrom(self.usage())
            message.service_tier = self._service_tier()
            message.provider_fields_json = self._provider_fields()
        return message
