"""Plays a conversation through a running hub and asserts that nothing of it was lost or changed."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zlib import crc32

import grpc
from aignehub.v1.chat_pb2 import Message
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, CreateChatCompletionResponse

from tests.conversations.dialects.base import Dialect, Otherwise, Refused
from tests.conversations.fake import Fake
from tests.conversations.neutral import Choice, Script
from tests.conversations.reading import assemble, read
from tests.conversations.table import Conversation, Exchange, addressed
from tests.running import RunningHub, failure, running_hub

TIMEOUT = 5
"""Seconds a call may take."""
_AS_WRITTEN = Otherwise()
_ADJUSTED = ("INVALID_ARGUMENT", "REQUEST_INVALID")
"""What a caller that wants no adjustments is told instead."""


@dataclass
class Stage:
    """A hub whose providers are all played by one fake."""

    hub: RunningHub
    fake: Fake

    async def play(self, name: str, conversation: Conversation, *, streamed: bool) -> None:
        """Raises AssertionError where what was meant did not arrive, on either side."""
        dialect = self.fake.dialects[name]
        messages: list[Message] = []
        answers: list[Script] = []
        for exchange in conversation.exchanges:
            if exchange.follows and not answers:
                return
            otherwise = dialect.otherwise.get(exchange.name, _AS_WRITTEN)
            request = CreateChatCompletionRequest(model=f"{name}/{_model(dialect, exchange)}")
            request.MergeFrom(exchange.ask(messages))
            self._set_up(f"{name} {exchange.name}", exchange, otherwise)
            if otherwise.refused:
                await self._refused(request, otherwise.refused, streamed=streamed)
                continue
            if otherwise.adjusted:
                await self._refused(_strict(request), Refused(otherwise.adjusted[0], *_ADJUSTED), streamed=streamed)
            response = await self._ask(request, streamed=streamed)
            got = read(response)
            self._check_heard(dialect, exchange, otherwise, answers, streamed=streamed)
            assert list(response.gateway.adjusted_fields) == list(otherwise.adjusted)
            assert response.gateway.provider == name
            assert response.gateway.provider_model == _model(dialect, exchange)
            told = dialect.tells(otherwise.told(exchange.script))
            if streamed and not dialect.stream_usage:
                told = replace(told, usage=None)
            _check_answer(got, told, _model(dialect, exchange))
            messages.append(response.choices[0].message)
            answers.append(got)

    def _set_up(self, seed: str, exchange: Exchange, otherwise: Otherwise) -> None:
        fake = self.fake
        fake.asked.clear()
        fake.complaints.clear()
        fake.script = lambda name, heard: otherwise.told(exchange.script)
        fake.cut = lambda: random.Random(crc32(seed.encode()))

    async def _ask(self, request: CreateChatCompletionRequest, *, streamed: bool) -> CreateChatCompletionResponse:
        try:
            return await self._call(request, streamed=streamed)
        except grpc.aio.AioRpcError as error:
            told = failure(error)
            assert not self.fake.complaints, self.fake.complaints
            raise AssertionError(f"{told.code.name} {told.reason}: {told.message}") from None

    async def _call(self, request: CreateChatCompletionRequest, *, streamed: bool) -> CreateChatCompletionResponse:
        hub = self.hub
        if not streamed:
            return await hub.chat.CreateChatCompletion(request, metadata=hub.auth, timeout=TIMEOUT)
        call = hub.chat.StreamChatCompletion(request, metadata=hub.auth, timeout=TIMEOUT)
        return assemble([chunk async for chunk in call])

    async def _refused(self, request: CreateChatCompletionRequest, expected: Refused, *, streamed: bool) -> None:
        try:
            await self._call(request, streamed=streamed)
        except grpc.aio.AioRpcError as error:
            told = failure(error)
        else:
            raise AssertionError(f"answered, though {expected} was expected")
        fields = [violation.field for violation in told.bad_request.field_violations]
        assert (told.code.name, told.reason, fields) == (expected.code, expected.reason, [expected.field])
        assert not self.fake.asked
        assert not self.fake.complaints

    def _check_heard(
        self, dialect: Dialect, exchange: Exchange, otherwise: Otherwise, answers: list[Script], *, streamed: bool
    ) -> None:
        [asked] = self.fake.asked
        expected = dialect.conveys(exchange.heard(answers))
        amended = otherwise.heard(expected)
        assert amended == expected or otherwise.adjusted or otherwise.emulated, "a request was changed in silence"
        assert asked.heard == addressed(amended, _model(dialect, exchange), stream=streamed)


def _strict(request: CreateChatCompletionRequest) -> CreateChatCompletionRequest:
    strict = CreateChatCompletionRequest()
    strict.CopyFrom(request)
    strict.gateway.strict_parameters = True
    return strict


def _model(dialect: Dialect, exchange: Exchange) -> str:
    return dialect.models.get(exchange.name, dialect.model)


def _check_answer(got: Script, told: Script, model: str) -> None:
    for choice in got.choices:
        ids = [call.id for call in choice.calls]
        assert all(ids), "a call without an id"
        assert len(set(ids)) == len(ids), "two calls of one id"
    expected = replace(told, id=told.id or got.id, model=told.model or model)
    if len(got.choices) == len(told.choices):
        choices = tuple(_with_made_ids(choice, its) for choice, its in zip(told.choices, got.choices, strict=True))
        expected = replace(expected, choices=choices)
    assert got == expected


def _with_made_ids(told: Choice, got: Choice) -> Choice:
    """What was told, with the hub's ids for calls that came without."""
    if len(told.calls) != len(got.calls):
        return told
    calls = tuple(replace(call, id=call.id or its.id) for call, its in zip(told.calls, got.calls, strict=True))
    return replace(told, calls=calls)


@asynccontextmanager
async def staged(folder: Path, fake: Fake) -> AsyncIterator[Stage]:
    """The fake and a hub that knows nothing but it, until the end of the block."""
    # No port may be fetched from: what a provider does not read by its address is refused, and nothing leaves the test.
    egress = {"allowed_ports": [1]}
    async with fake, running_hub(folder, providers=fake.configuration(), sandbox=False, egress=egress) as hub:
        yield Stage(hub, fake)
