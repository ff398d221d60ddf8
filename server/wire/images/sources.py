"""Source images and masks, judged by their bytes, and as files of a form."""

from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, UnsupportedByProvider
from server.wire.image_facts import probe
from server.wire.images.rows import ImageModel
from server.wire.multipart import FilePart
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
    if row.max_source_pixels and facts.width * facts.height > row.max_source_pixels:
        raise InvalidArgument.field(
            path, f"is {facts.width}x{facts.height}; {model} reads at most {row.max_source_pixels} pixels"
        )
    return mime_type, (facts.width, facts.height)


def source_file(media: Media, name: str, path: str, stem: str) -> FilePart:
    """A source as a file of a form. Raises UnsupportedByProvider where it is no bytes."""
    mime_type = mime_type_of(media)
    filename = media.filename or f"{stem}.{_ENDINGS.get(mime_type, 'bin')}"
    return FilePart(name, filename, mime_type, (source_bytes(media, path),))


def source_bytes(media: Media, path: str) -> bytes:
    """The bytes of a source. Raises UnsupportedByProvider where it is a file id, or an address that nobody fetched."""
    kind = media.WhichOneof("source")
    if kind != "data":
        raise UnsupportedByProvider.of(f"{path}.{kind}", "this provider takes the bytes of an image; send them as data")
    return media.data


def mime_type_of(media: Media) -> str:
    """By the bytes, else as declared."""
    facts = probe(media.data)
    return MIME_TYPES[facts.format] if facts else media.mime_type or "application/octet-stream"
