"""Images through the front door: a real hub, a real provider over HTTP, a generated stub."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import grpc
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2, options_pb2, usage_pb2
from aignehub.v1.model_service_pb2 import (
    MODEL_CAPABILITY_CHAT,
    MODEL_CAPABILITY_IMAGE,
    MODEL_CAPABILITY_IMAGE_EDIT,
    ListModelsRequest,
)
from aiohttp import web

from tests.fake_provider import FakeProvider, answers
from tests.image_calls import (
    CAT,
    LARGE,
    MIB,
    USAGE,
    change,
    collected,
    draw,
    form,
    named,
    png,
    reachable,
    refused,
    whole,
)
from tests.pictures import solid_png
from tests.running import bearer, provider, running_hub


async def test_a_whole_answer_with_everything_a_caller_is_told(tmp_path: Path) -> None:
    answer = answers(
        whole(CAT, CAT, usage=USAGE, output_format="png", size="1024x1024"), headers={"x-request-id": "req-9"}
    )
    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = draw(
            n=2, size="1536x1024", quality="low", background=pb.IMAGE_BACKGROUND_OPAQUE,
            output_format=pb.IMAGE_FORMAT_WEBP, output_compression=0, moderation="low",
        )  # fmt: skip
        request.user = "u-1"
        call = hub.images.GenerateImages(request, metadata=hub.auth, timeout=5)
        response = await call
    [seen] = fake.seen
    assert (seen.method, seen.raw_path) == ("POST", "/v1/images/generations")
    assert seen.headers["Authorization"] == "Bearer sk-test-upstream-key"
    assert seen.json == {
        "model": "gpt-image-1", "prompt": "a cat", "n": 2, "size": "1536x1024", "quality": "low", "user": "u-1",
        "background": "opaque", "output_format": "webp", "output_compression": 0, "moderation": "low",
    }  # fmt: skip
    assert [(one.index, one.media.mime_type, one.width, one.height) for one in response.images] == [
        (0, "image/png", 64, 32),  # as the bytes say, not as was asked for
        (1, "image/png", 64, 32),
    ]
    assert [one.media.data for one in response.images] == [CAT, CAT]
    assert (response.model, response.create_time.seconds) == ("gpt-image-1", 1750000000)
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens, usage.billed_images) == (10, 272, 282, 0)
    split = [(entry.modality, entry.tokens) for entry in usage.input_by_modality]
    assert split == [(usage_pb2.MODALITY_TEXT, 8), (usage_pb2.MODALITY_IMAGE, 2)]
    gateway = response.gateway
    assert (gateway.provider, gateway.provider_model, gateway.provider_request_id) == (
        "openai", "gpt-image-1", "req-9",
    )  # fmt: skip
    assert [attempt.credential for attempt in gateway.attempts] == ["key-1"]
    assert list(gateway.adjusted_fields) == []


async def test_only_the_fields_a_model_takes_are_sent(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        asked = draw(
            model="openai/dall-e-3", size="1792x1024", quality="hd", style="natural", moderation="low",
            background=pb.IMAGE_BACKGROUND_AUTO, seed=4, output_compression=50,
        )  # fmt: skip
        response = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        asked.gateway.strict_parameters = True
        told = await refused(hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5))
    [seen] = fake.seen
    assert seen.json == {
        "model": "dall-e-3", "prompt": "a cat", "size": "1792x1024", "quality": "hd", "style": "natural",
        "response_format": "b64_json",
    }  # fmt: skip
    assert sorted(response.gateway.adjusted_fields) == [
        "options.background", "options.moderation", "options.output_compression", "options.seed",
    ]  # fmt: skip
    assert (response.usage.billed_images, response.usage.total_tokens) == (1, 0)
    assert told.code == grpc.StatusCode.INVALID_ARGUMENT
    assert "strict_parameters" in told.message


IMPOSSIBLE = [
    (draw(model="openai/dall-e-2", size="1792x1024"), "options.size", "256x256, 512x512, 1024x1024"),
    (draw(model="openai/dall-e-3", size="512x512"), "options.size", "1024x1024, 1792x1024, 1024x1792"),
    (draw(size="2048x2048"), "options.size", "auto, 1024x1024, 1536x1024, 1024x1536"),
    (draw(model="openai/gpt-image-2", size="1000x1000"), "options.size", "divisible by 16"),
    (draw(model="openai/gpt-image-2", size="3840x1024"), "options.size", "between 1:3 and 3:1"),
    (draw(model="openai/dall-e-3", n=2), "options.n", "at most 1 image a call"),
    (draw(model="openai/dall-e-3", quality="low"), "options.quality", "standard, hd"),
    (draw(model="openai/dall-e-3", style="baroque"), "options.style", "vivid, natural"),
    (draw("x" * 1001, model="openai/dall-e-2"), "prompt", "1000 characters"),
    (draw(aspect_ratio="16:9"), "options.aspect_ratio", "1536x1024"),
    (
        draw(background=pb.IMAGE_BACKGROUND_TRANSPARENT, output_format=pb.IMAGE_FORMAT_JPEG),
        "options.background",
        "PNG or WebP",
    ),
    (draw(n=11), "options.n", ""),
    (draw(size="wide"), "options.size", ""),
    (draw(""), "prompt", ""),
    (change(png(), png(), model="openai/dall-e-2"), "images", "at most 1 image"),
    (change(png(b"GIF89a\1\0\1\0\0\0\0")), "images[0].mime_type", "the bytes are image/gif"),
    (change(png(), media_pb2.Media(data=b"plain text")), "images[1].data", "no image of a known kind"),
    (change(media_pb2.Media(data=b"", mime_type="image/png")), "images[0].data", "empty"),
    (change(png(), mask=png(solid_png(8, 8, (0, 0, 0, 0)))), "mask", "it must be 64x32, the size of images[0]"),
    (change(png(), input_fidelity="some"), "input_fidelity", ""),
]


async def test_what_a_model_lacks_is_refused_naming_the_field_and_what_is_allowed(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        for request, field, allowed in IMPOSSIBLE:
            generate = isinstance(request, pb.GenerateImagesRequest)
            method: Any = hub.images.GenerateImages if generate else hub.images.EditImages
            told = await refused(method(request, metadata=hub.auth, timeout=5))
            assert told.code == grpc.StatusCode.INVALID_ARGUMENT, (field, told.message)
            assert [violation.field for violation in told.bad_request.field_violations] == [field]
            assert allowed in told.message, told.message
    assert fake.seen == []


async def test_what_a_provider_cannot_do_is_refused_by_name(tmp_path: Path) -> None:
    wanted = [
        (draw(model="openai/dall-e-3", negative_prompt="dogs"), "options.negative_prompt"),
        (draw(model="openai/dall-e-3", background=pb.IMAGE_BACKGROUND_TRANSPARENT), "options.background"),
        (draw(model="openai/dall-e-3", output_format=pb.IMAGE_FORMAT_WEBP), "options.output_format"),
        (draw(model="xai/grok-2-image", size="1024x1024"), "options.size"),
        (change(png(), model="openai/dall-e-3"), "model"),
        (change(png(), model="xai/grok-imagine-image", mask=png()), "mask"),
        (change(media_pb2.Media(file_id="file-1"), model="xai/grok-imagine-image"), "images[0].file_id"),
        (change(media_pb2.Media(file_id="file-1"), model="openai/dall-e-2"), "images[0].file_id"),
        (draw(model="groq/some"), "model"),
    ]
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(
            tmp_path,
            providers=[
                provider(fake.base_url),
                provider(fake.base_url, "xai", "xai"),
                provider(fake.base_url, "groq", "groq"),
            ],
        ) as hub,
    ):
        for request, field in wanted:
            generate = isinstance(request, pb.GenerateImagesRequest)
            method: Any = hub.images.GenerateImages if generate else hub.images.EditImages
            told = await refused(method(request, metadata=hub.auth, timeout=5))
            assert (told.code, told.reason) == (grpc.StatusCode.UNIMPLEMENTED, "UNSUPPORTED_BY_PROVIDER"), field
            assert told.metadata["field"] == field
    assert fake.seen == []


async def test_an_edit_is_a_form_whose_files_arrive_byte_for_byte(tmp_path: Path) -> None:
    mask = solid_png(64, 32, (0, 0, 0, 0))
    async with (
        FakeProvider(answers(whole(CAT, usage=USAGE))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        request = change(
            png(LARGE, filename='a"b\r\n.png'), png(), mask=png(mask), input_fidelity="high",
            options=pb.ImageOptions(n=1, output_format=pb.IMAGE_FORMAT_PNG, output_compression=90),
            gateway=options_pb2.GatewayOptions(extra_body_json='{"newer": {"a": 1}, "flag": true}'),
        )  # fmt: skip
        response = await hub.images.EditImages(request, metadata=hub.auth, timeout=20)
        one = await hub.images.EditImages(change(png()), metadata=hub.auth, timeout=5)
    first, second = fake.seen
    assert first.raw_path == "/v1/images/edits"
    assert int(first.headers["Content-Length"]) == len(first.body)
    assert "Transfer-Encoding" not in first.headers
    parts = form(first)
    names = [part.get_param("name", header="content-disposition") for part in parts]
    assert names.count("image[]") == 2
    files = [part.get_payload(decode=True) for part in parts if part.get_filename()]
    assert files == [LARGE, CAT, mask]
    assert [part.get_content_type() for part in parts if part.get_filename()] == ["image/png"] * 3
    assert next(part.get_filename() for part in parts if part.get_filename()) == "a%22b%0D%0A.png"
    fields = named([part for part in parts if not part.get_filename()])
    assert fields == {
        "model": b"gpt-image-1", "prompt": b"make it green", "n": b"1", "output_format": b"png",
        "output_compression": b"90", "input_fidelity": b"high", "newer": b'{"a":1}', "flag": b"true",
    }  # fmt: skip
    assert response.images[0].media.data == one.images[0].media.data == CAT
    assert named(form(second))["image"] == CAT


async def test_json_edits_of_hosts_that_take_no_form(tmp_path: Path) -> None:
    kinds = ("xai", "openrouter", "together", "doubao")
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, kind, kind) for kind in kinds]) as hub,
    ):
        for kind in kinds:
            request = change(png(), png(), model=f"{kind}/some-image-model")
            await hub.images.EditImages(request, metadata=hub.auth, timeout=5)
    url = f"data:image/png;base64,{b64encode(CAT).decode()}"
    sent = [{key: value for key, value in seen.json.items() if key not in ("model", "prompt")} for seen in fake.seen]
    assert [seen.raw_path for seen in fake.seen] == [
        "/v1/images/edits", "/v1/images", "/v1/images/generations", "/v1/images/generations",
    ]  # fmt: skip
    assert sent == [
        {"images": [{"type": "image_url", "url": url}] * 2, "response_format": "b64_json"},
        {"input_references": [{"type": "image_url", "image_url": {"url": url}}] * 2},
        {"reference_images": [url, url], "response_format": "base64"},
        {"image": [url, url], "response_format": "b64_json"},
    ]


async def test_a_url_is_fetched_through_the_guard_where_bytes_are_asked(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/cat"):
            return web.Response(body=LARGE, content_type="application/octet-stream")
        # A provider that gives addresses whatever it is asked for.
        url = str(request.url.origin()) + "/files/cat"
        return web.json_response({"data": [{"url": url, "revised_prompt": "a fat cat"}, {"url": url}]})

    async with (
        FakeProvider(answer) as fake,
        running_hub(
            tmp_path, providers=[provider(fake.base_url, "xai", "xai")], egress=reachable(fake.base_url)
        ) as hub,
    ):
        asked = draw(model="xai/grok-imagine-image", aspect_ratio="16:9", size="2K", n=2)
        response = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=10)
        asked.options.delivery = pb.IMAGE_DELIVERY_URL
        by_url = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        events = await collected(
            hub.images.StreamGenerateImages(draw(model="xai/grok-imagine-image"), metadata=hub.auth)
        )
    assert fake.seen[0].json == {
        "model": "grok-imagine-image", "prompt": "a cat", "n": 2, "aspect_ratio": "16:9", "resolution": "2k",
        "response_format": "b64_json",
    }  # fmt: skip
    assert "Authorization" not in fake.seen[1].headers
    assert [one.media.data == LARGE for one in response.images] == [True, True]
    first = response.images[0]
    assert (first.media.mime_type, first.width, first.height, first.revised_prompt) == (
        "image/png", 64, 32, "a fat cat",
    )  # fmt: skip
    assert response.usage.billed_images == 2
    assert by_url.images[0].media.url.endswith("/files/cat")
    assert list(by_url.gateway.adjusted_fields) == []
    assert b"".join(one.chunk.data for one in events if one.chunk.index == 0) == LARGE


async def test_private_addresses_are_refused_whoever_names_them(tmp_path: Path) -> None:
    fetched = []

    async def answer(request: web.Request) -> web.StreamResponse:
        fetched.append(request.path)
        return web.json_response({"data": [{"url": str(request.url.origin()) + "/cat"}]})

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)], egress={"allow_http": True}) as hub,
    ):
        told = await refused(hub.images.GenerateImages(draw(model="openai/dall-e-2"), metadata=hub.auth, timeout=5))
        assert (told.code, told.reason) == (grpc.StatusCode.INTERNAL, "PROVIDER_BAD_RESPONSE")
        for url in ("http://127.0.0.1:1/x", "https://169.254.169.254/latest", "https://[::1]/a", "ftp://example.com/a"):
            source = media_pb2.Media(url=url)
            told = await refused(hub.images.EditImages(change(source), metadata=hub.auth, timeout=5))
            assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "URL_NOT_ALLOWED"), url
            assert told.bad_request.field_violations[0].field == "images[0].url"
        told = await refused(
            hub.images.EditImages(change(png(), mask=media_pb2.Media(url="https://10.0.0.1/m")), metadata=hub.auth)
        )
        assert told.bad_request.field_violations[0].field == "mask.url"
    assert fetched == ["/v1/images/generations"]


async def test_a_source_by_url_is_fetched_and_uploaded(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/source":
            return web.Response(body=LARGE, content_type="image/png")
        return web.json_response(whole(CAT))

    async with (
        FakeProvider(answer) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)], egress=reachable(fake.base_url)) as hub,
    ):
        url = fake.base_url.removesuffix("/v1") + "/source"
        await hub.images.EditImages(change(media_pb2.Media(url=url)), metadata=hub.auth, timeout=10)
    assert [seen.raw_path for seen in fake.seen] == ["/source", "/v1/images/edits"]
    assert named(form(fake.seen[1]))["image"] == LARGE


async def test_an_address_asked_of_a_model_that_gives_bytes_alone_is_told(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        asked = draw(delivery=pb.IMAGE_DELIVERY_URL)
        response = await hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5)
        asked.gateway.strict_parameters = True
        told = await refused(hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5))
    assert response.images[0].media.data == CAT
    assert list(response.gateway.adjusted_fields) == ["options.delivery"]
    assert told.bad_request.field_violations[0].field == "options.delivery"
    assert "response_format" not in fake.seen[0].json


async def test_rights_defaults_and_unbuilt_options(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(
            tmp_path, providers=[provider(fake.base_url)], defaults={"image": "openai/gpt-image-1-mini"}
        ) as hub,
    ):
        await hub.images.GenerateImages(draw(model=""), metadata=hub.auth, timeout=5)
        key = await hub.new_key(allowed_models=["openai/dall-e-3"], allowed_methods=["aignehub.v1.ImageService/*"])
        told = await refused(hub.images.GenerateImages(draw(), metadata=bearer(key), timeout=5))
        assert told.reason == "MODEL_NOT_ALLOWED"
        asked = draw()
        asked.gateway.use_cache = True
        told = await refused(hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5))
        assert (told.code, told.reason) == (grpc.StatusCode.UNIMPLEMENTED, "NOT_BUILT")
        asked = draw()
        asked.gateway.extra_body_json = '{"size": "1x1"}'
        told = await refused(hub.images.GenerateImages(asked, metadata=hub.auth, timeout=5))
        assert told.bad_request.field_violations[0].field == "gateway.extra_body_json"
    assert [seen.json["model"] for seen in fake.seen] == ["gpt-image-1-mini"]


async def test_an_upload_past_the_message_bound_ends_in_resource_exhausted(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers(whole(CAT))) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)], grpc={"max_receive_message_bytes": MIB}) as hub,
    ):
        told = await refused(hub.images.EditImages(change(png(LARGE)), metadata=hub.auth, timeout=5))
    assert told.code == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert fake.seen == []


async def test_the_sandbox_costs_the_same_streamed_or_not(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        asked = change(png(), model="sandbox/draw", options=pb.ImageOptions(n=2, partial_images=1, size="64x64"))
        events = await collected(hub.images.StreamEditImages(asked, metadata=hub.auth, timeout=5))
        asked.options.ClearField("partial_images")
        whole_answer = await hub.images.EditImages(asked, metadata=hub.auth, timeout=5)
    kinds = [one.WhichOneof("event") for one in events]
    assert kinds == ["partial_image", "completed"] * 2 + ["summary"]
    assert [one.completed.media.data for one in events[1:4:2]] == [one.media.data for one in whole_answer.images]
    assert [one.completed.index for one in events[1:4:2]] == [0, 1]
    assert events[-1].summary.usage == whole_answer.usage


async def test_models_that_draw_are_listed_as_such(tmp_path: Path) -> None:
    listed = ["dall-e-3", "gpt-image-1", "gpt-5"]
    async with running_hub(tmp_path, providers=[provider("http://127.0.0.1:1/v1", models=listed)]) as hub:
        found = await hub.models.ListModels(ListModelsRequest(), metadata=hub.auth, timeout=5)
    told = {model.id: list(model.capabilities) for model in found.models}
    assert told["openai/dall-e-3"] == [MODEL_CAPABILITY_IMAGE]
    assert told["openai/gpt-image-1"] == [MODEL_CAPABILITY_IMAGE, MODEL_CAPABILITY_IMAGE_EDIT]
    assert told["openai/gpt-5"][0] == MODEL_CAPABILITY_CHAT
    assert not {MODEL_CAPABILITY_IMAGE, MODEL_CAPABILITY_IMAGE_EDIT} & set(told["openai/gpt-5"])
