"""One content part as the format has it."""

from typing import Any

from aignehub.v1.chat_pb2 import AudioPart, ContentPart, FilePart, ImagePart, VideoPart
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.media import base64_text, data_url, mime_type
from server.wire.openai_chat import words
from server.wire.openai_chat.dialect import Dialect


def encode_media(part: ContentPart, path: str, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    """An image, audio, video or file part. Raises where the host reads no such thing, naming ``path``."""
    kind = part.WhichOneof("part")
    if kind is None:
        raise InvalidArgument.field(path, "is empty; set text, image, audio, video, file, reasoning or provider")
    if kind not in dialect.inputs:
        raise UnsupportedByProvider.of(f"{path}.{kind}", f"{dialect.name} reads no {kind} input here")
    match kind:
        case "image":
            return _image(part.image, f"{path}.image", dialect)
        case "audio":
            return _audio(part.audio, f"{path}.audio", dialect)
        case "video":
            return _video(part.video, f"{path}.video", dialect, notes)
        case "file":
            encode = _document if dialect.document_parts else _file
            entry = encode(part.file, f"{path}.file", dialect, notes)
            if part.file.citations:
                notes.drop(f"{path}.file.citations", "the provider does not cite files in this format")
            return entry
        case _:
            raise UnsupportedByProvider.of(f"{path}.{kind}", f"{dialect.name} reads no {kind} part here")


def mark_cache_end(part: ContentPart, entry: dict[str, Any], path: str, dialect: Dialect, notes: Adjustments) -> None:
    """Marks the end of a cached prefix the way the host has it, or notes that it has none."""
    ttl = part.cache_control.ttl
    match dialect.cache:
        case "cache_control":
            entry["cache_control"] = {"type": "ephemeral", "ttl": ttl} if ttl else {"type": "ephemeral"}
        case "breakpoint":
            if why := notes.model_refusal("cache_breakpoint"):
                notes.drop(f"{path}.cache_control", why)
                return
            entry["prompt_cache_breakpoint"] = {"mode": "explicit"}
            if ttl:
                notes.drop(f"{path}.cache_control.ttl", "the provider has one time to live for the whole request")
        case _:
            notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes")


def _image(part: ImagePart, path: str, dialect: Dialect) -> dict[str, Any]:
    image: dict[str, Any] = {"url": _address(part.media, f"{path}.media", dialect)}
    if part.detail:
        image["detail"] = words.IMAGE_DETAILS[part.detail]
    return {"type": "image_url", "image_url": image}


def _audio(part: AudioPart, path: str, dialect: Dialect) -> dict[str, Any]:
    media = part.media
    match media.WhichOneof("source"):
        case "data" if dialect.audio_text:
            mime_type(media, f"{path}.media")
            return {"type": "input_audio", "input_audio": base64_text(media.data)}
        case "url" if dialect.audio_text:
            return {"type": "input_audio", "input_audio": media.url}
        case "data":
            return audio_input(media, f"{path}.media", dialect.name, dialect.audio_formats)
        case "url" if dialect.audio_urls:
            return {"type": "audio_url", "audio_url": {"url": media.url}}
        case None:
            raise InvalidArgument.field(f"{path}.media", "set data, url or file_id")
        case source:
            raise UnsupportedByProvider.of(f"{path}.media.{source}", f"{dialect.name} takes audio as data only")


def audio_input(media: Media, path: str, host: str, formats: frozenset[str] | None) -> dict[str, Any]:
    """Bytes of sound as OpenAI's APIs take them; ``formats`` are the words that the host knows, None for all."""
    mime = mime_type(media, path).partition(";")[0].strip().lower()
    known = words.INPUT_AUDIO_FORMATS.get(mime)
    if known is None or (formats is not None and known not in formats):
        choice = ", ".join(sorted(formats or set(words.INPUT_AUDIO_FORMATS.values())))
        raise InvalidArgument.field(f"{path}.mime_type", f"{host} reads audio as {choice}")
    return {"type": "input_audio", "input_audio": {"data": base64_text(media.data), "format": known}}


def _video(part: VideoPart, path: str, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    video: dict[str, Any] = {"url": _address(part.media, f"{path}.media", dialect)}
    if part.HasField("fps"):
        if dialect.video_fps:
            video["fps"] = part.fps
        else:
            notes.drop(f"{path}.fps", "the provider chooses the frames")
    for name in ("start_offset", "end_offset"):
        if part.HasField(name):
            # Watching more than was asked is no tuning: the answer would be about another film.
            raise UnsupportedByProvider.of(f"{path}.{name}", f"{dialect.name} takes whole videos only")
    return {"type": "video_url", "video_url": video}


def _file(part: FilePart, path: str, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    media = part.media
    file: dict[str, Any] = {}
    match media.WhichOneof("source"):
        case "data":
            # OpenAI refuses file_data without a name: https://platform.openai.com/docs/guides/pdf-files
            file["filename"] = media.filename or part.title or "document"
            file["file_data"] = data_url(media, f"{path}.media")
        case "file_id":
            file["file_id"] = media.file_id
        case "url" if dialect.file_urls:
            file["filename"] = media.filename or part.title or "document"
            file["file_data"] = media.url
        case "url":
            raise UnsupportedByProvider.of(f"{path}.media.url", f"{dialect.name} takes files as data or file_id")
        case _:
            raise InvalidArgument.field(f"{path}.media", "set data, url or file_id")
    for name in ("title", "context"):
        if getattr(part, name):
            notes.drop(f"{path}.{name}", "the provider takes no words about a file")
    return {"type": "file", "file": file}


def _document(part: FilePart, path: str, dialect: Dialect, notes: Adjustments) -> dict[str, Any]:
    """https://docs.mistral.ai/capabilities/document_ai/document_qna; one of its own files goes by id alone."""
    media = part.media
    if part.context:
        notes.drop(f"{path}.context", "the provider takes no words about a file")
    if media.WhichOneof("source") == "file_id":
        if part.title:
            notes.drop(f"{path}.title", "the provider names its own files by itself")
        return {"type": "file", "file_id": media.file_id}
    document = {"type": "document_url", "document_url": _address(media, f"{path}.media", dialect)}
    if name := part.title or media.filename:
        document["document_name"] = name
    return document


def _address(media: Media, path: str, dialect: Dialect) -> str:
    match media.WhichOneof("source"):
        case "data":
            return data_url(media, path)
        case "url":
            return media.url
        case "file_id" if dialect.file_scheme:
            return f"{dialect.file_scheme}{media.file_id}"
        case "file_id":
            raise UnsupportedByProvider.of(f"{path}.file_id", f"{dialect.name} takes data or a url here")
        case _:
            raise InvalidArgument.field(path, "set data, url or file_id")
