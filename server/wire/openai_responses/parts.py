"""One content part as the format has it."""

from typing import Any

from aignehub.v1.chat_pb2 import ContentPart, FilePart, ImagePart
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.chat.adjustments import Adjustments
from server.wire.chat.media import base64_text, data_url
from server.wire.openai_chat import words
from server.wire.openai_chat.parts import audio_input
from server.wire.openai_responses.dialect import ResponsesDialect

_AUDIO_FORMATS = frozenset({"wav", "mp3"})


def encode_input(part: ContentPart, path: str, dialect: ResponsesDialect, notes: Adjustments) -> dict[str, Any]:
    """A part of what the model is to read. Raises where the host reads no such thing, naming ``path``."""
    kind = part.WhichOneof("part")
    match kind:
        case "text":
            entry: dict[str, Any] = {"type": "input_text", "text": part.text}
        case "image" if kind in dialect.inputs:
            entry = _image(part.image, f"{path}.image")
        case "file" if kind in dialect.inputs:
            entry = _file(part.file, f"{path}.file", notes)
        case "audio" if kind in dialect.inputs:
            entry = _audio(part.audio.media, f"{path}.audio.media", dialect)
        case _:
            raise no_input(part, path, dialect)
    if part.signature:
        notes.drop(f"{path}.signature", "the provider takes no signature of a part")
    if part.HasField("cache_control"):
        _mark_cache_end(part, entry, path, dialect, notes)
    return entry


def no_input(part: ContentPart, path: str, dialect: ResponsesDialect) -> Exception:
    """What is wrong with a part that the host does not read."""
    kind = part.WhichOneof("part")
    if kind is None:
        return InvalidArgument.field(path, "is empty; set text, image, audio, video, file, reasoning or provider")
    return UnsupportedByProvider.of(f"{path}.{kind}", f"{dialect.name} reads no {kind} part here")


def simplest(content: list[dict[str, Any]]) -> Any:
    """One plain text part as a string, which every host reads; else the list."""
    if len(content) == 1 and content[0].keys() == {"type", "text"}:
        return content[0]["text"]
    return content


def drop_marks(part: ContentPart, path: str, notes: Adjustments, of: str) -> None:
    """Notes what a part carries that its place cannot."""
    if part.HasField("cache_control"):
        notes.drop(f"{path}.cache_control", f"the provider marks no cached prefix after {of}")
    if part.signature:
        notes.drop(f"{path}.signature", f"the provider takes no signature of {of}")


def drawn_image(part: ContentPart, path: str, dialect: ResponsesDialect) -> dict[str, Any]:
    """An image that the provider's own tool drew, as the item that it was; its id is the part's ``signature``."""
    media = part.image.media
    if not part.signature or media.WhichOneof("source") != "data":
        raise UnsupportedByProvider.of(
            f"{path}.image", f"{dialect.name} takes back no image of an assistant but one that it drew itself"
        )
    return {
        "type": "image_generation_call",
        "id": part.signature.decode("utf-8", "replace"),
        "status": "completed",
        "result": base64_text(media.data),
    }


def _mark_cache_end(
    part: ContentPart, entry: dict[str, Any], path: str, dialect: ResponsesDialect, notes: Adjustments
) -> None:
    """https://platform.openai.com/docs/guides/prompt-caching."""
    if not dialect.cache_breakpoints or entry["type"] == "input_audio":
        notes.drop(f"{path}.cache_control", "the provider marks no cached prefixes here")
    elif why := notes.model_refusal("cache_breakpoint"):
        notes.drop(f"{path}.cache_control", why)
    else:
        entry["prompt_cache_breakpoint"] = {"mode": "explicit"}
        if part.cache_control.ttl:
            notes.drop(f"{path}.cache_control.ttl", "the provider has one time to live for the whole request")


def _image(part: ImagePart, path: str) -> dict[str, Any]:
    image: dict[str, Any] = {"type": "input_image"}
    key, value = _source(part.media, f"{path}.media", "image_url", "image_url")
    image[key] = value
    # The schema wants it said; auto is what its absence means.
    image["detail"] = words.IMAGE_DETAILS.get(part.detail, "auto")
    return image


def _file(part: FilePart, path: str, notes: Adjustments) -> dict[str, Any]:
    media = part.media
    file: dict[str, Any] = {"type": "input_file"}
    key, value = _source(media, f"{path}.media", "file_url", "file_data")
    if key == "file_data":
        # OpenAI refuses file_data without a name: https://platform.openai.com/docs/guides/pdf-files
        file["filename"] = media.filename or part.title or "document"
    file[key] = value
    for name in ("title", "context"):
        if getattr(part, name):
            notes.drop(f"{path}.{name}", "the provider takes no words about a file")
    if part.citations:
        notes.drop(f"{path}.citations", "the provider cites only files that its own tools searched")
    return file


def _audio(media: Media, path: str, dialect: ResponsesDialect) -> dict[str, Any]:
    match media.WhichOneof("source"):
        case "data":
            return audio_input(media, path, dialect.name, _AUDIO_FORMATS)
        case None:
            raise InvalidArgument.field(path, "set data, url or file_id")
        case source:
            raise UnsupportedByProvider.of(f"{path}.{source}", f"{dialect.name} takes audio as data only")


def _source(media: Media, path: str, url_key: str, data_key: str) -> tuple[str, str]:
    match media.WhichOneof("source"):
        case "data":
            return data_key, data_url(media, path)
        case "url":
            return url_key, media.url
        case "file_id":
            return "file_id", media.file_id
        case _:
            raise InvalidArgument.field(path, "set data, url or file_id")
