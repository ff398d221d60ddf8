"""Pictures that were asked for by address, until newer ones push them out."""

from collections import OrderedDict
from hashlib import blake2b

from aiohttp import web

from server.sandbox.refusal import Refusal

_MOST_BYTES = 64 * 1024 * 1024
_TYPES = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}


class Shelf:
    """At most 64 MiB of pictures; the oldest go first."""

    def __init__(self) -> None:
        self._pictures: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def put(self, data: bytes, form: str) -> str:
        """Keeps a picture under a name that follows from its bytes."""
        name = f"{blake2b(data, digest_size=16).hexdigest()}.{form}"
        if name not in self._pictures:
            self._pictures[name] = data
            self._size += len(data)
        while self._size > _MOST_BYTES and len(self._pictures) > 1:
            self._size -= len(self._pictures.popitem(last=False)[1])
        return name

    async def serve(self, http: web.Request) -> web.Response:
        """The picture of that name."""
        name = http.match_info["name"]
        if name not in self._pictures:
            raise Refusal("There is no picture of that name, or it was pushed out by newer ones.", status=404)
        return web.Response(body=self._pictures[name], content_type=_TYPES[name.rpartition(".")[2]])
