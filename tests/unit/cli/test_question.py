from pathlib import Path

import pytest
from aignehub.v1 import chat_pb2

from server.cli.failure import CommandFailed
from server.cli.question import Wish, begin_request, read_pairs, user_message


def test_what_was_not_said_stays_unset() -> None:
    assert begin_request(Wish()).ByteSize() == 0


def test_what_was_said_arrives(tmp_path: Path) -> None:
    schema = tmp_path / "my schema.json"
    schema.write_text('{"type": "object", "properties": {"b": {}, "a": {}}}')
    request = begin_request(Wish("p/m", "be kind", 5, 0.0, schema, ["k=v=w"]))
    assert request.model == "p/m"
    assert request.max_completion_tokens == 5
    assert request.HasField("temperature")
    assert request.temperature == 0.0
    assert dict(request.metadata) == {"k": "v=w"}
    assert request.response_format.json_schema.name == "my_schema"
    assert request.response_format.json_schema.schema_json == schema.read_text()
    assert [(m.role, m.content[0].text) for m in request.messages] == [(chat_pb2.ROLE_SYSTEM, "be kind")]


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (b"\x89PNG\r\n\x1a\nrest", "x", "image/png"),
        (b"\xff\xd8\xff\xe0", "wrong.png", "image/jpeg"),
        (b"GIF89a", "x", "image/gif"),
        (b"RIFF\x0a\x00\x00\x00WEBPVP8 ", "x", "image/webp"),
        (b"\x00\x00\x00\x1cftypavif", "x", "image/avif"),
        (b"<svg/>", "drawing.svg", "image/svg+xml"),
    ],
)
def test_a_picture_is_known_by_its_bytes(tmp_path: Path, data: bytes, name: str, kind: str) -> None:
    file = tmp_path / name
    file.write_bytes(data)
    media = user_message("what is it?", [str(file)]).content[0].image.media
    assert (media.data, media.mime_type, media.filename) == (data, kind, name)


def test_the_address_of_a_picture_is_passed_on() -> None:
    parts = user_message("", ["https://example.com/a.png"]).content
    assert [part.image.media.url for part in parts] == ["https://example.com/a.png"]


@pytest.mark.parametrize("image", ["data:image/png;base64,AA==", "nothing-there.png", __file__])
def test_what_is_no_picture_is_refused(image: str) -> None:
    with pytest.raises(CommandFailed, match="--image") as refused:
        user_message("", [image])
    assert refused.value.status == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "[" * 100_000])
def test_what_is_no_schema_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.json"
    file.write_text(text)
    with pytest.raises(CommandFailed, match="--schema"):
        begin_request(Wish(schema=file))


@pytest.mark.parametrize("pair", ["novalue", "=x", ""])
def test_what_is_no_pair_is_refused(pair: str) -> None:
    with pytest.raises(CommandFailed, match="--label"):
        read_pairs([pair], "--label")


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(CommandFailed, match="UTF-8"):
        user_message("\udcff", [])
