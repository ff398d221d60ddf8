"""The callers: what they ask, and what they make of what they get."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import grpc
from aignehub.v1 import chat_pb2, chat_service_pb2, options_pb2
from aignehub.v1.chat_service_pb2_grpc import ChatServiceStub
from aignehub.v1.usage_pb2 import GatewayInfo

from tests.conversations.dialects.base import Dialect
from tests.drill.providers import answer_to
from tests.running import Failure, failure

_SECONDS = 12.0
"""Deadline of a call."""
_ATTEMPT_SECONDS = 4.0
_HEDGED, _CANCELLED = 0.05, 0.05
"""Shares of the calls."""


@dataclass
class Made:
    """One call as its caller saw it."""

    number: int
    dialect: str
    stream: bool
    hedged: bool = False
    text: str = ""
    gateway: GatewayInfo = field(default_factory=GatewayInfo)
    failed: Failure | None = None
    code: str = "OK"
    cancelled_at: float | None = None

    @property
    def answered(self) -> bool:
        """The whole answer, exactly once."""
        return self.failed is None and self.text == answer_to(self.number)

    @property
    def lost(self) -> int:
        """Hedges that lost, for the figures."""
        return sum(attempt.lost for attempt in self.gateway.attempts)

    @property
    def repeats(self) -> int:
        """Attempts at a provider that this call had asked before."""
        names = [attempt.provider for attempt in self.gateway.attempts]
        return len(names) - len(set(names))


class Callers:
    """Calls one after the other, by several at once, until the time is over."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        key: str,
        pairs: Sequence[tuple[Dialect, Dialect]],
        seed: int,
    ) -> None:
        self._stub = ChatServiceStub(channel)
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._pairs = pairs
        self._random = Random(seed)
        self._next = 0
        self.made: list[Made] = []

    async def run(self, at_once: int, seconds: float) -> None:
        """Returns once every caller has ended its last call."""
        until = asyncio.get_running_loop().time() + seconds
        await asyncio.gather(*(self._caller(until) for _ in range(at_once)))

    async def _caller(self, until: float) -> None:
        while asyncio.get_running_loop().time() < until:
            number = self._next
            self._next += 1
            # In turn, so that every dialect meets every fault in a run that is long enough.
            first, _ = self._pairs[number % len(self._pairs)]
            made = Made(number, first.name.removesuffix("-a"), stream=self._random.random() < 0.5)
            made.hedged = self._random.random() < _HEDGED
            self.made.append(made)
            work = asyncio.create_task(self._call(made))
            if self._random.random() < _CANCELLED:
                await asyncio.wait({work}, timeout=self._random.uniform(0.005, 0.1))
                if not work.done():
                    made.cancelled_at = asyncio.get_running_loop().time()
                    work.cancel()
            await asyncio.gather(work, return_exceptions=True)

    async def _call(self, made: Made) -> None:
        options = options_pb2.GatewayOptions()
        options.attempt_timeout.FromMilliseconds(int(_ATTEMPT_SECONDS * 1000))
        if made.hedged:
            options.hedge_after.FromMilliseconds(150)
        text = f"This is drill call {made.number} of many"
        message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text=text)])
        request = chat_service_pb2.CreateChatCompletionRequest(
            model=f"{made.dialect}-pair", messages=[message], gateway=options
        )
        try:
            await (self._streamed(request, made) if made.stream else self._whole(request, made))
        except grpc.aio.AioRpcError as error:
            made.failed = failure(error)
            made.code = error.code().name

    async def _whole(self, request: chat_service_pb2.CreateChatCompletionRequest, made: Made) -> None:
        response = await self._stub.CreateChatCompletion(request, metadata=self._metadata, timeout=_SECONDS)
        made.text = "".join(part.text for part in response.choices[0].message.content)
        made.gateway = response.gateway

    async def _streamed(self, request: chat_service_pb2.CreateChatCompletionRequest, made: Made) -> None:
        async for chunk in self._stub.StreamChatCompletion(request, metadata=self._metadata, timeout=_SECONDS):
            made.text += "".join(delta.content for delta in chunk.choices)
            if chunk.HasField("gateway"):
                made.gateway = chunk.gateway
