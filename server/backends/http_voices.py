"""The voices of one provider instance: as it lists them where it does, else as its host documents them."""

import asyncio

import structlog

from server.backends.base import Call
from server.backends.http_exchange import HttpExchanges
from server.backends.pages import Page, pages
from server.errors import HubError, ProviderBadResponse
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.wire.audio.voice import SpokenVoice
from server.wire.codec import VoicesCodec
from server.wire.http import HttpResponse

_FRESH = 300.0
"""Seconds for which a list is told without asking again."""
_AGAIN = 30.0
"""Seconds after a failure before the provider is asked again."""
_LONGEST = 5.0
"""Seconds that a caller waits for a list; then the last one known is told."""
_MAX_VOICES = 2000

_log = structlog.get_logger("voices")


class HttpVoices:
    """A VoiceLister over HTTP: asked for when somebody asks, by one call at a time, and kept for five minutes."""

    def __init__(
        self, endpoint: Endpoint, codec: VoicesCodec, transport: Transport, documented: tuple[SpokenVoice, ...]
    ) -> None:
        self._endpoint = endpoint
        self._codec = codec
        self._http = HttpExchanges(endpoint, transport, codec.decode_error)
        self._known = documented
        self._until = 0.0
        self._asking: asyncio.Lock | None = None

    async def voices(self, call: Call) -> tuple[SpokenVoice, ...]:
        """See VoiceLister.voices."""
        now = asyncio.get_running_loop().time
        if now() < self._until:
            return self._known
        self._asking = self._asking or asyncio.Lock()
        async with self._asking:
            if now() >= self._until:
                await self._ask(call)
        return self._known

    async def _ask(self, call: Call) -> None:
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(min(call.deadline, now() + _LONGEST)):
                self._known = await self._all(call)
            self._until = now() + _FRESH
        except (HubError, TimeoutError) as error:
            self._until = now() + _AGAIN
            why = error.reason if isinstance(error, HubError) else "TIMEOUT"
            _log.warning("list of voices", provider=self._endpoint.name, failure=why)

    async def _all(self, call: Call) -> tuple[SpokenVoice, ...]:
        found: dict[str, SpokenVoice] = {}
        async for voices in pages(self._http, call, self._codec.first(), self._page, "voices"):
            found.update((voice.id, voice) for voice in voices)
            if len(found) > _MAX_VOICES:
                raise ProviderBadResponse(f"the provider lists more than {_MAX_VOICES} voices")
        return tuple(found.values())

    def _page(self, response: HttpResponse) -> Page[SpokenVoice]:
        page = self._codec.decode(response)
        return Page(page.voices, page.next)
