"""Streams of images through the front door, and images that do not come."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import image_service_pb2 as pb

from tests.fake_provider import DONE, FakeProvider, answers, hangs, streams
from tests.image_calls import (
    CAT,
    LARGE,
    MIB,
    change,
    collected,
    completed,
    draw,
    event,
    form,
    named,
    partial,
    png,
    refused,
    whole,
)
from tests.running import failure, provider, running_hub, until


async def test_the_streaming_contract_with_previews_and_a_large_image(tmp_path: Path) -> None:
    answer = streams(partial(CAT, 0) + partial(LARGE, 1), completed(LARGE), pause=0.01)
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.images.StreamGenerateImages(draw(partial_images=2), metadata=hub.auth, timeout=20)
        events = await collected(call)
    assert fake.seen[0].json == {
        "model": "gpt-image-1", "prompt": "a cat", "partial_images": 2, "stream": True,
    }  # fmt: skip
    assert fake.seen[0].headers["Accept"] == "text/event-stream"
    assert all(one.ByteSize() < MIB for one in events)
    kinds = [one.WhichOneof("event") for one in events]
    assert kinds[0] == "partial_image"
    assert kinds[-2:] == ["completed", "summary"]
    assert events[0].partial_image.media.data == CAT
    previews = [
        one.chunk for one in events if one.WhichOneof("event") == "chunk" and one.chunk.HasField("partial_index")
    ]
    assert b"".join(one.data for one in previews) == LARGE
    assert {one.partial_index for one in previews} == {1}
    [second] = [one.partial_image for one in events[1:] if one.WhichOneof("event") == "partial_image"]
    assert (second.partial_index, second.media.WhichOneof("source")) == (1, None)
    finals = [
        one.chunk for one in events if one.WhichOneof("event") == "chunk" and not one.chunk.HasField("partial_index")
    ]
    assert b"".join(one.data for one in finals) == LARGE
    image = events[-2].completed
    assert (image.media.WhichOneof("source"), image.media.mime_type, image.width) == (None, "image/png", 64)
    summary = events[-1].summary
    assert (summary.model, summary.usage.total_tokens) == ("gpt-image-1", 282)
    assert (summary.gateway.provider, summary.gateway.attempts[0].credential) == ("openai", "key-1")
    assert summary.gateway.time_to_first_token.ToMicroseconds() > 0


async def test_previews_leave_before_the_image_is_whole(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def wait() -> None:
        await asyncio.wait_for(may_end.wait(), 5)

    async with (
        FakeProvider(streams(partial(CAT, 0), then=wait)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.images.StreamGenerateImages(draw(partial_images=1), metadata=hub.auth, timeout=5)
        first = await call.read()
        assert isinstance(first, pb.ImageStreamEvent)
        assert first.partial_image.media.data == CAT
        may_end.set()
        with pytest.raises(grpc.aio.AioRpcError):
            while await call.read() is not grpc.aio.EOF:
                pass


async def test_a_streamed_edit(tmp_path: Path) -> None:
    preview = event("image_edit.partial_image", CAT, partial_image_index=0)
    async with (
        FakeProvider(streams(preview, completed(CAT, "image_edit"), DONE)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = change(png(), options=pb.ImageOptions(partial_images=1))
        events = await collected(hub.images.StreamEditImages(request, metadata=hub.auth, timeout=5))
    fields = named(form(fake.seen[0]))
    assert (fields["stream"], fields["partial_images"]) == (b"true", b"1")
    assert [one.WhichOneof("event") for one in events] == ["partial_image", "completed", "summary"]
    assert events[1].completed.media.data == CAT


@pytest.mark.parametrize("model", ["openai/dall-e-3", "openai/gpt-image-1"])
async def test_a_model_or_host_without_streaming_gives_the_same_events(model: str, tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT, model="told"))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        events = await collected(
            hub.images.StreamGenerateImages(draw(model=model, partial_images=1), metadata=hub.auth, timeout=5)
        )
    assert ("stream" in fake.seen[0].json) is (model != "openai/dall-e-3")
    assert [one.WhichOneof("event") for one in events] == ["completed", "summary"]
    assert events[0].completed.media.data == CAT
    summary = events[1].summary
    assert (summary.model, summary.usage.billed_images) == ("told", 1)
    assert ("options.partial_images" in summary.gateway.adjusted_fields) is (model == "openai/dall-e-3")


async def test_a_broken_stream_ends_with_a_summary_and_a_status(tmp_path: Path) -> None:
    error = b'event: error\ndata: {"type":"error","error":{"message":"overloaded","code":"server_error"}}\n\n'
    for pieces, code in (
        ((partial(CAT, 0),), grpc.StatusCode.UNAVAILABLE),
        ((partial(CAT, 0) + error,), grpc.StatusCode.UNAVAILABLE),
        ((partial(CAT, 0), b"data: {\n\n"), grpc.StatusCode.INTERNAL),
    ):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        received: list[pb.ImageStreamEvent] = []
        async with (
            FakeProvider(streams(*pieces, pause=0.02)) as fake,
            running_hub(folder, providers=[provider(fake.base_url)]) as hub,
        ):
            call = hub.images.StreamGenerateImages(draw(partial_images=1), metadata=hub.auth, timeout=5)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                async for one in call:
                    received.append(one)
        assert failure(raised.value).code == code
        assert [one.WhichOneof("event") for one in received] == ["partial_image", "summary"]
        usage = received[-1].summary.usage
        assert usage.estimated
        assert usage.input_tokens > 0
        assert received[-1].summary.gateway.request_id


async def test_an_image_is_paid_for_although_the_stream_then_breaks(tmp_path: Path) -> None:
    error = b'data: {"error":{"message":"overloaded","code":"server_error"}}\n\n'
    async with (
        FakeProvider(streams(completed(CAT) + error)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.images.StreamGenerateImages(draw(n=2), metadata=hub.auth, timeout=5)
        received = []
        with pytest.raises(grpc.aio.AioRpcError):
            async for one in call:
                received.append(one)
    assert [one.WhichOneof("event") for one in received] == ["completed", "summary"]
    assert received[1].summary.usage.total_tokens == 282


async def test_a_cancelled_call_of_every_kind_closes_the_providers_socket(tmp_path: Path) -> None:
    async with FakeProvider(hangs) as fake, running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub:
        calls: list[Any] = [
            hub.images.GenerateImages(draw(), metadata=hub.auth, timeout=20),
            hub.images.EditImages(change(png()), metadata=hub.auth, timeout=20),
            hub.images.StreamGenerateImages(draw(), metadata=hub.auth, timeout=20),
            hub.images.StreamEditImages(change(png()), metadata=hub.auth, timeout=20),
        ]
        await until(lambda: len(fake.seen) == len(calls))
        for call in calls:
            call.cancel()
        await until(lambda: len(fake.disconnects) == len(calls))
        await until(lambda: hub.hub.active_calls == 0)


async def test_a_stream_cancelled_midway_closes_the_providers_socket(tmp_path: Path) -> None:
    async def forever() -> None:
        await asyncio.sleep(3600)

    async with (
        FakeProvider(streams(partial(CAT, 0), then=forever)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.images.StreamGenerateImages(draw(partial_images=1), metadata=hub.auth, timeout=20)
        await call.read()
        call.cancel()
        await until(lambda: len(fake.disconnects) == 1)


async def test_failures_of_the_provider(tmp_path: Path) -> None:
    slow = {"error": {"message": "slow down"}}
    refusal = {"error": {"message": "blocked by our safety system", "code": "moderation_blocked"}}
    cases = [
        (answers(refusal, 400), grpc.StatusCode.FAILED_PRECONDITION, "CONTENT_FILTERED"),
        (
            answers(slow, 429),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "PROVIDER_RATE_LIMITED",
        ),
        (answers({"data": []}), grpc.StatusCode.INTERNAL, "PROVIDER_BAD_RESPONSE"),
        (answers({"data": [{"b64_json": "***"}]}), grpc.StatusCode.INTERNAL, "PROVIDER_BAD_RESPONSE"),
        (answers([1]), grpc.StatusCode.INTERNAL, "PROVIDER_BAD_RESPONSE"),
    ]
    for place, (answer, code, reason) in enumerate(cases):
        folder = tmp_path / str(place)
        folder.mkdir()
        async with (
            FakeProvider(answer) as fake,
            running_hub(folder, providers=[provider(fake.base_url)]) as hub,
        ):
            for call in (
                hub.images.GenerateImages(draw(), metadata=hub.auth, timeout=5),
                collected(hub.images.StreamGenerateImages(draw(), metadata=hub.auth, timeout=5)),
            ):
                told = await refused(call)
                assert (told.code, told.reason) == (code, reason)


async def test_a_filtered_image_is_told_beside_the_others(tmp_path: Path) -> None:
    body = whole(CAT)
    body["data"].append({"error": {"code": "OutputImageSensitiveContentDetected", "message": "sensitive"}})
    async with (
        FakeProvider(answers(body)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "doubao", "doubao")]) as hub,
    ):
        response = await hub.images.GenerateImages(draw(model="doubao/seedream"), metadata=hub.auth, timeout=5)
    assert [(one.index, one.filtered, one.filter_reason) for one in response.images] == [
        (0, False, ""), (1, True, "sensitive"),
    ]  # fmt: skip
    assert not response.images[1].HasField("media")
    assert response.usage.billed_images == 1
