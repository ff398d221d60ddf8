"""The failure models again, for images: the names are those of chat."""

import asyncio

from aiohttp import web

from server.sandbox.chat import faults
from server.sandbox.draw.picture import read_inputs
from server.sandbox.draw.request import DrawRequest
from server.sandbox.draw.serve import Draw, draw, events, whole
from server.sandbox.draw.shelf import Shelf
from server.sandbox.exchange import Serve, open_stream
from server.sandbox.request import ChatRequest


def _as_in_chat(serve: Serve) -> Draw:
    """A fault that looks at nothing but whether the answer is to be streamed."""

    async def answer(http: web.Request, request: DrawRequest, shelf: Shelf) -> web.StreamResponse:
        return await serve(http, ChatRequest(request.model, (), "", stream=request.stream))

    return answer


def fail(status: str) -> Draw | None:
    """fail-<status>: that error; None where the status is none."""
    serve = faults.fail(status)
    return _as_in_chat(serve) if serve else None


def slow(milliseconds: str) -> Draw | None:
    """slow-<ms>: nothing for so long, then a picture; None where that is no number."""
    wait = faults.seconds_of(milliseconds)
    if wait is None:
        return None

    async def answer(http: web.Request, request: DrawRequest, shelf: Shelf) -> web.StreamResponse:
        await asyncio.sleep(wait)
        return await draw(http, request, shelf)

    return answer


hang = _as_in_chat(faults.hang)
garbage = _as_in_chat(faults.garbage)


async def cut(http: web.Request, request: DrawRequest, shelf: Shelf) -> web.StreamResponse:
    """cut: half of the answer, then the connection is gone; of a stream the previews, where any were asked for."""
    if request.stream:
        response = await open_stream(http)
        async for event in events(http, request, read_inputs(request), shelf):
            if b".completed" in event[:64]:
                await response.write(event[: len(event) // 2])
                break
            await response.write(event)
    else:
        body = await whole(http, request, shelf)
        response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(body))})
        await response.prepare(http)
        await response.write(body[: len(body) // 2])
    if http.transport is not None:
        http.transport.close()
    return response
