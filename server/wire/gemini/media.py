"""Media of a request: as bytes, or by an address that Google reads itself."""

import re
from typing import Any
from urllib.parse import urlsplit

from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.media import base64_text, mime_type
from server.wire.gemini.host import Host

_YOUTUBE = re.compile(r"https://((www\.|m\.)?youtube\.com/(watch|shorts|live|embed)|youtu\.be/)")
_STORE = "gs://"
_WEB = "https://"

# What an address is of where its caller does not say; types that the models read.
# https://ai.google.dev/gemini-api/docs/file-input-methods
_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
    "gif": "image/gif",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "md": "text/markdown",
    "csv": "text/csv",
    "html": "text/html",
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "ogg": "audio/ogg",
    "aac": "audio/aac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "mpeg": "video/mpeg",
}


def reads_url(host: Host, kind: str, media: Media, model: str) -> bool:
    """See ReadsUrls: YouTube, its own files, its store, and public addresses with a media type where it wants one.

    https://ai.google.dev/gemini-api/docs/file-input-methods and
    https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference#filedata
    """
    url = media.url
    if url.startswith(_STORE):
        return host.stores
    if not url.startswith(_WEB):
        return False
    if (host.files and url.startswith(host.files)) or (kind == "video" and _YOUTUBE.match(url)):
        return True
    if host.no_web is not None and host.no_web.match(model):
        return False
    return bool(_type_of(media)) or not host.mime_required


def encode_media(media: Media, path: str, host: Host, *, named: bool = False) -> dict[str, Any]:
    """``inlineData`` or ``fileData``. ``named`` takes the file's name along. Raises naming ``path``."""
    told: dict[str, Any]
    match media.WhichOneof("source"):
        case "data":
            told = {"mimeType": _bare(mime_type(media, path)), "data": base64_text(media.data)}
            key = "inlineData"
        case "url":
            told = _file(media.url, _type_of(media), f"{path}.url", host)
            key = "fileData"
        case "file_id":
            told = _file(_uri(media.file_id, f"{path}.file_id", host), media.mime_type, f"{path}.mime_type", host)
            key = "fileData"
        case _:
            raise InvalidArgument.field(path, "set data, url or file_id")
    if named and media.filename:
        told["displayName"] = media.filename
    return {key: told}


def _file(uri: str, kind: str, path: str, host: Host) -> dict[str, Any]:
    if not kind and host.mime_required:
        raise InvalidArgument.field(path, f"{host.name} reads nothing by its address without a mime_type; set it")
    return {"mimeType": kind, "fileUri": uri} if kind else {"fileUri": uri}


def _uri(file_id: str, path: str, host: Host) -> str:
    """The address of a file by its id, such as ``files/abc`` or the address itself."""
    if file_id.startswith((_WEB, _STORE)):
        return file_id
    if not host.files:
        raise UnsupportedByProvider.of(path, f"{host.name} keeps no files; send data or a gs:// or https:// url")
    return f"{host.files}{file_id.removeprefix('files/')}"


def _type_of(media: Media) -> str:
    """The type the caller gave, else the one that the end of the address tells."""
    if media.mime_type:
        return _bare(media.mime_type)
    if _YOUTUBE.match(media.url):
        # https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/video-understanding#youtube-video
        return "video/mp4"
    return _TYPES.get(urlsplit(media.url).path.rpartition(".")[2].lower(), "")


def _bare(kind: str) -> str:
    """Without parameters such as charset, which Google takes for part of the type; those of L16 it needs."""
    return kind if kind.lower().startswith(("audio/l16", "audio/pcm")) else kind.partition(";")[0].strip()
