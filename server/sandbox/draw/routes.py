"""The paths of images."""

from aiohttp import web

from server.sandbox.draw.registry import image_model
from server.sandbox.draw.request import DrawRequest, read_edit, read_generation
from server.sandbox.draw.serve import FILES
from server.sandbox.draw.shelf import Shelf
from server.sandbox.refusal import unknown_model


def add_image_routes(app: web.Application) -> None:
    """Generations, edits, and what was asked for by address."""
    shelf = Shelf()

    async def generate(http: web.Request) -> web.StreamResponse:
        return await _answer(http, await read_generation(http), shelf)

    async def edit(http: web.Request) -> web.StreamResponse:
        return await _answer(http, await read_edit(http), shelf)

    app.router.add_post("/v1/images/generations", generate)
    app.router.add_post("/v1/images/edits", edit)
    app.router.add_get(f"{FILES}/{{name}}", shelf.serve)


async def _answer(http: web.Request, request: DrawRequest, shelf: Shelf) -> web.StreamResponse:
    model = image_model(request.model)
    if model is None:
        raise unknown_model(request.model)
    return await model(http, request, shelf)
