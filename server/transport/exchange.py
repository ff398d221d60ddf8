"""One exchange with a provider: a request, its answer, and every wait of it bounded and able to be ended."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Coroutine, Iterator, Mapping
from time import perf_counter
from types import TracebackType
from typing import Any, Self, TypeVar

from server.errors import HubError
from server.transport import faults
from server.transport.conversation import Conversation, Waits
from server.transport.inflate import CannotInflate, CutShort, Inflater, inflater_for

T = TypeVar("T")

_LONGEST_NUMBER = 20  # digits; what is longer, aiohttp's parser has refused already


class Exchange:
    """One request and its answer. Left before the answer's end, it drops the connection at once."""

    __slots__ = (
        "_ask",
        "_begun",
        "_conversation",
        "_inflater",
        "_interruption",
        "_left",
        "_live",
        "_loop",
        "_max_body",
        "_pieces",
        "_redirects",
        "_waiter",
        "_waits",
        "authorization",
        "head_wait",
    )

    head_wait: float
    """Seconds from the call to the answer's head, or to the failure to get one."""
    authorization: str
    """The Authorization header that was at hand, where another may be fetched; else empty."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        live: "set[Exchange]",
        ask: Coroutine[Any, Any, Conversation],
        waits: Waits,
        max_body: int,
        *,
        redirects: bool = False,
        authorization: str = "",
    ) -> None:
        """``ask`` sends the request and waits for the head; it is begun when the exchange is entered.

        With ``redirects``, a 3xx is an answer like any other; else it is a failure.
        """
        self._loop = loop  # named to asyncio.current_task, which would ask the system for it anew
        self._live = live
        self._interruption: HubError | None = None
        self._waiter: asyncio.Task[Any] | None = None
        self._redirects = redirects
        self.authorization = authorization
        self._ask = ask
        self._waits = waits
        self._max_body = max_body
        self._left = False
        self._pieces: Iterator[bytes] | None = None
        self._begun = False
        self.head_wait = 0.0

    async def __aenter__(self) -> Self:
        began = perf_counter()
        self._live.add(self)
        try:
            conversation = await self._waiting(self._ask)
        except BaseException:
            self._live.discard(self)
            raise
        finally:
            self.head_wait = perf_counter() - began
        try:
            self._check(conversation)
        except HubError:
            self._live.discard(self)
            conversation.abort()
            raise
        self._conversation = conversation
        self._begun = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.discard(self)
        if self._conversation.complete:
            self._conversation.finish()
        elif self._left and kind is None:
            self._conversation.linger()
        else:
            self._conversation.abort()

    def interrupt(self, error: HubError) -> None:
        """Ends the wait in progress, and every later one, with ``error``."""
        self._interruption = error
        if self._waiter is not None:
            self._waiter.cancel()
        elif self._begun:
            self._conversation.fail(error)

    async def _waiting(self, wait: Coroutine[Any, Any, T]) -> T:
        if self._interruption is not None:
            wait.close()
            raise self._interruption
        self._waiter = asyncio.current_task(self._loop)
        try:
            return await wait
        except asyncio.CancelledError:
            if self._interruption is None or self._waiter is None:
                raise
            self._waiter.uncancel()
            raise self._interruption from None
        finally:
            self._waiter = None

    def _check(self, conversation: Conversation) -> None:
        if conversation.status < 200:
            raise faults.no_http(self._waits.who)
        if 300 <= conversation.status < 400 and not self._redirects:
            raise faults.redirected(self._waits.who, conversation.status)
        coding = conversation.headers.get("Content-Encoding")
        try:
            self._inflater = inflater_for(coding) if coding else None
        except CannotInflate:
            raise faults.bad_coding(self._waits.who) from None

    @property
    def waited(self) -> float:
        """Seconds spent waiting for the peer so far, ``head_wait`` included."""
        return self.head_wait + (self._conversation.waited if self._begun else 0.0)

    @property
    def status(self) -> int:
        """The HTTP status; never a redirect."""
        return self._conversation.status

    @property
    def headers(self) -> Mapping[str, str]:
        """The answer's headers, looked up without regard to case."""
        return self._conversation.headers

    def read(self) -> Awaitable[bytes]:
        """Everything one read delivered, decompressed; empty at the end of the body."""
        if self._interruption is not None:
            raise self._interruption
        return self._conversation.read() if self._inflater is None else self._inflated(self._inflater)

    async def reads(self) -> AsyncGenerator[bytes]:
        """The body, one item for each read."""
        while data := await self.read():
            yield data

    async def body(self, *, cut_at: int | None = None) -> bytes:
        """The whole body, at most the setting's size. With ``cut_at``, at most so many bytes and the rest unread."""
        if self._inflater is None and (whole := self._conversation.whole(self._max_body)) is not None:
            return whole if cut_at is None else whole[:cut_at]
        if cut_at is None and self._announced() > self._max_body:
            raise faults.too_long(self._waits.who, self._max_body)
        parts: list[bytes] = []
        size = 0
        while data := await self.read():
            parts.append(data)
            size += len(data)
            if cut_at is not None and size >= cut_at:
                return b"".join(parts)[:cut_at]
            if size > self._max_body:
                raise faults.too_long(self._waits.who, self._max_body)
        return b"".join(parts)

    def _announced(self) -> int:
        length = self.headers.get("Content-Length", "")
        return int(length) if length.isdecimal() and len(length) < _LONGEST_NUMBER else 0

    def leave(self) -> None:
        """Says that the rest of the body holds nothing of interest and its end is near.

        The connection then goes back to the pool if the body ends within a moment of leaving; nobody waits for that.
        """
        self._left = True

    async def _inflated(self, inflater: Inflater) -> bytes:
        try:
            while True:
                if self._pieces is not None:
                    if piece := next(self._pieces, b""):
                        await asyncio.sleep(0)  # a bomb unfolds without waiting: let other calls in between
                        return piece
                    self._pieces = None
                data = await self._conversation.read()
                if not data:
                    inflater.finish()
                    return b""
                self._pieces = inflater.feed(data)
        except CannotInflate:
            raise faults.bad_coding(self._waits.who) from None
        except CutShort:
            raise faults.broke_off(self._waits.who) from None
