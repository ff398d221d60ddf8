"""Images, documents, videos and sounds as Converse has them: a format by name, and bytes or a place in S3."""

import re
from collections.abc import Mapping
from typing import Any

from aignehub.v1 import chat_pb2
from aignehub.v1.chat_pb2 import ContentPart, FilePart, VideoPart
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.bedrock.draft import Draft
from server.wire.chat.media import base64_text, mime_type

_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/jpg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_OFFICE = "application/vnd.openxmlformats-officedocument"
_DOCUMENTS = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    f"{_OFFICE}.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    f"{_OFFICE}.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
    "text/x-markdown": "md",
}
_VIDEOS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/x-matroska": "mkv",
    "video/matroska": "mkv",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_SOUNDS = {
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
    "audio/opus": "opus",
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/vnd.wave": "wav",
    "audio/aac": "aac",
    "audio/x-aac": "x-aac",
    "audio/flac": "flac",
    "audio/x-flac": "flac",
    "audio/mp4": "mp4",
    "audio/ogg": "ogg",
    "audio/x-matroska": "mka",
    "audio/m4a": "m4a",
    "audio/x-m4a": "m4a",
    "audio/l16": "pcm",
    "audio/pcm": "pcm",
    "audio/webm": "webm",
}
_FORMATS: Mapping[str, Mapping[str, str]] = {
    "image": _IMAGES,
    "file": _DOCUMENTS,
    "video": _VIDEOS,
    "audio": _SOUNDS,
}
_ENDINGS = {"jpg": "jpeg", "htm": "html", "markdown": "md", "3gp": "three_gp", "mpg": "mpg", "mpga": "mpga"}
S3 = "s3://"
_ANY_DETAIL = (chat_pb2.IMAGE_DETAIL_UNSPECIFIED, chat_pb2.IMAGE_DETAIL_AUTO)

# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html
_NO_PART_OF_A_NAME = re.compile(r"[^A-Za-z0-9 ()\[\]-]+")
_LONGEST_NAME = 200


def encode_media(part: ContentPart, path: str, draft: Draft, names: set[str]) -> dict[str, Any]:
    """The block of an image, file, video or audio part. ``names`` are those of the documents so far."""
    kind = part.WhichOneof("part")
    if kind is None:
        raise InvalidArgument.field(path, "is empty; set text, image, audio, video, file, reasoning or provider")
    where = f"{path}.{kind}"
    match kind:
        case "image":
            if part.image.detail not in _ANY_DETAIL:
                draft.notes.drop(f"{where}.detail", "the provider knows no levels of detail")
            return {"image": _block(kind, part.image.media, f"{where}.media")}
        case "audio":
            return {"audio": _block(kind, part.audio.media, f"{where}.media")}
        case "video":
            _check_video(part.video, where, draft)
            return {"video": _block(kind, part.video.media, f"{where}.media")}
        case "file":
            return {"document": _document(part.file, where, draft, names)}
        case _:
            raise UnsupportedByProvider.of(where, "bedrock reads no such part here")


def _block(kind: str, media: Media, path: str) -> dict[str, Any]:
    return {"format": _format(kind, media, path), "source": _source(media, path)}


def _source(media: Media, path: str) -> dict[str, Any]:
    match media.WhichOneof("source"):
        case "data":
            return {"bytes": base64_text(media.data)}
        case "url" if media.url.startswith(S3):
            return {"s3Location": {"uri": media.url}}
        case "url":
            raise UnsupportedByProvider.of(f"{path}.url", "bedrock reads media as data or from an s3:// address")
        case "file_id":
            raise UnsupportedByProvider.of(f"{path}.file_id", "bedrock keeps no files; send data or an s3:// url")
        case _:
            raise InvalidArgument.field(path, "set data or url")


def _format(kind: str, media: Media, path: str) -> str:
    """By the media type; by the ending of an address or a name where there is none."""
    formats = _FORMATS[kind]
    told = mime_type(media, path) if media.WhichOneof("source") == "data" else media.mime_type
    if told:
        found = formats.get(told.partition(";")[0].strip().lower())
    else:
        ending = media.url.rpartition("/")[2].rpartition(".")[2].lower()
        ending = _ENDINGS.get(ending, ending)
        found = ending if ending in {*formats.values(), *_ENDINGS.values()} else None
    if found is None:
        choice = ", ".join(sorted(set(formats.values())))
        raise InvalidArgument.field(f"{path}.mime_type", f"bedrock reads {choice} here")
    return found


def _check_video(video: VideoPart, path: str, draft: Draft) -> None:
    if video.HasField("fps"):
        draft.notes.drop(f"{path}.fps", "the provider chooses the frames")
    for name in ("start_offset", "end_offset"):
        if video.HasField(name):
            # Watching more than was asked is no tuning: the answer would be about another film.
            raise UnsupportedByProvider.of(f"{path}.{name}", "bedrock takes whole videos only")


def _document(file: FilePart, path: str, draft: Draft, names: set[str]) -> dict[str, Any]:
    media = file.media
    block: dict[str, Any] = {"name": _name(file, names), **_block("file", media, f"{path}.media")}
    if file.context:
        block["context"] = file.context
    if file.citations and not draft.family.cites:
        draft.notes.drop(f"{path}.citations", f"the model {draft.model} cites no documents")
    elif file.HasField("citations"):
        block["citations"] = {"enabled": file.citations}
        if file.citations and block["format"] == "txt" and (text := _text(media.data)):
            # Passages of a plain text are found by their place in it.
            block["source"] = {"text": text}
    return block


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return ""


def _name(file: FilePart, names: set[str]) -> str:
    """What the model is told, of the characters that a name may have, each name once."""
    told = file.title or file.media.filename.rpartition(".")[0] or file.media.filename
    told = " ".join(_NO_PART_OF_A_NAME.sub("-", told).split()).strip("- ")[:_LONGEST_NAME]
    name = told or f"Document {len(names) + 1}"
    number = 2
    while name in names:
        name = f"{told[: _LONGEST_NAME - 8] or 'Document'} ({number})"
        number += 1
    names.add(name)
    return name
