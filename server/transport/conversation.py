"""An answer whose head has come, and how long each read of its body may wait."""

import asyncio
from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple, Protocol

from aiohttp.streams import StreamReader

from server.errors import HubError
from server.transport import faults
from server.transport.connections import EARLY
from server.transport.endpoint import Timeouts

_CLOSING = 0.25  # how long an answer that is whole may take to say so before its connection is given up


class Waits(NamedTuple):
    """How long one exchange may take, and whose fault it is then."""

    who: str
    timeouts: Timeouts
    deadline: float
    """On the event loop's clock."""


class Answer(Protocol):
    """What a way of asking gives back once the head is in."""

    status: int

    @property
    def headers(self) -> Mapping[str, str]:
        """Looked up without regard to case."""

    @property
    def content(self) -> StreamReader:
        """The body."""

    @property
    def occupied(self) -> bool:
        """False once its connection is free again."""

    def drop(self) -> None:
        """Ends its connection without flushing what is unsent, unless that is free already."""


class Conversation:
    """An answer whose head has come. Its body is read with ``read``; then ``finish``, ``linger`` or ``abort``."""

    __slots__ = (
        "_answer",
        "_content",
        "_given",
        "_loop",
        "_timer",
        "_waiting_since",
        "_waits",
        "headers",
        "status",
        "waited",
    )

    waited: float
    """Seconds spent waiting for the body so far."""

    def __init__(self, answer: Answer, waits: Waits, given: float, loop: asyncio.AbstractEventLoop) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self._answer = answer
        self._content = answer.content
        self._waits = waits
        self._given = given
        self._loop = loop
        self._waiting_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.waited = 0.0

    @property
    def complete(self) -> bool:
        """Whether the end of the body has arrived, read or not."""
        return self._content.is_eof()

    def whole(self, limit: int) -> bytes | None:
        """The whole body where it has arrived, is no longer than ``limit`` and none of it was read."""
        content = self._content
        if not content.is_eof() or content.total_bytes > limit or self._loop.time() >= self._waits.deadline:
            return None
        return content._read_nowait(-1)

    async def read(self) -> bytes:
        """Everything that has arrived since the last read; waits for some. Empty at the end of the body.

        Raises HubError. What had arrived before a connection broke is delivered first.
        """
        now = self._loop.time()
        if now >= self._waits.deadline:
            raise faults.out_of_time(self._waits.who, self._given)
        if self._content.is_eof():  # all is here: nothing to wait for, and no timer to set
            return self._content._read_nowait(-1)
        self._waiting_since = now
        if self._timer is None:
            self._timer = self._loop.call_at(min(now + self._waits.timeouts.idle, self._waits.deadline), self._look)
        began = perf_counter()
        try:
            return await self._content.readany()
        except faults.EXPECTED as error:
            # StreamReader raises a fault before it hands out what it had received until then.
            if rest := self._content._read_nowait(-1):
                return rest
            raise faults.told(self._waits.who, error) from None
        finally:
            self._waiting_since = None
            self.waited += perf_counter() - began

    def _look(self) -> None:
        """One timer for all reads: it is set once and looks, when it goes off, whether a read has waited too long."""
        self._timer = None
        if self._waiting_since is None:
            return  # the next read sets it again
        waits = self._waits
        idle_until = self._waiting_since + waits.timeouts.idle
        due = min(idle_until, waits.deadline)
        if self._loop.time() < due - EARLY:
            self._timer = self._loop.call_at(due, self._look)
        elif idle_until < waits.deadline:
            self.fail(faults.fell_silent(waits.who, waits.timeouts.idle))
        else:
            self.fail(faults.out_of_time(waits.who, self._given))

    def fail(self, error: HubError) -> None:
        """Ends the read in progress, or the next one, with ``error``."""
        self._content.set_exception(error)

    def finish(self) -> None:
        """The body was read to its end: the connection is free already, unless the request is still being sent."""
        self._stop()
        if self._answer.occupied:
            self._answer.drop()

    def linger(self) -> None:
        """Nothing more is wanted of the body, though its end is not in: it is given a moment, in which nobody waits.

        A provider's last event and the mark that ends the body are often two segments; dropping the connection
        between them would cost the next call a TLS handshake.
        """
        self._stop()
        timer = self._loop.call_later(_CLOSING, self.abort)
        self._content.on_eof(timer.cancel)

    def abort(self) -> None:
        """Drops the connection at once, whatever is still to be sent or read."""
        self._stop()
        self._answer.drop()

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
