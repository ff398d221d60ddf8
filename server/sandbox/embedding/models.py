"""Which model of /v1/embeddings has which name: embed, and those that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.sandbox.chat.faults import GARBAGE, failure, seconds_of, status_of
from server.sandbox.embedding.answer import embeddings
from server.sandbox.embedding.request import EmbeddingRequest
from server.sandbox.exchange import write_half

ServeEmbeddings = Callable[[web.Request, EmbeddingRequest], Awaitable[web.StreamResponse]]
"""Answers one request. It ends by cancellation when the client leaves."""


async def _embed(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
    return web.Response(body=embeddings(request), content_type="application/json")


async def _hang(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future nobody sets has no result")


async def _cut(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
    return await write_half(http, embeddings(request))


async def _garbage(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
    return web.Response(body=GARBAGE, content_type="application/json")


def _fail(status: str) -> ServeEmbeddings | None:
    code = status_of(status)
    if code is None:
        return None

    async def serve(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
        raise failure(code)

    return serve


def _slow(milliseconds: str) -> ServeEmbeddings | None:
    seconds = seconds_of(milliseconds)
    if seconds is None:
        return None

    async def serve(http: web.Request, request: EmbeddingRequest) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await _embed(http, request)

    return serve


EMBEDDINGS: dict[str, ServeEmbeddings] = {"embed": _embed, "hang": _hang, "cut": _cut, "garbage": _garbage}
EMBEDDING_FAMILIES: dict[str, Callable[[str], ServeEmbeddings | None]] = {"fail": _fail, "slow": _slow}
"""Models with a parameter after the first hyphen; None where the parameter makes no sense."""


def embedding_model(name: str) -> ServeEmbeddings | None:
    """The embedding model of that name, None where there is none."""
    if name in EMBEDDINGS:
        return EMBEDDINGS[name]
    family, _, parameter = name.partition("-")
    return EMBEDDING_FAMILIES[family](parameter) if family in EMBEDDING_FAMILIES else None
