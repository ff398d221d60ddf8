"""One content part as a block."""

from typing import Any

import orjson
from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import CacheControl, ContentPart, FilePart, ImagePart
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.anthropic.dialect import Dialect
from server.wire.anthropic.draft import Draft
from server.wire.chat.media import base64_text, mime_type
from server.wire.json_text import check_object

FILES_BETA = "files-api-2025-04-14"
LIFETIMES = ("5m", "1h")
"""Of a cached prefix, in the provider's words."""
_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"
_TEXT_ENDINGS = (".txt", ".md", ".csv", ".json", ".html", ".htm", ".xml", ".yaml", ".yml")
_TEXT_TYPES = frozenset({"application/json", "application/xml", "application/yaml", "application/x-yaml"})


def encode_part(part: ContentPart, path: str, draft: Draft) -> Any:
    """A part that a user or a tool may send. Raises where Claude reads no such thing, naming ``path``."""
    match part.WhichOneof("part"):
        case "text":
            block: dict[str, Any] = {"type": "text", "text": part.text}
        case "image":
            block = _image(part.image, f"{path}.image", draft)
        case "file":
            block = _document(part.file, f"{path}.file", draft)
        case "provider":
            return encode_block(part, path, draft)
        case "reasoning":
            draft.notes.drop(f"{path}.reasoning", "only the assistant's own reasoning can be sent")
            return None
        case None:
            raise InvalidArgument.field(path, "is empty; set text, image, file or provider")
        case kind:
            raise UnsupportedByProvider.of(f"{path}.{kind}", f"Claude reads no {kind} input")
    drop_signature(part, path, draft)
    if part.HasField("cache_control"):
        block["cache_control"] = cache_control(part.cache_control, path, draft)
    return block


def encode_block(part: ContentPart, path: str, draft: Draft) -> Any:
    """A block of the provider's own, byte for byte; None where it is another provider's."""
    block = part.provider
    if not draft.dialect.made(block.provider):
        draft.notes.drop(f"{path}.provider", "another provider's block cannot be sent")
        return None
    check_object(f"{path}.provider.json", block.json)
    if not part.HasField("cache_control"):
        return orjson.Fragment(block.json)
    body = block.json.strip().removesuffix("}").rstrip()
    mark = orjson.dumps(cache_control(part.cache_control, path, draft)).decode()
    return orjson.Fragment(f'{body}{"" if body == "{" else ","}"cache_control":{mark}}}')


def cache_control(mark: CacheControl, path: str, draft: Draft) -> dict[str, Any]:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching; ``path`` is of what is marked."""
    if mark.ttl in LIFETIMES:
        return {"type": "ephemeral", "ttl": mark.ttl}
    if mark.ttl:
        draft.notes.drop(f"{path}.cache_control.ttl", "the provider knows 5m and 1h")
    return {"type": "ephemeral"}


def drop_signature(part: ContentPart, path: str, draft: Draft) -> None:
    """Notes that a proof of a text or an image, as Gemini gives them, is not sent."""
    if part.signature:
        draft.notes.drop(f"{path}.signature", "the provider takes no signature of a text or an image")


def _image(image: ImagePart, path: str, draft: Draft) -> dict[str, Any]:
    if image.detail not in (chat_pb2.IMAGE_DETAIL_UNSPECIFIED, chat_pb2.IMAGE_DETAIL_AUTO):
        draft.notes.drop(f"{path}.detail", "the provider reads an image as large as it is")
    media = image.media
    _check_source(media, f"{path}.media", draft)
    if media.WhichOneof("source") != "data":
        return {"type": "image", "source": _reference(media, draft)}
    kind = mime_type(media, f"{path}.media").partition(";")[0].strip().lower()
    if kind not in _IMAGES:
        raise InvalidArgument.field(f"{path}.media.mime_type", f"Claude reads images as {', '.join(_IMAGES)}")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": base64_text(media.data)}}


def _document(file: FilePart, path: str, draft: Draft) -> dict[str, Any]:
    """https://platform.claude.com/docs/en/build-with-claude/pdf-support and /citations#document-types."""
    media = file.media
    _check_source(media, f"{path}.media", draft)
    block: dict[str, Any] = {"type": "document"}
    if media.WhichOneof("source") == "data":
        block["source"] = _bytes_of_document(media, f"{path}.media")
    else:
        block["source"] = _reference(media, draft)
    if title := file.title or media.filename:
        block["title"] = title
    if file.context:
        block["context"] = file.context
    if file.HasField("citations"):
        block["citations"] = {"enabled": file.citations}
    return block


def _bytes_of_document(media: Media, path: str) -> dict[str, Any]:
    kind = mime_type(media, path).partition(";")[0].strip().lower()
    if kind == _PDF:
        return {"type": "base64", "media_type": _PDF, "data": base64_text(media.data)}
    if not _is_text(kind):
        raise UnsupportedByProvider.of(f"{path}.mime_type", "Claude reads documents as PDF or text")
    try:
        return {"type": "text", "media_type": "text/plain", "data": media.data.decode("utf-8")}
    except UnicodeDecodeError:
        raise InvalidArgument.field(f"{path}.data", "is no UTF-8, as text must be") from None


def _is_text(kind: str) -> bool:
    """True for media types whose bytes are sent as plain text."""
    return kind.startswith("text/") or kind in _TEXT_TYPES


def reads_url(dialect: Dialect, kind: str, media: Media) -> bool:
    """Whether a host fetches this itself: pictures and PDFs, while text must be given as text.

    https://platform.claude.com/docs/en/build-with-claude/pdf-support#option-1-url-based-pdf-document
    """
    if "url" not in dialect.sources:
        return False
    given = media.mime_type.partition(";")[0].strip().lower()
    return kind != "file" or not _is_text(given or _by_name(media.url))


def _by_name(url: str) -> str:
    """The media type that the end of an address tells; empty where it tells none that matters here."""
    path = url.partition("?")[0].partition("#")[0].lower()
    return "text/plain" if path.endswith(_TEXT_ENDINGS) else ""


def _check_source(media: Media, path: str, draft: Draft) -> None:
    source = media.WhichOneof("source")
    if source is None:
        raise InvalidArgument.field(path, "set data, url or file_id")
    if source not in draft.dialect.sources:
        raise UnsupportedByProvider.of(
            f"{path}.{source}", f"{draft.dialect.name} takes {' or '.join(sorted(draft.dialect.sources))} here"
        )


def _reference(media: Media, draft: Draft) -> dict[str, Any]:
    if media.WhichOneof("source") == "url":
        return {"type": "url", "url": media.url}
    draft.needs_beta(FILES_BETA)
    return {"type": "file", "file_id": media.file_id}
