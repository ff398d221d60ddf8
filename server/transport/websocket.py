"""One WebSocket to a provider. aiohttp answers pings and closes by itself; text and bytes pass here."""

import asyncio
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp

from server.errors import ProviderBadResponse, ProviderUnavailable
from server.transport import faults
from server.wire.http import HttpResponse

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
PING_SECONDS = 20.0
_CLOSING = 0.5  # how long the other side may take to say goodbye


class WebSocketRefused(Exception):
    """The provider answered the handshake with something else; ``response`` is that, without a body."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__("the handshake was refused")
        self.response = response


class WebSocket:
    """An open WebSocket. Left by an exception, cancellation included, it drops its connection at once."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[bool]", who: str) -> None:
        self._socket = socket
        self._who = who

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            await self.close()
        else:
            self.drop()

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the handshake's answer, looked up without regard to case."""
        return self._socket._response.headers

    async def send(self, message: str | bytes) -> None:
        """Sends one message of text or of bytes; waits while the provider reads slowly. Raises ProviderUnavailable."""
        try:
            if isinstance(message, str):
                await self._socket.send_str(message)
            else:
                await self._socket.send_bytes(message)
        except faults.EXPECTED:
            raise ProviderUnavailable(f"{self._who}: the connection to it broke off") from None

    async def receive(self, within: float | None = None) -> str | bytes | None:
        """The next message, or None once the connection is closed, by whichever side.

        Raises TimeoutError where none comes ``within`` so many seconds; the next call goes on as if it had not.
        """
        try:
            message = await self._socket.receive(within)
        except TimeoutError:
            if within is None:
                return None  # the network's, which counts among the faults below
            raise
        except faults.EXPECTED:
            return None
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data)
        if message.type is aiohttp.WSMsgType.BINARY:
            return bytes(message.data)
        if message.type is aiohttp.WSMsgType.ERROR and isinstance(message.data, aiohttp.WebSocketError):
            raise ProviderBadResponse(f"{self._who}: it sent what is no WebSocket message, or one too long")
        return None

    async def close(self) -> None:
        """Says goodbye, for half a second at most."""
        try:
            async with asyncio.timeout(_CLOSING):
                await self._socket.close()
        except (TimeoutError, *faults.EXPECTED):
            self.drop()

    def drop(self) -> None:
        """Drops the connection without a word."""
        response = self._socket._response
        if response.connection is not None and response.connection.protocol is not None:
            response.connection.protocol.abort()
        response.close()


def refused(error: aiohttp.WSServerHandshakeError) -> WebSocketRefused:
    """The refusal with what aiohttp kept of it: status and headers."""
    return WebSocketRefused(HttpResponse(error.status, error.headers or {}, b""))
