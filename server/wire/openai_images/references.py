"""Source images and masks in a request of the format: as files of a form, or in a JSON body."""

from base64 import b64encode
from typing import Any

from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import UnsupportedByProvider
from server.wire.images.sources import mime_type_of, source_file
from server.wire.multipart import FilePart


def as_files(request: EditImagesRequest) -> list[FilePart]:
    """Sources and mask as files of a form. Raises UnsupportedByProvider for a source that is no bytes."""
    # https://platform.openai.com/docs/api-reference/images/createEdit: one is image, several are image[].
    name = "image" if len(request.images) == 1 else "image[]"
    files = [
        source_file(media, name, f"images[{index}]", f"image-{index}") for index, media in enumerate(request.images)
    ]
    if request.HasField("mask"):
        files.append(source_file(request.mask, "mask", "mask", "mask"))
    return files


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
            return f"data:{mime_type_of(media)};base64,{b64encode(media.data).decode()}"
        case _:
            raise UnsupportedByProvider.of(f"{path}.file_id", "this provider reads no uploaded files; send the bytes")
