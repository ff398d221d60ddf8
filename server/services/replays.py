"""Idempotency keys: repeats of one call share its answer and its charge."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar, cast

from aignehub.v1.options_pb2 import GatewayOptions
from google.protobuf.message import Message

from server.calls import current_call
from server.errors import InvalidArgument

M = TypeVar("M", bound=Message)

KEPT_SECONDS = 600.0
"""How long an answer is kept for repeats: longer than any client goes on retrying one call."""
KEPT_BYTES = 64 * 1024 * 1024
"""Answers kept in all; the oldest go first. One that is larger than this by itself is not kept."""
KEPT_ANSWERS = 10_000
_FIELD = "gateway.idempotency_key"


@dataclass(slots=True)
class _Running:
    """A call in progress that repeats may join."""

    digest: bytes
    task: asyncio.Task[Message]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class _Kept:
    """The answer of a call that is over."""

    digest: bytes
    answer: Message
    size: int
    until: float


class Replays:
    """Answers by caller, method and idempotency key. Failures are not kept: a repeat of one is a call of its own."""

    def __init__(self) -> None:
        self._running: dict[tuple[str, str, str], _Running] = {}
        self._kept: OrderedDict[tuple[str, str, str], _Kept] = OrderedDict()
        self._size = 0

    async def once(self, key: str, request: Message, make: Callable[[], Awaitable[M]]) -> M:
        """What ``make`` answers, made once for all calls under ``key`` with the same request.

        Raises InvalidArgument where the key came with another request, and whatever ``make`` raises.
        """
        call = current_call.get()
        place = (call.caller.id if call.caller else "", call.method, key)
        digest = hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
        now = asyncio.get_running_loop().time()
        self._forget(now)
        if (kept := self._kept.get(place)) is not None:
            _require_same(kept.digest, digest)
            return _copy(cast("M", kept.answer))
        running = self._running.get(place)
        if running is None:
            task = asyncio.create_task(self._made(place, digest, make))
            running = self._running[place] = _Running(digest, task)
        _require_same(running.digest, digest)
        running.waiting += 1
        try:
            return _copy(cast("M", await asyncio.shield(running.task)))
        finally:
            running.waiting -= 1
            if not running.waiting and not running.task.done():
                running.task.cancel()  # whoever asked for it has gone away

    async def _made(self, place: tuple[str, str, str], digest: bytes, make: Callable[[], Awaitable[M]]) -> Message:
        try:
            answer = await make()
        finally:
            del self._running[place]
        size = answer.ByteSize()
        if size <= KEPT_BYTES:
            until = asyncio.get_running_loop().time() + KEPT_SECONDS
            self._kept[place] = _Kept(digest, answer, size, until)
            self._size += size
        return answer

    def _forget(self, now: float) -> None:
        """Lets go of what is too old or too much; entries stand in the order of their ends."""
        while self._kept:
            place, oldest = next(iter(self._kept.items()))
            if oldest.until > now and self._size <= KEPT_BYTES and len(self._kept) <= KEPT_ANSWERS:
                return
            del self._kept[place]
            self._size -= oldest.size


def refuse_for_streams(gateway: GatewayOptions) -> None:
    """Raises InvalidArgument where a stream is to be repeated: its parts were told once and are not kept."""
    if gateway.idempotency_key:
        raise InvalidArgument.field(_FIELD, "is for calls that are answered whole; leave it unset for a stream")


def _require_same(one: bytes, other: bytes) -> None:
    if one != other:
        raise InvalidArgument.field(
            _FIELD,
            "was used for another request; every request needs a key of its own",
            reason="IDEMPOTENCY_KEY_REUSED",
        )


def _copy(answer: M) -> M:
    """Each caller is told things of its own, such as the request's id."""
    copy = type(answer)()
    copy.CopyFrom(answer)
    return copy
