"""Media of a request as text: base64 and data URLs."""

import binascii
import re

from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument

# RFC 6838, 4.2, with parameters as RFC 2045 has them; it becomes part of a data URL.
_MIME_TYPE = re.compile(r"[A-Za-z0-9][\w!#$&^.+-]{0,126}/[A-Za-z0-9][\w!#$&^.+-]{0,126}([ ]*;[\x20-\x7e]*)?", re.ASCII)


def data_url(media: Media, path: str) -> str:
    """The bytes of ``media`` as a data URL. Raises InvalidArgument naming ``path`` without a sound media type."""
    return f"data:{mime_type(media, path)};base64,{base64_text(media.data)}"


def mime_type(media: Media, path: str) -> str:
    """The media type that the caller gave with bytes. Raises InvalidArgument where there is none, or it is none."""
    if not media.mime_type:
        raise InvalidArgument.field(f"{path}.mime_type", "is required with data, for example image/png")
    if not _MIME_TYPE.fullmatch(media.mime_type):
        raise InvalidArgument.field(f"{path}.mime_type", "is no media type; write one such as image/png")
    return media.mime_type


def base64_text(data: bytes) -> str:
    """``data`` in base64."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")
