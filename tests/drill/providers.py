"""The fakes of every dialect, each twice, and their own account of what they answered."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Self

from aiohttp import web

from tests.conversations.dialects import DIALECTS
from tests.conversations.dialects.base import Dialect, NotTaken, Request
from tests.conversations.neutral import Heard, saying
from tests.drill.faults import DRIP

WORDS = 12
_DROP, _DRIP_PAUSE = 8, 0.05
_PAUSE = 0.004
"""Between two pieces of a stream: a stream that is cut is then not sent to its end all the same."""


def answer_to(number: int) -> str:
    """What the provider says to a call."""
    return " ".join([f"answer to {number}:", *(f"word{place}" for place in range(WORDS))])


def number_in(heard: Heard) -> int:
    """The number of the call in the last thing the user said."""
    words = heard.turns[-1].texts[-1].split()
    return int(words[words.index("call") + 1])


def pairs(kinds: Iterable[str] = ()) -> list[tuple[Dialect, Dialect]]:
    """Two instances of each dialect, NAME-a and NAME-b."""
    wanted = set(kinds)
    chosen = [one for one in DIALECTS if not wanted or one.name in wanted]
    return [(replace(one, instance=f"{one.name}-a"), replace(one, instance=f"{one.name}-b")) for one in chosen]


class Providers:
    """``async with Providers(dialects) as providers`` serves them all on ``providers.port``."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = {dialect.name: dialect for dialect in dialects}
        self._runner: web.AppRunner | None = None
        self.port = 0
        self.completed: Counter[int] = Counter()
        """By call, the answers that went out to their last byte."""
        self.asked: Counter[int] = Counter()
        self.complaints: list[str] = []

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        name, _, rest = request.raw_path.partition("?")[0].removeprefix("/").partition("/")
        headers = {key.lower(): value for key, value in request.headers.items()}
        asked = Request(request.method, f"/{rest}", dict(request.query), headers, await request.read())
        dialect = self._dialects[name]
        if request.method == "GET":
            return web.json_response({"data": []})  # a refused key is checked by the list of models
        if (aside := dialect.aside(asked)) is not None:
            return web.Response(body=aside.body, status=aside.status, headers=dict(aside.headers))
        try:
            heard = dialect.hear(asked)
        except NotTaken as error:
            self.complaints.append(f"{name}: {error}")
            raise web.HTTPBadRequest from None
        number = number_in(heard)
        self.asked[number] += 1
        response = await self._answer(request, dialect, heard, number)
        self.completed[number] += 1
        return response

    async def _answer(self, request: web.Request, dialect: Dialect, heard: Heard, number: int) -> web.StreamResponse:
        script = dialect.tells(saying(answer_to(number)))
        if heard.stream:
            told = dialect.stream(script if dialect.stream_usage else replace(script, usage=None), heard)
            headers, pieces = dict(told.headers), told.pieces
        else:
            reply = dialect.answer(script, heard)
            headers, pieces = {**reply.headers, "Content-Length": str(len(reply.body))}, [reply.body]
            await asyncio.sleep(_PAUSE * WORDS)
        pause = _PAUSE
        if DRIP.decode() in request.headers:
            whole = b"".join(pieces)
            pieces, pause = [whole[at : at + _DROP] for at in range(0, len(whole), _DROP)], _DRIP_PAUSE
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
            await asyncio.sleep(pause)
        await response.write_eof()
        return response
