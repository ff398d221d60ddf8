"""The HTTP surface: paths, and errors in OpenAI's shape whatever went wrong."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from aiohttp import web

from server.sandbox.audio.models import AUDIO
from server.sandbox.audio.routes import add_audio
from server.sandbox.catalog import MODELS
from server.sandbox.completion import CREATED
from server.sandbox.draw.registry import image_model
from server.sandbox.draw.routes import add_image_routes
from server.sandbox.embedding.models import embedding_model
from server.sandbox.embedding.request import read_embedding_request
from server.sandbox.refusal import Refusal, unknown_model
from server.sandbox.registry import chat_model
from server.sandbox.request import read_request

_MAX_BODY_BYTES = 64 * 1024 * 1024  # a few large images as data URLs


def application() -> web.Application:
    """The sandbox as an aiohttp application, its paths below /v1."""
    app = web.Application(client_max_size=_MAX_BODY_BYTES, middlewares=[_openai_errors])
    app.router.add_post("/v1/chat/completions", _chat)
    app.router.add_post("/v1/embeddings", _embeddings)
    add_image_routes(app)
    add_audio(app)
    app.router.add_get("/v1/models", _models)
    app.router.add_get("/v1/models/{name}", _model)
    return app


async def _chat(http: web.Request) -> web.StreamResponse:
    request = read_request(await http.read())
    serve = chat_model(request.model)
    if serve is None:
        raise unknown_model(request.model)
    return await serve(http, request)


async def _embeddings(http: web.Request) -> web.StreamResponse:
    request = read_embedding_request(await http.read())
    serve = embedding_model(request.model)
    if serve is None:
        raise unknown_model(request.model)
    return await serve(http, request)


async def _models(http: web.Request) -> web.StreamResponse:
    """Every id it lists can be called."""
    return _json({"object": "list", "data": [_card(model.example) for model in MODELS]})


async def _model(http: web.Request) -> web.StreamResponse:
    name = http.match_info["name"]
    known = (chat_model(name), embedding_model(name), image_model(name))
    if all(model is None for model in known) and name not in AUDIO:
        raise unknown_model(name)
    return _json(_card(name))


def _card(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}


def _json(value: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


@web.middleware
async def _openai_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return _error(refusal)
    except ConnectionResetError:  # the client left while it was written to, before this request was cancelled
        return web.Response()
    except (RecursionError, TypeError, ValueError):
        # A schema nested deeper than Python walks, or than its JSON writer does.
        return _error(Refusal("The request is nested too deeply or holds values that JSON cannot."))
    except web.HTTPException as wrong:  # aiohttp's own: an unknown path, a method, a body too large
        path = f"{request.method} {request.path[:200]}"
        messages = {
            404: f"Unknown path: {path}.",
            405: f"Not allowed: {path}.",
            413: f"The body is over {_MAX_BODY_BYTES} bytes.",
        }
        allowed = {"Allow": wrong.headers["Allow"]} if "Allow" in wrong.headers else None
        return _error(Refusal(messages.get(wrong.status, wrong.reason), status=wrong.status, headers=allowed))


def _error(refusal: Refusal) -> web.Response:
    return web.Response(
        status=refusal.status, body=refusal.body(), content_type="application/json", headers=refusal.headers
    )
