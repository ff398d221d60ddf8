"""A chat request from what was typed: text, files, pictures, pairs."""

import json
import mimetypes
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aignehub.v1 import chat_pb2, chat_service_pb2, media_pb2

from server.cli.failure import USAGE, CommandFailed

_LARGEST_FILE = 64 * 1024 * 1024  # what a message of the hub may hold at the very most

_IMAGE_SIGNATURES = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"....ftyp(hei[cx]|mif1)", re.DOTALL), "image/heic"),
    (re.compile(rb"BM"), "image/bmp"),
    (re.compile(rb"(II\*\x00|MM\x00\*)"), "image/tiff"),
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the options of a chat say of the answer; None and empty leave it to the hub."""

    model: str = ""
    system: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    schema: Path | None = None
    metadata: Sequence[str] = ()


def begin_request(wish: Wish) -> chat_service_pb2.CreateChatCompletionRequest:
    """A request with all but the user's words."""
    request = chat_service_pb2.CreateChatCompletionRequest(model=sound(wish.model, "--model"))
    if wish.max_tokens is not None:
        request.max_completion_tokens = wish.max_tokens
    if wish.temperature is not None:
        request.temperature = wish.temperature
    if wish.schema is not None:
        request.response_format.json_schema.CopyFrom(_schema_format(wish.schema))
    request.metadata.update(read_pairs(wish.metadata, "--metadata"))
    if wish.system:
        request.messages.append(text_message(chat_pb2.ROLE_SYSTEM, sound(wish.system, "--system")))
    return request


def text_message(role: chat_pb2.Role.ValueType, text: str) -> chat_pb2.Message:
    """A turn of one text part."""
    return chat_pb2.Message(role=role, content=[chat_pb2.ContentPart(text=text)])


def user_message(text: str, images: Sequence[str]) -> chat_pb2.Message:
    """The user's turn: the pictures first, as providers advise, then the text."""
    parts = [chat_pb2.ContentPart(image=chat_pb2.ImagePart(media=image_media(image, "--image"))) for image in images]
    if text:
        parts.append(chat_pb2.ContentPart(text=sound(text, "the text")))
    return chat_pb2.Message(role=chat_pb2.ROLE_USER, content=parts)


def read_text(words: Sequence[str]) -> str:
    """The words as one text, where ``-`` stands for standard input; no words at all are standard input."""
    if not words:
        return _standard_input()
    return " ".join(_standard_input() if word == "-" else word for word in words)


def read_pairs(pairs: Sequence[str], option: str) -> dict[str, str]:
    """``k=v`` pairs as a dict."""
    read = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandFailed(f"{option}: {pair!r} is not a pair", "write it as name=value", status=USAGE)
        read[sound(name, option)] = sound(value, option)
    return read


def _standard_input() -> str:
    try:
        return sys.stdin.buffer.read().decode().rstrip("\n")
    except UnicodeDecodeError:
        raise CommandFailed(
            "standard input is not UTF-8 text", "convert it, for example with iconv", status=USAGE
        ) from (None)


def sound(text: str, what: str) -> str:
    """The text, once it is known to be some; ``what`` says where it was given."""
    # Bytes of the command line that are no text arrive as lone surrogates, which no protobuf string may hold.
    try:
        text.encode()
    except UnicodeEncodeError:
        raise CommandFailed(f"{what} is not UTF-8 text", "check the terminal's locale", status=USAGE) from None
    return text


def _schema_format(path: Path) -> chat_pb2.JsonSchemaFormat:
    text = _bytes_of(path, "--schema").decode(errors="replace")
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        raise CommandFailed(f"--schema: {path} does not hold JSON", "give a JSON Schema", status=USAGE) from None
    if not isinstance(schema, dict):
        raise CommandFailed(f"--schema: {path} does not hold a JSON object", "give a JSON Schema", status=USAGE)
    # The text itself is sent: it keeps the order of properties, which some models write their answer in.
    return chat_pb2.JsonSchemaFormat(name=re.sub(r"[^a-zA-Z0-9_-]", "_", path.stem)[:64], schema_json=text)


def image_media(where: str, option: str) -> media_pb2.Media:
    """A picture by its URL, or the bytes of a file with their media type."""
    if where.startswith("data:"):
        raise CommandFailed(f"{option}: a data: URL is not taken", "name a file or an https:// URL", status=USAGE)
    if "://" in where:
        return media_pb2.Media(url=sound(where, option))
    path = Path(where)
    data = _bytes_of(path, option)
    return media_pb2.Media(data=data, mime_type=_image_type(path, data, option), filename=sound(path.name, option))


def _image_type(path: Path, data: bytes, option: str) -> str:
    for signature, kind in _IMAGE_SIGNATURES:
        if signature.match(data):
            return kind
    guessed = mimetypes.guess_type(path.name)[0] or ""
    if guessed.startswith("image/"):
        return guessed
    raise CommandFailed(f"{option}: {path} is no image of a known kind", "give a png, jpeg, gif or webp", status=USAGE)


def _bytes_of(path: Path, option: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        why = error.strerror or "it cannot be read"
        raise CommandFailed(f"{option}: {path}: {why}", "name a file that you can read", status=USAGE) from None
    if len(data) > _LARGEST_FILE:
        raise CommandFailed(f"{option}: {path} is larger than 64 MiB", "give a smaller file", status=USAGE)
    return data
