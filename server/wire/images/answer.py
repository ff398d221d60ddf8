"""What answers of every format say of one image."""

import re

from server.errors import ProviderBadResponse
from server.wire import json_value as json
from server.wire.json_value import Json
from server.wire.pictures import Picture

_PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_LONGEST_URL = 8192


def address(told: Json) -> str:
    """Where the provider keeps an image; empty where it says nothing. Raises ProviderBadResponse for one too long."""
    url = json.text(told)
    if len(url) > _LONGEST_URL:
        raise ProviderBadResponse("the provider named an image by an address that is too long")
    return url


def measured(picture: Picture, size: str) -> None:
    """Fills in media type and size: by the bytes where there are some, else by WIDTHxHEIGHT as the provider says."""
    if picture.data:
        picture.identify()
    elif pixels := _PIXELS.fullmatch(size):
        picture.width, picture.height = int(pixels[1]), int(pixels[2])
