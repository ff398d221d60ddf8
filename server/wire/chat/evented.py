"""Streamed answers that come as events with a name and a payload, as most formats have them."""

from abc import abstractmethod
from typing import Protocol

import orjson
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from typing_extensions import override

from server.errors import ProviderBadResponse
from server.wire.chat.stream import UNREADABLE, C, ChatStreamReader
from server.wire.json_value import Object
from server.wire.sse import Event, SseParser


class Framing(Protocol):
    """Cuts a streamed body into events, as SseParser does."""

    def feed(self, data: bytes) -> list[Event]:
        """Events that this read completed, in order."""

    def rest(self) -> Event | None:
        """The event that the end of the body left open; None where there is none."""


class EventedReader(ChatStreamReader[C]):
    """A ChatStreamReader whose format decides what each event means, and nothing else of how it came."""

    def __init__(self, request: CreateChatCompletionRequest, framing: Framing | None = None) -> None:
        super().__init__(request)
        self._framing = framing or SseParser()

    @override
    def _read(self, data: bytes) -> None:
        for name, payload in self._framing.feed(data):
            self._event(name, payload)
            if self._done:
                return

    @override
    def _read_rest(self) -> None:
        if (event := self._framing.rest()) is not None:
            self._event(*event)

    @abstractmethod
    def _event(self, name: str, payload: bytes) -> None:
        """What one event says; makes ``_done`` true where it is the last."""


def event_object(payload: bytes, *, plain: bool) -> Object:
    """The object an event holds; where it may be ``plain``, its words as an ``error``. Raises ProviderBadResponse."""
    try:
        event = orjson.loads(payload)
    except ValueError:
        if not plain:
            raise ProviderBadResponse(UNREADABLE) from None
        event = payload.decode("utf-8", "replace")
    if plain and type(event) is str:
        return {"error": event}
    if type(event) is not dict:
        raise ProviderBadResponse(UNREADABLE)
    return event
