"""Answering image requests: whole, or as events with previews.

https://platform.openai.com/docs/api-reference/images and /images-streaming
"""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from server.sandbox.completion import CREATED
from server.sandbox.draw.picture import Inputs, paint, read_inputs, size_of, usage, written
from server.sandbox.draw.request import DrawRequest
from server.sandbox.draw.shelf import Shelf
from server.sandbox.exchange import open_stream

Draw = Callable[[web.Request, DrawRequest, Shelf], Awaitable[web.StreamResponse]]
"""Answers one image request. It ends by cancellation when the client leaves."""

FILES = "/v1/images/files"


async def draw(http: web.Request, request: DrawRequest, shelf: Shelf) -> web.StreamResponse:
    """draw: a picture made from the prompt."""
    if not request.stream:
        return web.Response(body=await whole(http, request, shelf), content_type="application/json")
    inputs = await asyncio.to_thread(read_inputs, request)
    response = await open_stream(http)
    async for event in events(http, request, inputs, shelf):
        await response.write(event)
    await response.write_eof()
    return response


async def whole(http: web.Request, request: DrawRequest, shelf: Shelf) -> bytes:
    """The answer in one object."""
    inputs = await asyncio.to_thread(read_inputs, request)
    data = []
    for index in range(request.n):
        canvas = await asyncio.to_thread(paint, request, inputs, index)
        picture = await asyncio.to_thread(written, request, canvas)
        data.append(_carried(http, request, picture, shelf) | {"revised_prompt": _revised(request)})
    return orjson.dumps(_about(request, inputs) | {"data": data, "usage": usage(request, inputs, request.n)})


async def events(http: web.Request, request: DrawRequest, inputs: Inputs, shelf: Shelf) -> AsyncIterator[bytes]:
    """Previews and the picture itself, one picture after the other."""
    kind = "image_edit" if request.sources else "image_generation"
    about = _about(request, inputs) | {"created_at": CREATED}
    for index in range(request.n):
        canvas = await asyncio.to_thread(paint, request, inputs, index)
        for step in range(request.partial_images):
            share = (step + 1) / (request.partial_images + 1)
            preview = await asyncio.to_thread(written, request, canvas, share)
            yield _event(f"{kind}.partial_image", about | _base64(preview) | {"partial_image_index": step})
        picture = await asyncio.to_thread(written, request, canvas)
        carried = _carried(http, request, picture, shelf)
        yield _event(f"{kind}.completed", about | carried | {"usage": usage(request, inputs, 1)})


def _carried(http: web.Request, request: DrawRequest, picture: bytes, shelf: Shelf) -> dict[str, Any]:
    if not request.by_url:
        return _base64(picture)
    return {"url": f"{http.scheme}://{http.host}{FILES}/{shelf.put(picture, request.format)}"}


def _base64(picture: bytes) -> dict[str, Any]:
    return {"b64_json": b64encode(picture).decode()}


def _about(request: DrawRequest, inputs: Inputs) -> dict[str, Any]:
    width, height = size_of(request, inputs)
    return {
        "created": CREATED,
        "size": f"{width}x{height}",
        "quality": request.quality,
        "background": "transparent" if request.background == "transparent" else "opaque",
        "output_format": request.format,
    }


def _revised(request: DrawRequest) -> str:
    return f"A pattern of squares for: {request.prompt}"


def _event(kind: str, value: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), orjson.dumps({"type": kind} | value))
