"""One session of a realtime WebSocket, from its set-up to its end."""

import asyncio
from collections.abc import Callable

from server.backends.base import Call
from server.errors import HubError, ProviderTimeout, ProviderUnavailable
from server.transport.client import Transport
from server.transport.endpoint import Endpoint
from server.transport.websocket import WebSocket, WebSocketRefused
from server.wire.http import HttpRequest, HttpResponse
from server.wire.openai_audio.realtime import Event, Kind, RealtimeCodec

_SETUP = 15.0
"""Seconds from the handshake until the provider must be listening."""
_PIECE = 64 * 1024
"""Bytes of samples in one event, before base64; the provider takes 15 MiB."""


class Session:
    """An open session that is listening."""

    def __init__(self, socket: WebSocket, codec: RealtimeCodec) -> None:
        self._socket = socket
        self._codec = codec
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self.id = ""
        self.begins_at = 0.0
        """Where its first sample is, in seconds from the start of all audio."""

    @classmethod
    async def open(
        cls,
        endpoint: Endpoint,
        codec: RealtimeCodec,
        transport: Transport,
        decode_error: Callable[[HttpResponse], HubError],
        call: Call,
        begin: str,
    ) -> "Session":
        """Connects, sends the set-up, and waits until the provider has taken it. Raises HubError."""
        try:
            socket = await transport.connect_websocket(
                endpoint, HttpRequest(codec.path, method="GET"), credential=call.credential, deadline=call.deadline
            )
        except WebSocketRefused as error:
            raise decode_error(error.response) from None
        session = cls(socket, codec)
        began = session._loop.time()
        try:
            async with asyncio.timeout_at(min(call.deadline, began + _SETUP)):
                await socket.send(begin)
                await session._set_up()
        except TimeoutError:
            socket.drop()
            raise ProviderTimeout(f"{endpoint.name}: its live session was not ready in time") from None
        except BaseException:
            socket.drop()
            raise
        finally:
            call.phases.add("upstream_ttfb", session._loop.time() - began)
        return session

    @property
    def age(self) -> float:
        """Seconds since it was opened."""
        return self._loop.time() - self._began

    async def append(self, samples: bytes) -> None:
        """Sends samples. Where the connection is gone nothing is said: ``receive`` tells."""
        for place in range(0, len(samples), _PIECE):
            await self._send(self._codec.append(samples[place : place + _PIECE]))

    async def commit(self) -> None:
        """Ends the utterance."""
        await self._send(self._codec.commit())

    async def receive(self) -> Event | None:
        """The next event, or None once the session is over."""
        text = await self._socket.receive()
        return None if text is None else self._codec.read(text)

    async def close(self) -> None:
        """Ends it in good order."""
        await self._socket.close()

    def drop(self) -> None:
        """Ends it at once."""
        self._socket.drop()

    async def _send(self, text: str) -> None:
        try:
            await self._socket.send(text)
        except ProviderUnavailable:
            return

    async def _set_up(self) -> None:
        while (event := await self.receive()) is not None:
            if event.kind is Kind.CREATED:
                self.id = event.item
            elif event.kind is Kind.READY:
                self.id = self.id or event.item
                return
            elif event.error is not None:
                raise event.error
        raise ProviderUnavailable("the provider closed the live session before it began")
