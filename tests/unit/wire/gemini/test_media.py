"""Media of a request: bytes, addresses and files."""

import re
from typing import Any

import pytest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.codec import ReadsUrls
from server.wire.gemini import GeminiChatCodec, Host
from tests.unit.wire.gemini.bodies import FLASH, adjusted, body, user
from tests.unit.wire.support import ask, codec

VERTEX = Host(name="vertex", root="/v1", stores=True, mime_required=True, display_names=True)
FILES = "https://generativelanguage.googleapis.com/v1beta/files/"


def part(kind: str, media: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {kind: {"media": media, **more}}


def sent(kind: str, media: dict[str, Any], **more: Any) -> Any:
    return body(messages=[user(part(kind, media, **more))])["contents"][0]["parts"][0]


@pytest.mark.parametrize(
    ("kind", "media", "expected"),
    [
        (
            "image",
            {"data": "AAAA", "mimeType": "image/png"},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        ),
        (
            "file",
            {"data": "AAAA", "mimeType": "text/plain; charset=utf-8"},
            {"inlineData": {"mimeType": "text/plain", "data": "AAAA"}},
        ),
        (
            "audio",
            {"data": "AAAA", "mimeType": "audio/L16;rate=24000"},
            {"inlineData": {"mimeType": "audio/L16;rate=24000", "data": "AAAA"}},
        ),
        (
            "image",
            {"url": "https://a.example/x/cat.JPG?s=1"},
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "https://a.example/x/cat.JPG?s=1"}},
        ),
        ("file", {"url": "https://a.example/x"}, {"fileData": {"fileUri": "https://a.example/x"}}),
        ("file", {"fileId": "files/abc"}, {"fileData": {"fileUri": f"{FILES}abc"}}),
        (
            "file",
            {"fileId": f"{FILES}abc", "mimeType": "application/pdf"},
            {"fileData": {"mimeType": "application/pdf", "fileUri": f"{FILES}abc"}},
        ),
    ],
)
def test_bytes_addresses_and_files(kind: str, media: dict[str, Any], expected: Any) -> None:
    assert sent(kind, media) == expected


def test_a_video_is_watched_as_asked() -> None:
    found = sent("video", {"url": "https://youtu.be/abc"}, startOffset="1.5s", endOffset="60s", fps=0.5)
    assert found == {
        "fileData": {"mimeType": "video/mp4", "fileUri": "https://youtu.be/abc"},
        "videoMetadata": {"startOffset": "1.500s", "endOffset": "60s", "fps": 0.5},
    }
    for field, value in (("startOffset", "-1s"), ("fps", 25)):
        with pytest.raises(InvalidArgument, match=r"messages\[0\]\.content\[0\]\.video\.(start_offset|fps)"):
            sent("video", {"url": "https://youtu.be/abc"}, **{field: value})


def test_names_and_words_about_a_file_are_listed() -> None:
    media = {"data": "AAAA", "mimeType": "application/pdf", "filename": "a.pdf"}
    message = user(part("file", media, title="t", context="c", citations=True))
    names = ("media.filename", "title", "context", "citations")
    assert adjusted(messages=[message]) == [f"messages[0].content[0].file.{name}" for name in names]


def test_vertex_takes_names_and_stores_and_wants_types() -> None:
    vertex = GeminiChatCodec(VERTEX)

    def encode(media: dict[str, Any]) -> str:
        return vertex.encode(ask(messages=[user(part("file", media))]), FLASH, stream=False).body.decode()

    named = encode({"data": "AAAA", "mimeType": "application/pdf", "filename": "a.pdf"})
    assert '{"inlineData":{"mimeType":"application/pdf","data":"AAAA","displayName":"a.pdf"}}' in named
    assert '"fileUri":"gs://b/o.pdf"' in encode({"url": "gs://b/o.pdf"})
    with pytest.raises(InvalidArgument, match=r"file\.media\.url: vertex reads nothing .* mime_type"):
        encode({"url": "gs://b/o"})
    with pytest.raises(UnsupportedByProvider) as caught:
        encode({"fileId": "files/abc"})
    assert caught.value.fields[0].field == "messages[0].content[0].file.media.file_id"


@pytest.mark.parametrize(
    ("kind", "url", "model", "gemini", "vertex"),
    [
        ("image", "https://a.example/cat.png", FLASH, True, True),
        ("image", "https://a.example/cat", FLASH, True, False),
        ("image", "https://a.example/cat.png", "gemini-2.0-flash", False, True),
        ("image", "http://a.example/cat.png", FLASH, False, False),
        ("video", "https://www.youtube.com/watch?v=1", "gemini-2.0-flash", True, True),
        ("image", "https://www.youtube.com/watch?v=1", "gemini-2.0-flash", False, True),
        ("file", f"{FILES}abc", "gemini-2.0-flash", True, False),
        ("file", "gs://b/o.pdf", FLASH, False, True),
        ("file", "s3://b/o.pdf", FLASH, False, False),
    ],
)
def test_which_addresses_google_reads(kind: str, url: str, model: str, gemini: bool, vertex: bool) -> None:
    ours = codec("gemini")
    assert isinstance(ours, ReadsUrls)
    assert ours.reads_url(kind, Media(url=url), model) is gemini
    assert GeminiChatCodec(VERTEX).reads_url(kind, Media(url=url), model) is vertex


def test_names_of_models_become_paths() -> None:
    host = Host(name="x", root="/v1", publisher="/publishers/google", collections=frozenset({"models", "endpoints"}))
    paths = {
        "gemini-2.5-flash": "/v1/publishers/google/models/gemini-2.5-flash:m",
        "models/a": "/v1/publishers/google/models/a:m",
        "endpoints/12": "/v1/endpoints/12:m",
        "other/../x?y": "/v1/publishers/google/models/other%2F..%2Fx%3Fy:m",
        "endpoints/../../x": "/v1/endpoints/..%2F..%2Fx:m",
    }
    assert {name: host.path(name, "m") for name in paths} == paths
    assert (host.resource("a"), host.resource("endpoints/12")) == ("models/a", "endpoints/12")
    assert not re.search(r"/\.\./", host.path("..", "m"))
