"""URLs of media in a request, before a provider sees them.

A public provider fetches them itself. One inside the operator's network must not: a caller would make it ask its
neighbours. What such a provider is to see is fetched here, through the egress guard, and sent as bytes.
"""

import asyncio
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import cast

from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest
from aignehub.v1.image_service_pb2 import EditImagesRequest
from aignehub.v1.media_pb2 import Media

from server.errors import InvalidArgument, ProviderBadResponse, ProviderUnavailable, UrlRefused
from server.transport.guard import EgressGuard, Fetched
from server.wire.codec import ReadsUrls

_MIB = 1024 * 1024
_MAX_EACH_BYTES = 20 * _MIB  # the largest image that OpenAI and Anthropic take is 20 MB and 5 MB
_MAX_TOTAL_BYTES = 32 * _MIB  # what a caller may send as bytes in one request
_AT_ONCE = 4
_ACCEPT: dict[str, tuple[str, ...]] = {
    "image": ("image/",),
    "audio": ("audio/", "video/mp4", "video/webm", "application/ogg"),
    "video": ("video/",),
    "file": ("application/", "text/", "image/", "audio/", "video/"),
}


Passes = Callable[[str, Media], bool]
"""Whether the provider takes media of a kind by their URL; see ReadsUrls.reads_url."""


def passes_of(codec: object, model: str) -> Passes | None:
    """What ``codec`` says of the URLs its provider reads; None where it takes them all."""
    if not _reads_urls(cast(Hashable, type(codec))):
        return None
    chooses = cast(ReadsUrls, codec)
    return lambda kind, media: chooses.reads_url(kind, media, model)


@lru_cache(maxsize=256)
def _reads_urls(kind: Hashable) -> bool:
    """Asking whether a class has the methods of a protocol takes 10 µs."""
    return issubclass(cast(type, kind), ReadsUrls)


class CallerMedia:
    """Decides for each provider who fetches the URLs in a request."""

    def __init__(
        self, guard: EgressGuard, *, max_total_bytes: int = _MAX_TOTAL_BYTES, max_each_bytes: int = _MAX_EACH_BYTES
    ) -> None:
        """Sizes are in bytes; a request's URLs may hold ``max_total_bytes`` together."""
        self._guard = guard
        self._max_each = max_each_bytes
        self._max_total = max_total_bytes

    async def inline(
        self,
        request: CreateChatCompletionRequest,
        *,
        base_url: str,
        deadline: float,
        passes: Passes | None = None,
    ) -> CreateChatCompletionRequest:
        """``request`` itself, or a copy in which the URLs that the provider must not or cannot fetch are bytes.

        A provider inside a private network is to fetch nothing, any other only what ``passes`` lets through.
        Raises UrlRefused and InvalidArgument naming the field, such as ``messages[0].content[1].image.media.url``.
        """
        found = list(_urls(request))
        if not found:
            return request
        private = await self._guard.is_private_host(base_url)
        wanted = set()
        for path, kind, media in found:
            if _passed_on(kind, media, passes, private=private):
                self._guard.check_literal(media.url, field=path)
            else:
                wanted.add(path)
        if not wanted:
            return request
        copy = CreateChatCompletionRequest()
        copy.CopyFrom(request)
        await self._fetch_all([one for one in _urls(copy) if one[0] in wanted], deadline)
        return copy

    async def inline_each(
        self,
        wanted: list[tuple[str, str, Media]],
        *,
        base_url: str,
        deadline: float,
        passes: Passes | None = None,
    ) -> None:
        """The same for media that are no conversation: (path, kind, media) each, changed in place."""
        private = await self._guard.is_private_host(base_url)
        passed = [one for one in wanted if _passed_on(one[1], one[2], passes, private=private)]
        for path, _, media in passed:
            self._guard.check_literal(media.url, field=path)
        await self._fetch_all([one for one in wanted if one not in passed], deadline)

    async def inline_sources(
        self, request: EditImagesRequest, *, base_url: str, reads_urls: bool, deadline: float
    ) -> EditImagesRequest:
        """The same for the sources of an edit, such as ``images[0].url``; without ``reads_urls`` all are fetched."""
        found = list(_source_urls(request))
        if not found:
            return request
        if reads_urls and not await self._guard.is_private_host(base_url):
            for path, _, media in found:
                self._guard.check_literal(media.url, field=path)
            return request
        copy = EditImagesRequest()
        copy.CopyFrom(request)
        await self._fetch_all(list(_source_urls(copy)), deadline)
        return copy

    async def fetch_made(self, url: str, *, deadline: float) -> Fetched:
        """An image that a provider made and answered with an address of, by the rules for callers' URLs.

        Raises ProviderBadResponse where the address may not be fetched, ProviderUnavailable where it cannot be.
        """
        try:
            return await self._guard.fetch(
                url, field="the image's address", deadline=deadline, max_bytes=self._max_each, accept=_ACCEPT["image"]
            )
        except UrlRefused as error:
            raise ProviderBadResponse(f"{error.message}; the provider named it") from None
        except InvalidArgument as error:
            raise ProviderUnavailable(f"{error.message}; the provider named it") from None

    async def passes_on(self, url: str, *, field: str, base_url: str) -> bool:
        """Whether the provider at ``base_url`` may be told ``url`` to fetch: it is public, and so is what is named.

        Raises UrlRefused naming ``field`` where the address may be fetched by nobody.
        """
        if await self._guard.is_private_host(base_url):
            return False
        self._guard.check_literal(url, field=field)
        return True

    async def fetch_audio(self, url: str, *, field: str, deadline: float, max_bytes: int) -> bytes:
        """The recording at ``url``. Raises UrlRefused and InvalidArgument naming ``field``."""
        fetched = await self._guard.fetch(
            url,
            field=field,
            deadline=deadline,
            max_bytes=min(self._max_each, max_bytes),
            accept=(*_ACCEPT["audio"], "video/quicktime"),
        )
        return fetched.data

    async def _fetch_all(self, wanted: list[tuple[str, str, Media]], deadline: float) -> None:
        gate = asyncio.Semaphore(_AT_ONCE)
        budget = _Budget(self._max_total)
        tasks = [asyncio.ensure_future(self._fetch(*one, deadline, gate, budget)) for one in wanted]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _fetch(
        self, path: str, kind: str, media: Media, deadline: float, gate: asyncio.Semaphore, budget: "_Budget"
    ) -> None:
        async with gate:
            fetched = await self._guard.fetch(
                media.url,
                field=path,
                deadline=deadline,
                max_bytes=min(self._max_each, max(budget.left, 1)),
                accept=_ACCEPT[kind],
            )
        budget.take(len(fetched.data), path)
        media.data = fetched.data
        if not media.mime_type:
            media.mime_type = fetched.mime_type


class _Budget:
    """Bytes that the URLs of one request may still hold together."""

    __slots__ = ("_total", "left")

    def __init__(self, total: int) -> None:
        self._total = total
        self.left = total

    def take(self, size: int, path: str) -> None:
        self.left -= size
        if self.left < 0:
            raise InvalidArgument.field(path, f"together with the URLs before it holds more than {self._total} bytes")


def _passed_on(kind: str, media: Media, passes: Passes | None, *, private: bool) -> bool:
    if passes is None:
        return not private
    # A store's own address, such as gs://, is no request to a neighbour, and nobody but the provider can read it.
    return passes(kind, media) and not (private and media.url[:6].lower().startswith(("https:", "http:")))


def names_urls(request: CreateChatCompletionRequest) -> bool:
    """Whether the conversation holds media by their URL: most hold none, and are told so without a wait."""
    for message in request.messages:
        for part in message.content:
            kind = part.WhichOneof("part")
            if kind in _ACCEPT and getattr(part, kind).media.WhichOneof("source") == "url":
                return True
    return False


def _urls(request: CreateChatCompletionRequest) -> Iterator[tuple[str, str, Media]]:
    """Path, kind of part and media of every URL in the conversation."""
    for row, message in enumerate(request.messages):
        for column, part in enumerate(message.content):
            kind = part.WhichOneof("part")
            if kind not in _ACCEPT:
                continue
            media: Media = getattr(part, kind).media
            if media.WhichOneof("source") == "url":
                yield f"messages[{row}].content[{column}].{kind}.media.url", kind, media


def _source_urls(request: EditImagesRequest) -> Iterator[tuple[str, str, Media]]:
    """The same for the sources and the mask of an edit."""
    for index, media in enumerate(request.images):
        if media.WhichOneof("source") == "url":
            yield f"images[{index}].url", "image", media
    if request.mask.WhichOneof("source") == "url":
        yield "mask.url", "image", request.mask
