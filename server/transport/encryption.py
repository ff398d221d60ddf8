"""TLS for answers that are read slowly: it holds no more of them than their reader asks for."""

import asyncio
import ssl
from asyncio import sslproto
from typing import Any

import aiohttp
from aiohttp.client_exceptions import cert_errors, ssl_errors
from aiohttp.client_reqrep import ConnectionKey
from typing_extensions import override

_SSLProtocol: Any = sslproto.SSLProtocol  # whose type has no word of what is overridden here


class Encryption(_SSLProtocol):  # type: ignore[misc]
    """asyncio's own TLS over a plain connection of any loop.

    uvloop's reads 256 KiB at once into a buffer of each connection and keeps up to twice as much of what nobody reads:
    a stalled reader of speech held 760 KiB. Here what comes goes through the buffer that ``reader`` offers, and the
    socket is not read while ``reader`` is paused. It takes some 50 µs more of a short exchange, so others go without.
    """

    max_size = 0  # of a buffer of its own, which it has no use for

    def __init__(self, reader: asyncio.BufferedProtocol, context: ssl.SSLContext, hostname: str | None) -> None:
        loop = asyncio.get_running_loop()
        self._reader = reader
        self._shaken: asyncio.Future[None] = loop.create_future()
        super().__init__(loop, reader, context, self._shaken, server_hostname=hostname)
        self._outside: asyncio.Transport = self._get_app_transport()

    async def ready(self, key: ConnectionKey) -> asyncio.Transport:
        """What is written to it is sent encrypted. Raises what aiohttp does where the handshake with ``key`` fails."""
        try:
            await self._shaken
        except cert_errors as error:
            raise aiohttp.ClientConnectorCertificateError(key, error) from error
        except ssl_errors as error:
            raise aiohttp.ClientConnectorSSLError(key, error) from error
        except OSError as error:
            raise aiohttp.ClientConnectorError(key, error) from error
        return self._outside

    def abort(self) -> None:
        """Closes the connection, made or not, at once."""
        self._outside.abort()

    @override
    def get_buffer(self, n: int) -> memoryview:
        self._ssl_buffer_view = memoryview(self._reader.get_buffer(n))
        return self._ssl_buffer_view

    @override
    def _pause_reading(self) -> None:
        super()._pause_reading()
        if self._transport is not None:
            self._transport.pause_reading()

    @override
    def _resume_reading(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()
        super()._resume_reading()
