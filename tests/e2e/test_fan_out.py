"""Several models in one stream."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import chat_service_pb2 as pb
from aiohttp import web

from tests.fake_provider import DONE, USAGE, FakeProvider, chunk, streams
from tests.running import RunningHub, ask, failure, provider, running_hub, until


async def fan_out(hub: RunningHub, models: list[str], **more: Any) -> list[pb.FanOutChatCompletionResponse]:
    request = pb.FanOutChatCompletionRequest(request=ask(model="", **more.pop("asked", {})), models=models, **more)
    return [one async for one in hub.chat.FanOutChatCompletion(request, metadata=hub.auth, timeout=10)]


def told(events: list[pb.FanOutChatCompletionResponse], place: int) -> tuple[str, int]:
    """What one model said, and how its answer ended."""
    mine = [event for event in events if event.model_index == place]
    ends = [event.status.code for event in mine if event.HasField("status")]
    assert len(ends) == 1
    assert mine[-1].HasField("status")
    return "".join(delta.content for event in mine for delta in event.chunk.choices), ends[0]


async def test_every_model_answers_and_a_failing_one_leaves_the_others(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        events = await fan_out(hub, ["sandbox/echo", "sandbox/fail-503", "nobody/at-all", "sandbox/slow-50"])
    assert told(events, 0) == ("Hi", 0)
    assert told(events, 1) == ("", grpc.StatusCode.UNAVAILABLE.value[0])
    assert told(events, 2)[1] == grpc.StatusCode.NOT_FOUND.value[0]
    assert told(events, 3) == ("Hi", 0)
    usages = {event.model_index: event.chunk.usage.total_tokens for event in events if event.chunk.HasField("gateway")}
    assert usages.keys() == {0, 3}
    assert all(usages.values())


async def test_the_first_to_have_content_silences_the_others(tmp_path: Path) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(20)
        return web.Response()

    good = streams(chunk({"content": "fast"}), chunk({}, "stop"), USAGE, DONE, pause=0.02)
    async with (
        FakeProvider(slow) as one,
        FakeProvider(good) as other,
        running_hub(
            tmp_path, providers=[provider(one.base_url, "slow", "openai"), provider(other.base_url, "fast", "openai")]
        ) as hub,
    ):
        events = await fan_out(hub, ["slow/m", "fast/m"], strategy=pb.FAN_OUT_STRATEGY_FIRST)
        await until(lambda: len(one.disconnects) == 1)
    assert told(events, 0) == ("", grpc.StatusCode.CANCELLED.value[0])
    assert told(events, 1) == ("fast", 0)


async def test_a_caller_that_leaves_ends_every_model(tmp_path: Path) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        while True:
            await response.write(chunk({"content": "more "}))
            await asyncio.sleep(0.01)

    async with (
        FakeProvider(endless) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = pb.FanOutChatCompletionRequest(request=ask(model=""), models=["openai/a", "openai/b", "openai/c"])
        call = hub.chat.FanOutChatCompletion(request, metadata=hub.auth, timeout=10)
        seen = set()
        async for event in call:
            seen.add(event.model_index)
            if len(seen) == 3:
                break
        call.cancel()
        await until(lambda: len(fake.disconnects) == 3)
        await until(lambda: hub.hub.active_calls == 0)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.FanOutChatCompletionRequest(request=ask(model="")), "models"),
        (pb.FanOutChatCompletionRequest(models=["a"]), "request"),
    ],
)
async def test_a_bad_request_fails_as_a_whole(
    tmp_path: Path, request_: pb.FanOutChatCompletionRequest, field: str
) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            async for _ in hub.chat.FanOutChatCompletion(request_, metadata=hub.auth, timeout=5):
                pass
    assert failure(raised.value).bad_request.field_violations[0].field == field
