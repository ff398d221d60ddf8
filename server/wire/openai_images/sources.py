"""Source images and masks: judged by their bytes, then put into a form or a JSON body."""

from base64 import b64encode
from typing import Any

from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.image_facts import probe
from server.wire.openai_images.models import ImageModel
from server.wire.openai_images.multipart import FilePart
from server.wire.pictures import MIME_TYPES

_ALIASES = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
_UNTYPED = ("", "application/octet-stream")
_ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


def check_sources(request: EditImagesRequest, row: ImageModel, model: str) -> None:
    """Raises InvalidArgument or UnsupportedByProvider naming the source or mask that the model cannot read."""
    if len(request.images) > row.max_sources:
        most = row.max_sources
        raise InvalidArgument.field("images", f"{model} reads at most {most} image{'s' * (most > 1)}")
    sizes = [_check(media, f"images[{index}]", row, model) for index, media in enumerate(request.images)]
    if not request.HasField("mask"):
        return
    if "mask" not in row.fields:
        raise UnsupportedByProvider.of("mask", f"{model} takes none; say in the prompt what to change")
    mask = _check(request.mask, "mask", row, model)
    if mask and mask[0] != "image/png":
        raise InvalidArgument.field("mask", f"is {mask[0]}; a mask is a PNG whose see-through pixels may change")
    if mask and sizes[0] and mask[1] != sizes[0][1]:
        (width, height), (own_width, own_height) = sizes[0][1], mask[1]
        raise InvalidArgument.field(
            "mask", f"is {own_width}x{own_height}; it must be {width}x{height}, the size of images[0]"
        )


def _check(media: Media, path: str, row: ImageModel, model: str) -> tuple[str, tuple[int, int]] | None:
    """Media type and size of bytes; None for what the provider fetches."""
    if media.WhichOneof("source") == "file_id" and not row.reads_urls:
        raise UnsupportedByProvider.of(f"{path}.file_id", f"{model} reads no uploaded files; send the bytes")
    if media.WhichOneof("source") != "data":
        return None
    data = media.data
    if not data:
        raise InvalidArgument.field(f"{path}.data", "is empty")
    facts = probe(data)
    if facts is None:
        raise InvalidArgument.field(f"{path}.data", "is no image of a known kind; send PNG, JPEG or WebP")
    mime_type = MIME_TYPES[facts.format]
    declared = _ALIASES.get(media.mime_type.lower(), media.mime_type.lower())
    if declared not in (*_UNTYPED, mime_type):
        raise InvalidArgument.field(f"{path}.mime_type", f"says {media.mime_type}, but the bytes are {mime_type}")
    if row.source_types and mime_type not in row.source_types:
        raise InvalidArgument.field(path, f"is {mime_type}; {model} reads {', '.join(row.source_types)}")
    if row.max_source_bytes and len(data) > row.max_source_bytes:
        most = row.max_source_bytes // 1_000_000
        raise InvalidArgument.field(path, f"is longer than the {most} MB that {model} reads")
    return mime_type, (facts.width, facts.height)


def as_files(request: EditImagesRequest) -> list[FilePart]:
    """Sources and mask as files of a form. Raises UnsupportedByProvider for a source that is no bytes."""
    # https://platform.openai.com/docs/api-reference/images/createEdit: one is image, several are image[].
    name = "image" if len(request.images) == 1 else "image[]"
    files = [_file(media, name, f"images[{index}]", f"image-{index}") for index, media in enumerate(request.images)]
    if request.HasField("mask"):
        files.append(_file(request.mask, "mask", "mask", "mask"))
    return files


def _file(media: Media, name: str, path: str, stem: str) -> FilePart:
    kind = media.WhichOneof("source")
    if kind != "data":
        raise UnsupportedByProvider.of(f"{path}.{kind}", "this provider takes the bytes of an image; send them as data")
    mime_type = _mime_type(media)
    return FilePart(name, media.filename or f"{stem}.{_ENDINGS.get(mime_type, 'bin')}", mime_type, media.data)


def put_references(request: EditImagesRequest, form: str, body: dict[str, Any]) -> None:
    """Sources and mask in a JSON body, in the ``form`` of ImageHost.sources."""
    match form:
        case "images":  # https://docs.x.ai/developers/model-capabilities/images/editing
            body["images"] = [{"type": "image_url", "url": _url(one, path)} for path, one in _each(request)]
        case "input_references":  # OpenRouter's published schema
            body["input_references"] = [
                {"type": "image_url", "image_url": {"url": _url(one, path)}} for path, one in _each(request)
            ]
        case "reference_images":  # Together's published schema
            urls = [_url(one, path) for path, one in _each(request)]
            body |= {"image_url": urls[0]} if len(urls) == 1 else {"reference_images": urls}
        case "image":  # https://www.volcengine.com/docs/82379/1541523
            urls = [_url(one, path) for path, one in _each(request)]
            body["image"] = urls[0] if len(urls) == 1 else urls
        case _:  # OpenAI's JSON form: https://platform.openai.com/docs/api-reference/images/createEdit
            body["images"] = [_reference(one) for _, one in _each(request)]
            if request.HasField("mask"):
                body["mask"] = _reference(request.mask)


def _each(request: EditImagesRequest) -> list[tuple[str, Media]]:
    return [(f"images[{index}]", media) for index, media in enumerate(request.images)]


def _reference(media: Media) -> dict[str, str]:
    if media.WhichOneof("source") == "file_id":
        return {"file_id": media.file_id}
    return {"image_url": _url(media, "")}


def _url(media: Media, path: str) -> str:
    match media.WhichOneof("source"):
        case "url":
            return media.url
        case "data":
            return f"data:{_mime_type(media)};base64,{b64encode(media.data).decode()}"
        case _:
            raise UnsupportedByProvider.of(f"{path}.file_id", "this provider reads no uploaded files; send the bytes")


def _mime_type(media: Media) -> str:
    facts = probe(media.data)
    return MIME_TYPES[facts.format] if facts else media.mime_type or "application/octet-stream"
