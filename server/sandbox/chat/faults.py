"""The models that misbehave: fail-<status>, slow-<ms>, hang, cut, garbage."""

import asyncio

from aiohttp import web

from server.sandbox.answer import Draft
from server.sandbox.chat.echo import echo
from server.sandbox.exchange import Serve, breaks_off, open_stream, says
from server.sandbox.refusal import Refusal
from server.sandbox.request import ChatRequest

_RETRY_AFTER = "2"  # seconds
_LONGEST_WAIT = 86_400_000  # milliseconds, a day
_ALOUD = "This answer will break off in the middle. " * 4

# What OpenAI sends with each: https://platform.openai.com/docs/guides/error-codes
_ERRORS = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("invalid_request_error", "unsupported_country_region_territory"),
    404: ("invalid_request_error", "model_not_found"),
    429: ("requests", "rate_limit_exceeded"),
}

# Bytes that no JSON and no UTF-8 reader accepts.
GARBAGE = b'{"id": \x00\xff\xfe<html>?? [[[ "choices": '


def fail(status: str) -> Serve | None:
    """fail-<status>: that error, unary and stream alike. None where the status is none of 400 to 599."""
    code = status_of(status)
    if code is None:
        return None

    async def serve(http: web.Request, request: ChatRequest) -> web.StreamResponse:
        raise failure(code)

    return serve


def status_of(text: str) -> int | None:
    """The HTTP status after fail-; None where it is none of 400 to 599."""
    valid = text.isdecimal() and text.isascii() and len(text) == 3 and 400 <= int(text) <= 599
    return int(text) if valid else None


def failure(code: int) -> Refusal:
    """The error of that status."""
    kind, word = _ERRORS.get(code, ("server_error" if code >= 500 else "invalid_request_error", None))
    return Refusal(
        f"The sandbox fails with {code}, as asked.",
        status=code,
        kind=kind,
        code=word,
        headers={"Retry-After": _RETRY_AFTER} if code == 429 else None,
    )


def slow(milliseconds: str) -> Serve | None:
    """slow-<ms>: nothing for so long, not even headers, then an echo. None where that is no number, or over a day."""
    seconds = seconds_of(milliseconds)
    if seconds is None:
        return None
    echoes = says(echo)

    async def serve(http: web.Request, request: ChatRequest) -> web.StreamResponse:
        await asyncio.sleep(seconds)
        return await echoes(http, request)

    return serve


def seconds_of(milliseconds: str) -> float | None:
    """The wait after slow-; None where that is no number, or over a day."""
    if not (milliseconds.isdecimal() and milliseconds.isascii() and len(milliseconds) <= 8):
        return None
    return int(milliseconds) / 1000 if int(milliseconds) <= _LONGEST_WAIT else None


async def hang(http: web.Request, request: ChatRequest) -> web.StreamResponse:
    """hang: never a byte. Ends by cancellation alone."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future nobody sets has no result")


def _long(request: ChatRequest, index: int) -> Draft:
    return Draft(_ALOUD.strip())


cut: Serve = breaks_off(_long)


async def garbage(http: web.Request, request: ChatRequest) -> web.StreamResponse:
    """garbage: 200, and nothing that can be read."""
    if not request.stream:
        return web.Response(body=GARBAGE, content_type="application/json")
    response = await open_stream(http)
    await response.write(b"data: " + GARBAGE + b"\n\n")
    await response.write_eof()
    return response
