"""Writing an answer to the client, whole or as server-sent events, at the pace it was drafted with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice

from aiohttp import web

from server.sandbox.answer import Answer, Model, answer
from server.sandbox.completion import completion, rounds
from server.sandbox.request import ChatRequest

Serve = Callable[[web.Request, ChatRequest], Awaitable[web.StreamResponse]]
"""Answers one chat request. It ends by cancellation when the client leaves."""

_BREATH = 32  # events written before others get a turn on the loop


def says(model: Model) -> Serve:
    """A well-behaved model: unary or streamed as the request asks."""

    async def serve(http: web.Request, request: ChatRequest) -> web.StreamResponse:
        told = answer(request, model)
        if request.stream:
            return await _streamed(http, request, told)
        if told.pace:
            await asyncio.sleep(told.pace * _length(told))
        return web.Response(body=completion(request, told), content_type="application/json")

    return serve


def breaks_off(model: Model) -> Serve:
    """A model that writes half of its answer, then closes the connection."""

    async def serve(http: web.Request, request: ChatRequest) -> web.StreamResponse:
        told = answer(request, model)
        if not request.stream:
            return await write_half(http, completion(request, told))
        half = (_length(told) + 2) // 2
        response = await open_stream(http)
        await _write(response, islice(rounds(request, told), half), told.pace)
        if http.transport is not None:
            http.transport.close()
        return response

    return serve


async def write_half(http: web.Request, body: bytes) -> web.StreamResponse:
    """Writes half of a JSON answer that was announced whole, then closes the connection."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
    await response.prepare(http)
    await response.write(body[: len(body) // 2])
    if http.transport is not None:
        http.transport.close()
    return response


async def open_stream(http: web.Request) -> web.StreamResponse:
    """An answer of server-sent events, its headers on the way."""
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
    )
    await response.prepare(http)
    return response


async def _streamed(http: web.Request, request: ChatRequest, told: Answer) -> web.StreamResponse:
    response = await open_stream(http)
    await _write(response, rounds(request, told), told.pace)
    await response.write_eof()
    return response


async def _write(response: web.StreamResponse, events: Iterable[list[bytes]], pace: float) -> None:
    loop = asyncio.get_running_loop()
    started, written = loop.time(), 0
    for place, together in enumerate(events):
        if pace:
            # Against the start, not the round before, so that delays do not add up.
            wait = started + place * pace - loop.time()
            if wait > 0:
                await asyncio.sleep(wait)
        for event in together:
            await response.write(event)
            written += 1
            if written % _BREATH == 0:
                await asyncio.sleep(0)


def _length(told: Answer) -> int:
    return max(choice.tokens for choice in told.choices)
