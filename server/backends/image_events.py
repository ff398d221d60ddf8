"""One image as events of a stream: whole where it is small, else in chunks and then the word that it is whole."""

from collections.abc import Iterator

from aignehub.v1.image_service_pb2 import GeneratedImage, ImageChunk, ImageStreamEvent, PartialImage
from aignehub.v1.media_pb2 import Media

from server.wire.pictures import Picture

CHUNK_BYTES = 512 * 1024
"""Most bytes of an image in one message; the contract says under 1 MiB, and clients take 4 MiB by default."""


def events_of(picture: Picture) -> Iterator[ImageStreamEvent]:
    """The events of one image or preview, in order."""
    data = picture.data
    in_chunks = len(data) > CHUNK_BYTES
    for start in range(0, len(data), CHUNK_BYTES) if in_chunks else ():
        chunk = ImageChunk(index=picture.index, data=data[start : start + CHUNK_BYTES])
        if picture.partial is not None:
            chunk.partial_index = picture.partial
        yield ImageStreamEvent(chunk=chunk)
    event = ImageStreamEvent()
    if picture.partial is None:
        fill(event.completed, picture, with_data=not in_chunks)
    else:
        fill_preview(event.partial_image, picture, with_data=not in_chunks)
    yield event


def fill(image: GeneratedImage, picture: Picture, *, with_data: bool = True) -> None:
    """Writes a picture into a message; without its data where chunks carried them."""
    image.index = picture.index
    image.revised_prompt = picture.revised_prompt
    image.width, image.height = picture.width, picture.height
    image.filtered, image.filter_reason = picture.filtered, picture.filter_reason
    _fill_media(image.media, picture, with_data=with_data)


def fill_preview(image: PartialImage, picture: Picture, *, with_data: bool) -> None:
    """The same for a preview."""
    image.index, image.partial_index = picture.index, picture.partial or 0
    _fill_media(image.media, picture, with_data=with_data)


def _fill_media(media: Media, picture: Picture, *, with_data: bool) -> None:
    if picture.mime_type:
        media.mime_type = picture.mime_type
    if picture.url:
        media.url = picture.url
    elif picture.data and with_data:
        media.data = picture.data
