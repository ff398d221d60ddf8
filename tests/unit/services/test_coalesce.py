"""Deltas merged within a window: the same words in the same order, and nothing that matters kept back."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

import pytest
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_service_pb2 import ChatChoiceDelta, StreamChatCompletionResponse, ToolCallDelta

from server.errors import ProviderUnavailable
from server.services.coalesce import append, coalesced

Chunk = StreamChatCompletionResponse


def says(content: str, index: int = 0, **more: object) -> Chunk:
    return Chunk(choices=[ChatChoiceDelta(index=index, content=content, **more)])  # type: ignore[arg-type]


def calls(arguments: str, index: int = 0, **more: str) -> Chunk:
    call = ToolCallDelta(index=index, arguments_delta=arguments, **more)  # type: ignore[arg-type]
    return Chunk(choices=[ChatChoiceDelta(tool_calls=[call])])


async def source(chunks: Iterable[Chunk | float | Exception]) -> AsyncGenerator[Chunk]:
    for one in chunks:
        if isinstance(one, Exception):
            raise one
        if isinstance(one, float):
            await asyncio.sleep(one)
        else:
            yield one


async def texts(chunks: Iterable[Chunk | float | Exception], window: float) -> list[str]:
    return ["".join(delta.content for delta in one.choices) async for one in coalesced(source(chunks), window)]


def test_text_goes_on_in_its_delta() -> None:
    message = says("a", role=chat_pb2.ROLE_ASSISTANT)
    for word in "bc":
        append(message, says(word))
    assert message == says("abc", role=chat_pb2.ROLE_ASSISTANT)


@pytest.mark.parametrize(
    "chunk",
    [
        says("b", index=1),
        says("b", part_index=1),
        says("b", content_signature=b"proof"),
        says("b", finish_reason=chat_pb2.FINISH_REASON_STOP),
        Chunk(choices=[ChatChoiceDelta(content="b", reasoning=chat_pb2.ReasoningPart(text="why"))]),
        calls("{}"),
    ],
    ids=["other choice", "other part", "signed", "end", "reasoning", "tool call"],
)
def test_what_is_more_than_text_stays_a_delta_of_its_own(chunk: Chunk) -> None:
    message = says("a")
    append(message, chunk)
    assert list(message.choices) == [says("a").choices[0], chunk.choices[0]]


def test_arguments_go_on_in_their_call() -> None:
    message = calls('{"a"', id="call-1", name="f")
    append(message, calls(": 1"))
    append(message, calls("}"))
    append(message, calls("{", index=1, id="call-2", name="g"))
    found = [call for delta in message.choices for call in delta.tool_calls]
    assert [(call.id, call.arguments_delta) for call in found] == [("call-1", '{"a": 1}'), ("call-2", "{")]


def test_usage_so_far_is_the_latest_and_not_a_sum() -> None:
    message = says("a")
    for tokens in (3, 4):
        chunk = says("b")
        chunk.usage.output_tokens = tokens
        append(message, chunk)
    assert (message.usage.output_tokens, message.choices[0].content) == (4, "abb")


async def test_the_first_is_sent_at_once_and_the_rest_of_a_window_together() -> None:
    assert await texts([says("a"), 0.01, says("b"), says("c"), says("d")], 10) == ["a", "bcd"]


async def test_a_window_ends_by_itself() -> None:
    loop = asyncio.get_running_loop()
    began, arrived = loop.time(), []
    async for one in coalesced(source([says("a"), 0.005, says("b"), 0.2, says("c")]), 0.02):
        arrived.append((one.choices[0].content, loop.time() - began))
    assert [text for text, _ in arrived] == ["a", "b", "c"]
    assert 0.02 <= arrived[1][1] < 0.19


@pytest.mark.parametrize(
    "boundary",
    [says("!", finish_reason=chat_pb2.FINISH_REASON_STOP), calls("", id="call-1", name="f")],
    ids=["finish", "tool call"],
)
async def test_a_boundary_takes_with_it_what_was_held(boundary: Chunk) -> None:
    more = asyncio.Event()

    async def chunks() -> AsyncGenerator[Chunk]:
        for one in (says("a"), says("b")):
            yield one
            await asyncio.sleep(0.005)
        yield boundary
        await more.wait()

    stream = coalesced(chunks(), 10)
    async with asyncio.timeout(2):
        assert [delta.content for delta in (await anext(stream)).choices] == ["a"]
        held = await anext(stream)
    assert held.choices[0].content == "b"
    assert held.choices[1] == boundary.choices[0]
    await stream.aclose()


async def test_what_came_before_an_error_is_sent_before_it() -> None:
    received = []
    with pytest.raises(ProviderUnavailable):
        async for one in coalesced(source([says("a"), 0.001, says("b"), ProviderUnavailable("cut")]), 10):
            received.append(one.choices[0].content)
    assert received == ["a", "b"]


async def test_closing_it_closes_the_provider() -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[Chunk]:
        try:
            while True:
                yield says("a")
                await asyncio.sleep(0.001)
        finally:
            closed.set()

    stream = coalesced(endless(), 0.005)
    await anext(stream)
    await stream.aclose()
    assert closed.is_set()


async def test_a_caller_who_does_not_read_holds_the_provider_up() -> None:
    made = 0

    async def endless() -> AsyncGenerator[Chunk]:
        nonlocal made
        while True:
            made += 1
            yield says("a")
            await asyncio.sleep(0)

    stream = coalesced(endless(), 1)
    await anext(stream)
    async with asyncio.timeout(5):
        before = 0
        while made != before:
            before = made
            await asyncio.sleep(0.05)
    assert len((await anext(stream)).choices[0].content) == 1000
    await stream.aclose()
