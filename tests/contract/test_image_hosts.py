"""Rows of image hosts and models: what each sends, and where to."""

import json
import re
from typing import Any

import pytest
from aignehub.v1 import image_service_pb2 as pb
from aignehub.v1 import media_pb2

from server.errors import HubError, InvalidArgument
from server.providers import compatible
from server.providers.registry import PROVIDERS
from server.wire.codec import ImageCodec
from server.wire.http import HttpResponse
from server.wire.images.rows import row_of
from server.wire.openai_images.models import OPENAI
from tests.pictures import solid_png

DRAWING = ("openai", "azure", "xai", "openrouter", "together", "doubao", "zai", "ollama", "openai-compatible")
PATHS = {"openrouter": "/images", "ollama": "/v1/images/generations"}
CAT = solid_png(8, 4, (1, 2, 3, 255))


def codec(kind: str, **options: str) -> ImageCodec:
    make = PROVIDERS[kind].images
    assert make is not None
    return make(options)


def draw(**options: Any) -> pb.GenerateImagesRequest:
    return pb.GenerateImagesRequest(prompt="a cat", options=pb.ImageOptions(**options))


def sent(kind: str, model: str, **options: Any) -> dict[str, Any]:
    body = json.loads(codec(kind).encode(draw(**options), model, stream=False).body)
    return {name: value for name, value in body.items() if name not in ("model", "prompt")}


def test_which_kinds_draw() -> None:
    assert {kind.name for kind in compatible.KINDS if PROVIDERS[kind.name].images} == set(DRAWING) - {"ollama"}


@pytest.mark.parametrize("kind", DRAWING)
def test_the_least_a_host_is_sent(kind: str) -> None:
    request = codec(kind).encode(draw(), "some/model", stream=False)
    body = json.loads(request.body)
    assert (request.method, body["model"], body["prompt"]) == ("POST", "some/model", "a cat")
    assert request.path == PATHS.get(kind, "/images/generations")
    assert body.keys() <= {"model", "prompt", "response_format"}


def test_how_hosts_spell_the_same_wishes() -> None:
    assert sent("xai", "grok-imagine-image", size="2K", aspect_ratio="19.5:9", n=3, delivery=2) == {
        "resolution": "2k", "aspect_ratio": "19.5:9", "n": 3, "response_format": "url",
    }  # fmt: skip
    assert sent("openrouter", "google/x", size="2K", aspect_ratio="21:9", seed=7, quality="high") == {
        "size": "2K", "aspect_ratio": "21:9", "seed": 7, "quality": "high",
    }  # fmt: skip
    assert sent("together", "flux", size="512x768", negative_prompt="dogs") == {
        "width": 512, "height": 768, "negative_prompt": "dogs", "response_format": "base64",
    }  # fmt: skip
    assert sent("zai", "glm-image", size="1024x1024", quality="hd") == {"size": "1024x1024", "quality": "hd"}
    assert sent("openai", "gpt-image-1", aspect_ratio="3:2") == {"size": "1536x1024"}
    assert sent("openai", "dall-e-2", aspect_ratio="1:1") == {"size": "256x256", "response_format": "b64_json"}
    assert sent("openai-compatible", "any", size="333x444", style="odd", seed=-1) == {
        "size": "333x444", "style": "odd", "seed": -1, "response_format": "b64_json",
    }  # fmt: skip
    user = draw()
    user.user = "u"
    assert json.loads(codec("zai").encode(user, "glm-image", stream=False).body)["user_id"] == "u"


DOUBAO_TAKES = [
    ("doubao-seedream-4-0-250828", {"size": "1280x720"}, {"size": "1280x720"}),
    ("doubao-seedream-4-0-250828", {"size": "1K"}, {"size": "1K"}),
    ("doubao-seedream-4-5-251128", {"size": "4K"}, {"size": "4K"}),
    (
        "doubao-seedream-5-0-260128",
        {"size": "3K", "output_format": pb.IMAGE_FORMAT_PNG},
        {"size": "3K", "output_format": "png"},
    ),
    ("seedream-3-0-t2i", {"size": "512x2048", "seed": 7}, {"size": "512x2048", "seed": 7}),
    ("ep-20260101-abcde", {"size": "2K", "seed": 7}, {"size": "2K", "seed": 7}),
]
DOUBAO_LACKS = [
    ("doubao-seedream-4-5-251128", {"size": "1K"}, "options.size", "2K, 4K, or WIDTHxHEIGHT of 3686400 to 16777216"),
    ("doubao-seedream-4-0-250828", {"size": "4096x200"}, "options.size", "1:16 and 16:1"),
    ("doubao-seedream-3-0-t2i-250415", {"size": "2K"}, "options.size", "512x512 to 2048x2048"),
    ("doubao-seedream-4-0-250828", {"n": 2}, "options.n", "at most 1 image a call"),
    ("doubao-seedream-4-0-250828", {"output_format": pb.IMAGE_FORMAT_PNG}, "options.output_format", "jpeg"),
    ("doubao-seededit-3-0-i2i-250628", {}, "model", "only edits"),
]


@pytest.mark.parametrize(("model", "options", "body"), DOUBAO_TAKES)
def test_what_models_of_doubao_take(model: str, options: dict[str, Any], body: dict[str, Any]) -> None:
    assert sent("doubao", model, **options) == {**body, "response_format": "b64_json"}


@pytest.mark.parametrize(("model", "options", "field", "says"), DOUBAO_LACKS)
def test_what_models_of_doubao_lack(model: str, options: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(HubError, match=re.escape(says)) as raised:
        sent("doubao", model, **options)
    assert raised.value.fields[0].field == field


def test_models_of_doubao_are_known_by_what_they_do() -> None:
    known = codec("doubao").capabilities
    assert known("doubao-seededit-3-0-i2i-250628") == ("image_edit",)
    assert known("doubao-seedream-3-0-t2i-250415") == ("image",)
    assert known("doubao-seedream-4-0-250828") == ("image", "image_edit")
    assert known("doubao-seed-1-6") == ()


def test_azure_names_the_deployment_in_its_older_path() -> None:
    older = codec("azure", api_version="2025-04-01-preview").encode(draw(), "my draw/er", stream=False)
    assert older.path == "/openai/deployments/my%20draw%2Fer/images/generations?api-version=2025-04-01-preview"


def test_sources_by_address_or_file_go_as_json_where_the_model_reads_them() -> None:
    request = pb.EditImagesRequest(
        prompt="green",
        images=[
            media_pb2.Media(url="https://example.com/a.png"),
            media_pb2.Media(file_id="file-1"),
            media_pb2.Media(data=CAT, mime_type="image/png"),
        ],
        mask=media_pb2.Media(file_id="file-2"),
    )
    made = codec("openai").encode(request, "gpt-image-1.5", stream=True)
    body = json.loads(made.body)
    assert (made.path, made.pieces) == ("/images/edits", ())
    assert body["images"][:2] == [{"image_url": "https://example.com/a.png"}, {"file_id": "file-1"}]
    assert body["images"][2]["image_url"].startswith("data:image/png;base64,iVBORw0KGgo")
    assert body["mask"] == {"file_id": "file-2"}
    assert body["stream"] is True


def test_a_form_is_made_of_pieces_and_holds_the_file_itself() -> None:
    request = pb.EditImagesRequest(prompt="green", images=[media_pb2.Media(data=CAT, mime_type="image/png")])
    made = codec("openai").encode(request, "dall-e-2", stream=False)
    assert made.body == b""
    assert CAT in made.pieces
    boundary = made.headers["Content-Type"].partition("boundary=")[2]
    assert made.pieces[0].startswith(f"--{boundary}\r\n".encode())
    assert b"".join(made.pieces).endswith(f"\r\n--{boundary}--\r\n".encode())


def test_an_edit_says_in_json_how_strictly_it_is_judged() -> None:
    request = pb.EditImagesRequest(prompt="green", images=[media_pb2.Media(data=CAT, mime_type="image/png")])
    request.options.moderation = "low"
    body = json.loads(codec("openai").encode(request, "gpt-image-1", stream=False).body)
    assert body["moderation"] == "low"
    assert body["images"][0]["image_url"].startswith("data:image/png;base64,iVBORw0KGgo")


@pytest.mark.parametrize(
    ("model", "known", "edits"),
    [
        ("dall-e-2", True, True), ("dall-e-3", True, False), ("gpt-image-2", True, True),
        ("gpt-image-1-mini", True, True),
        ("chatgpt-image-latest", True, True), ("gpt-5", False, True),
    ],
)  # fmt: skip
def test_rows_and_capabilities(model: str, known: bool, edits: bool) -> None:
    row = row_of(OPENAI, model)
    assert (row.known, row.edits) == (known, edits)
    wanted = ("image", "image_edit") if edits else ("image",)
    assert codec("openai").capabilities(model) == (wanted if known else ())


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ("1536x864", True), ("3840x2160", True), ("auto", True), ("16x48", True), ("16x64", False),
        ("3856x2160", False),
        ("1000x1000", False), ("2K", False),
    ],
)  # fmt: skip
def test_sizes_of_gpt_image_2(size: str, fits: bool) -> None:
    assert row_of(OPENAI, "gpt-image-2-2026-04-21").allows_size(size) is fits


@pytest.mark.parametrize("ratio", ["0:0", "16:9", "5:4"])
def test_a_ratio_without_a_size_lists_the_sizes(ratio: str) -> None:
    with pytest.raises(InvalidArgument, match=r"options\.aspect_ratio: .*1024x1024"):
        codec("openai").encode(draw(aspect_ratio=ratio), "gpt-image-1", stream=False)


def test_answers_in_other_spellings() -> None:
    body = {
        "created": 5,
        "data": [{"b64_json": "data:image/png;base64,iVBORw0KGgo="}, {"url": "https://x/y", "size": "640x480"}],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 4,
            "cost": 0.5,
            "completion_tokens_details": {"image_tokens": 4},
        },
    }
    drawn = codec("openrouter").decode(HttpResponse(200, {}, json.dumps(body).encode()))
    first, second = drawn.pictures
    assert first.data == b"\x89PNG\r\n\x1a\n"
    assert (second.url, second.width, second.height) == ("https://x/y", 640, 480)
    assert (drawn.usage.total_tokens, drawn.usage.provider_cost_nano_usd) == (7, 500_000_000)
