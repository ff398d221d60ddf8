"""A provider's list over HTTP, page by page and bounded."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.backends.base import Call
from server.backends.http_exchange import HttpExchanges
from server.errors import ProviderBadResponse
from server.wire.http import HttpRequest, HttpResponse

T = TypeVar("T")

_MAX_PAGES = 20
_MAX_PAGE_BYTES = 16 * 1024 * 1024
"""The longest list that is known, OpenRouter's models with everything, has less than a quarter of that."""

_LONG_BYTES = 64 * 1024
"""A longer page is read beside the loop: a megabyte takes 15 ms, which no call should wait for."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some entries of a list, and what asks for those after them: None at the end."""

    entries: Sequence[T]
    then: HttpRequest | None


async def pages(
    http: HttpExchanges, call: Call, first: HttpRequest, read: Callable[[HttpResponse], Page[T]], what: str
) -> AsyncIterator[Sequence[T]]:
    """The entries of each page of the provider's list of ``what``, such as models. Raises HubError."""
    asked = first
    for _ in range(_MAX_PAGES):
        page = await _read(read, await _whole(http, call, asked, what))
        yield page.entries
        # A host that names the same page again would keep this going.
        if page.then is None or page.then == asked:
            return
        asked = page.then
    raise ProviderBadResponse(f"the provider's list of {what} goes on after {_MAX_PAGES} pages")


async def _read(read: Callable[[HttpResponse], Page[T]], response: HttpResponse) -> Page[T]:
    if len(response.body) < _LONG_BYTES:
        return read(response)
    return await asyncio.to_thread(read, response)


async def _whole(http: HttpExchanges, call: Call, asked: HttpRequest, what: str) -> HttpResponse:
    async with http.open(asked, call) as exchange:
        body = await exchange.body(cut_at=_MAX_PAGE_BYTES + 1)
        if len(body) > _MAX_PAGE_BYTES:
            raise ProviderBadResponse(f"the provider's list of {what} is longer than {_MAX_PAGE_BYTES} bytes")
        return HttpResponse(exchange.status, exchange.headers, body)
