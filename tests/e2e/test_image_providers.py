"""Ideogram, Stability and Black Forest Labs through the front door: a real hub, a fake of each over HTTP, a stub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2
from aignehub.v1.model_service_pb2 import MODEL_CAPABILITY_IMAGE, MODEL_CAPABILITY_IMAGE_EDIT, ListModelsRequest
from aiohttp import web

from tests.fake_provider import Answer, FakeProvider, answers, hangs
from tests.image_calls import CAT, LARGE, collected, form, named, png, reachable, refused
from tests.pictures import solid_png
from tests.running import RunningHub, provider, running_hub, until
from tests.unit.wire.images.test_masks import grays

MASK = solid_png(64, 32, (0, 0, 0, 0))
KEY = "sk-test-upstream-key"


def draw(model: str, **options: Any) -> pb.GenerateImagesRequest:
    return pb.GenerateImagesRequest(model=model, prompt="a cat", options=pb.ImageOptions(**options))


def change(model: str, **more: Any) -> pb.EditImagesRequest:
    return pb.EditImagesRequest(model=model, prompt="green", images=[png()], **more)


@asynccontextmanager
async def served(
    tmp_path: Path, kind: str, answer: Answer, **more: Any
) -> AsyncIterator[tuple[FakeProvider, RunningHub]]:
    """Two instances: one that failed is left alone for a while. The fake's root is the base URL, without a version."""
    async with FakeProvider(answer) as fake:
        root = fake.base_url.removesuffix("/v1")
        instances = [provider(root, name, kind, **more) for name in (kind, f"{kind}-2")]
        async with running_hub(
            tmp_path, providers=instances, egress=reachable(root), routing={"max_repeats": 0}
        ) as hub:
            yield fake, hub


def origin(request: web.Request) -> str:
    return str(request.url.origin())


# Ideogram


async def ideogram(request: web.Request) -> web.StreamResponse:
    if request.path.startswith("/made/"):
        return web.Response(body=LARGE, content_type="image/png")
    data = [
        {"url": f"{origin(request)}/made/1", "prompt": "A fat cat", "resolution": "1024x1024", "is_image_safe": True},
        {"url": "", "prompt": "A fat cat", "resolution": "1024x1024", "is_image_safe": False},
    ]
    return web.json_response({"created": "2026-01-02T03:04:05Z", "data": data})


async def test_ideogram_draws_and_what_it_keeps_is_fetched(tmp_path: Path) -> None:
    async with served(tmp_path, "ideogram", ideogram, models=["ideogram-v3"]) as (fake, hub):
        asked = draw("ideogram-v3", n=2, aspect_ratio="16:9", seed=3)
        response = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        asked.options.delivery = pb.IMAGE_DELIVERY_URL
        by_url = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        listed = await hub.models.ListModels(ListModelsRequest(), metadata=hub.auth, timeout=5)
    made, fetched, _ = fake.seen
    assert (made.method, made.raw_path) == ("POST", "/v1/ideogram-v3/generate")
    assert made.headers["Api-Key"] == KEY
    assert "Authorization" not in made.headers
    assert named(form(made)) == {"prompt": b"a cat", "num_images": b"2", "aspect_ratio": b"16x9", "seed": b"3"}
    assert KEY not in fetched.headers.values()
    first, second = response.images
    assert (first.media.data == LARGE, first.media.mime_type, first.width, first.height) == (True, "image/png", 64, 32)
    assert first.revised_prompt == "A fat cat"
    assert (second.index, second.filtered, second.HasField("media")) == (1, True, False)
    assert (response.usage.billed_images, response.create_time.seconds) == (1, 1767323045)
    assert (response.model, response.gateway.provider) == ("ideogram-v3", "ideogram")
    assert by_url.images[0].media.url.endswith("/made/1")
    told = {one.id: list(one.capabilities) for one in listed.models}
    assert told["ideogram/ideogram-v3"] == [MODEL_CAPABILITY_IMAGE, MODEL_CAPABILITY_IMAGE_EDIT]


async def test_ideogram_edits_where_the_mask_is_see_through(tmp_path: Path) -> None:
    async with served(tmp_path, "ideogram", ideogram) as (fake, hub):
        events = await collected(
            hub.images.StreamEditImages(change("ideogram-v3", mask=png(MASK)), metadata=hub.auth, timeout=5)
        )
        await hub.images.EditImages(change("ideogram-v3"), metadata=hub.auth, timeout=5)
    assert [seen.raw_path for seen in fake.seen if seen.method == "POST"] == [
        "/v1/ideogram-v3/inpaint", "/v1/ideogram-v3/remix",
    ]  # fmt: skip
    fields = named(form(fake.seen[0]))
    assert fields["image"] == CAT
    assert grays(fields["mask"])[2] == [bytes(64)] * 32
    kinds = [one.WhichOneof("event") for one in events]
    assert kinds[0] == "chunk"
    assert kinds[-3:] == ["completed", "completed", "summary"]
    assert b"".join(one.chunk.data for one in events) == LARGE
    assert events[-2].completed.filtered
    assert events[-1].summary.usage.billed_images == 1


# Stability


def stability(reason: str = "SUCCESS") -> Answer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=CAT, content_type="image/png", headers={"finish-reason": reason, "seed": "9"})

    return answer


async def test_stability_draws_one_image_a_request_and_several_by_several(tmp_path: Path) -> None:
    async with served(tmp_path, "stability", stability()) as (fake, hub):
        one = await hub.images.GenerateImages(
            draw("stability/core", aspect_ratio="16:9", delivery=pb.IMAGE_DELIVERY_URL), metadata=hub.auth, timeout=5
        )
        many = await hub.images.GenerateImages(draw("stability/core", n=3, seed=7), metadata=hub.auth, timeout=5)
        events = await collected(
            hub.images.StreamGenerateImages(draw("stability/sd3.5-large", n=2), metadata=hub.auth, timeout=5)
        )
    assert {seen.raw_path for seen in fake.seen[:4]} == {"/v2beta/stable-image/generate/core"}
    assert (fake.seen[0].headers["Authorization"], fake.seen[0].headers["Accept"]) == (f"Bearer {KEY}", "image/*")
    assert named(form(fake.seen[0])) == {"prompt": b"a cat", "aspect_ratio": b"16:9"}
    assert sorted(named(form(seen))["seed"] for seen in fake.seen[1:4]) == [b"7", b"8", b"9"]
    assert (one.images[0].media.data, one.images[0].width, one.usage.billed_images) == (CAT, 64, 1)
    assert list(one.gateway.adjusted_fields) == ["options.delivery"]
    assert [image.index for image in many.images] == [0, 1, 2]
    assert (many.usage.billed_images, len(many.gateway.attempts)) == (3, 1)
    assert [event.WhichOneof("event") for event in events] == ["completed", "completed", "summary"]
    assert sorted(event.completed.index for event in events[:2]) == [0, 1]
    assert events[-1].summary.usage.billed_images == 2


async def test_stability_edits_and_tells_what_it_blurred(tmp_path: Path) -> None:
    async with served(tmp_path, "stability", stability("CONTENT_FILTERED")) as (fake, hub):
        response = await hub.images.EditImages(
            change("stability/inpaint", mask=png(MASK)), metadata=hub.auth, timeout=5
        )
    assert fake.seen[0].raw_path == "/v2beta/stable-image/edit/inpaint"
    assert grays(named(form(fake.seen[0]))["mask"])[2] == [b"\xff" * 64] * 32
    [image] = response.images
    assert (image.filtered, image.filter_reason, image.media.data) == (True, "CONTENT_FILTERED", CAT)


async def test_one_of_several_that_fails_ends_the_others(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if b"\r\n8\r\n" in await request.read():  # the second of the seeds
            await until(lambda: len(fake.seen) == 3)
            return web.json_response({"name": "rate_limit_exceeded", "errors": ["slow down"]}, status=429)
        return await hangs(request)

    async with served(tmp_path, "stability", answer) as (fake, hub):
        told = await refused(
            hub.images.GenerateImages(draw("stability/core", n=3, seed=7), metadata=hub.auth, timeout=5)
        )
        await until(lambda: len(fake.disconnects) == 2)
    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")


async def test_images_of_a_stream_that_breaks_are_paid_for(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if b"\r\n7\r\n" in await request.read():
            return await stability()(request)
        await asyncio.sleep(0.1)
        return web.json_response({"name": "server_error", "errors": ["boom"]}, status=500)

    received = []
    async with served(tmp_path, "stability", answer) as (_, hub):
        call = hub.images.StreamGenerateImages(draw("stability/core", n=2, seed=7), metadata=hub.auth, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError):
            async for one in call:
                received.append(one)
    assert [one.WhichOneof("event") for one in received] == ["completed", "summary"]
    assert received[-1].summary.usage.billed_images == 1


# Black Forest Labs


def bfl(*states: Any, url: str = "/v1/get_result?id=j%201&x=1") -> Answer:
    """A job that is in each of ``states`` in turn; the last stays."""
    left = list(states)

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/made":
            return web.Response(body=CAT, content_type="image/png")
        if request.method == "POST":
            begun = url if "://" in url else origin(request) + url
            return web.json_response({"id": "j 1", "polling_url": begun, "cost": 4})
        state = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(state, web.Response):
            return state
        result = {"sample": f"{origin(request)}/made", "prompt": "a cat"} if state == "Ready" else None
        return web.json_response({"id": "j 1", "status": state, "result": result})

    return answer


async def test_a_job_is_begun_asked_after_and_fetched(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl("Pending", "Ready"), models=["flux-2-pro"]) as (fake, hub):
        response = await hub.images.GenerateImages(
            draw("flux-2-pro", size="1024x768", seed=5), metadata=hub.auth, timeout=5
        )
        listed = await hub.models.ListModels(ListModelsRequest(), metadata=hub.auth, timeout=5)
    begun, *polls, fetched = fake.seen
    assert (begun.method, begun.raw_path, begun.headers["x-key"]) == ("POST", "/v1/flux-2-pro", KEY)
    assert begun.json == {"prompt": "a cat", "width": 1024, "height": 768, "seed": 5}
    assert [(poll.method, poll.raw_path, poll.headers["x-key"]) for poll in polls] == [
        ("GET", "/v1/get_result?id=j%201&x=1", KEY)
    ] * 2  # fmt: skip
    assert (fetched.raw_path, "x-key" in fetched.headers) == ("/made", False)
    [image] = response.images
    assert (image.media.data, image.media.mime_type, image.width, image.revised_prompt) == (CAT, "image/png", 64, "")
    assert (response.usage.billed_images, response.usage.provider_cost_nano_usd) == (1, 40_000_000)
    waited = response.gateway.gateway_duration.ToMilliseconds()
    assert waited < 200  # the pauses are the provider's time, not the hub's
    told = {one.id: list(one.capabilities) for one in listed.models}
    assert told["bfl/flux-2-pro"] == [MODEL_CAPABILITY_IMAGE, MODEL_CAPABILITY_IMAGE_EDIT]


async def test_an_edit_by_job_streamed(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl("Ready")) as (fake, hub):
        request = change("bfl/flux-pro-1.0-fill", mask=png(MASK))
        events = await collected(hub.images.StreamEditImages(request, metadata=hub.auth, timeout=5))
    assert fake.seen[0].json.keys() == {"prompt", "image", "mask"}
    assert [one.WhichOneof("event") for one in events] == ["completed", "summary"]
    assert events[0].completed.media.data == CAT
    assert events[1].summary.usage.billed_images == 1


async def test_a_moderated_image_is_told_as_filtered(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl("Content Moderated")) as (_, hub):
        response = await hub.images.GenerateImages(draw("bfl/flux-2-pro"), metadata=hub.auth, timeout=5)
    assert (response.images[0].filtered, response.images[0].HasField("media")) == (True, False)
    assert response.usage.billed_images == 1


S = grpc.StatusCode
FILTERED = (S.FAILED_PRECONDITION, "CONTENT_FILTERED")
KEY_REFUSED = (S.UNAVAILABLE, "PROVIDER_CREDENTIAL_INVALID")
FAILED = (S.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
UNREADABLE = (S.INTERNAL, "PROVIDER_BAD_RESPONSE")
REFUSALS: list[tuple[str, Answer, tuple[grpc.StatusCode, str]]] = [
    ("ideogram/ideogram-v3", answers({"error": "Prompt failed"}, 422), FILTERED),
    ("ideogram/ideogram-v3", answers({"error": "bad key"}, 401), KEY_REFUSED),
    ("ideogram/ideogram-v3", answers({"error": "x"}, 429), (S.RESOURCE_EXHAUSTED, "PROVIDER_RATE_LIMITED")),
    ("ideogram/ideogram-v3", answers({"data": []}), UNREADABLE),
    ("stability/core", answers({"name": "content_moderation", "errors": ["flagged by it"]}, 403), FILTERED),
    (
        "stability/core",
        answers({"name": "bad_request", "errors": ["seed: too large"]}, 400),
        (S.INVALID_ARGUMENT, "PROVIDER_REJECTED_REQUEST"),
    ),
    ("stability/core", answers([1]), UNREADABLE),
    ("bfl/flux-2-pro", answers({"detail": "Not authenticated"}, 403), KEY_REFUSED),
    ("bfl/flux-2-pro", answers({"detail": "no credits"}, 402), (S.RESOURCE_EXHAUSTED, "PROVIDER_QUOTA_EXCEEDED")),
    ("bfl/flux-2-pro", bfl("Request Moderated"), FILTERED),
    ("bfl/flux-2-pro", bfl("Error"), FAILED),
    ("bfl/flux-2-pro", bfl("Task not found"), FAILED),
    ("bfl/flux-2-pro", bfl("Ready", url="https://evil.example/v1/get_result?id=1"), UNREADABLE),
]


@pytest.mark.parametrize(("model", "answer", "status"), REFUSALS)
async def test_failures_become_statuses(
    model: str, answer: Answer, status: tuple[grpc.StatusCode, str], tmp_path: Path
) -> None:
    kind, _, name = model.partition("/")
    async with served(tmp_path, kind, answer) as (_, hub):
        streamed = collected(hub.images.StreamGenerateImages(draw(f"{kind}-2/{name}"), metadata=hub.auth, timeout=5))
        for call in (hub.images.GenerateImages(draw(model), metadata=hub.auth, timeout=5), streamed):
            told = await refused(call)
            assert (told.code, told.reason) == status, told.message
            assert KEY not in told.message


async def test_a_hiccup_while_a_job_is_asked_after_does_not_lose_it(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl(web.Response(status=503), "Ready")) as (fake, hub):
        response = await hub.images.GenerateImages(draw("bfl/flux-2-pro"), metadata=hub.auth, timeout=5)
    assert response.images[0].media.data == CAT
    assert [seen.method for seen in fake.seen] == ["POST", "GET", "GET", "GET"]


@pytest.mark.parametrize(("kind", "model"), [("ideogram", "ideogram-v3"), ("stability", "core"), ("bfl", "flux-2-pro")])
async def test_a_cancelled_call_closes_the_providers_socket(kind: str, model: str, tmp_path: Path) -> None:
    async with served(tmp_path, kind, hangs) as (fake, hub):
        calls: list[Any] = [
            hub.images.GenerateImages(draw(f"{kind}/{model}"), metadata=hub.auth, timeout=20),
            hub.images.StreamGenerateImages(draw(f"{kind}/{model}"), metadata=hub.auth, timeout=20),
        ]
        await until(lambda: len(fake.seen) == len(calls))
        for call in calls:
            call.cancel()
        await until(lambda: len(fake.disconnects) == len(calls))
        await until(lambda: hub.hub.active_calls == 0)


async def test_a_cancelled_call_ends_the_asking(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl("Pending")) as (fake, hub):
        call = hub.images.GenerateImages(draw("bfl/flux-2-pro"), metadata=hub.auth, timeout=20)
        await until(lambda: len(fake.seen) >= 2)
        call.cancel()
        await until(lambda: hub.hub.active_calls == 0)
        seen = len(fake.seen)
        await asyncio.sleep(0.5)  # longer than the pause it was in
        assert len(fake.seen) == seen


async def test_a_deadline_ends_the_asking_with_its_status(tmp_path: Path) -> None:
    async with served(tmp_path, "bfl", bfl("Pending")) as (fake, hub):
        told = await refused(hub.images.GenerateImages(draw("bfl/flux-2-pro"), metadata=hub.auth, timeout=0.7))
    assert told.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert "allow more time" in told.message
    assert len(fake.seen) >= 2


async def test_a_source_by_url_is_fetched_for_those_that_take_bytes_alone(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/source":
            return web.Response(body=CAT, content_type="image/png")
        return await stability()(request)

    async with served(tmp_path, "stability", answer) as (fake, hub):
        request = change("stability/outpaint")
        request.images[0].CopyFrom(media_pb2.Media(url=fake.base_url.removesuffix("/v1") + "/source"))
        await hub.images.EditImages(request, metadata=hub.auth, timeout=5)
    assert named(form(fake.seen[1]))["image"] == CAT
