"""Asking over aiohttp's connections and C parser without its ClientSession.

A session makes a request object, a response object, a task for the body, cookies and two timers for each request. This
way writes head and body in one piece and waits for the answer under a timer that its connection keeps. It takes the
plain requests, which are nearly all; the session takes the others: see ``plain`` below.

It rests on what aiohttp does not promise. So it is bound to the release it was written against, and with any other the
session takes everything.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import cast

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.http import HttpResponseParser
from aiohttp.http_writer import _serialize_headers
from aiohttp.streams import StreamReader
from multidict import CIMultiDict
from yarl import URL

from server.transport import faults
from server.transport.body import body_of
from server.transport.connections import EARLY, EXACT, Connection, Connector, SessionSettings
from server.transport.conversation import Waits

WRITTEN_FOR = "3.14.5"
"""The release of aiohttp whose inner workings are known here."""

_WRITTEN_WHOLE = 64 * 1024
_SPARING = 16 * 1024
"""Whoever reads no more at once is to hold little; a record of TLS is as long."""
_MOST_TARGETS = 1024
_METHODS = frozenset(("GET", "DELETE", "POST", "PUT", "PATCH"))
_WITH_BODY = frozenset(("POST", "PUT", "PATCH"))
_OUR_OWN = ("Content-Length", "Transfer-Encoding", "Expect", "Connection", "Host")
_NO_TRACES: list[aiohttp.tracing.Trace] = []


def known_release() -> bool:
    """Whether the installed aiohttp is the one this way was written for."""
    return aiohttp.__version__ == WRITTEN_FOR


class Target:
    """One host as the connector knows it: as much of aiohttp's ClientRequest as opening a connection takes."""

    __slots__ = ("_twin", "connection_key", "host", "port", "server_hostname", "sparing", "ssl", "url")

    proxy = None

    def __init__(self, origin: str, *, sparing: bool = False) -> None:
        """``origin`` is scheme, host and port. Raises ValueError where that is no URL of a host.

        ``sparing`` has connections of its own, whose TLS is an Encryption.
        """
        self.url = URL(origin, encoded=True)
        host = self.url.host_port_subcomponent
        if self.url.scheme not in ("http", "https") or not host or self.url.raw_user or self.url.raw_password:
            raise ValueError("no origin")
        self.host = host
        self.port = self.url.port
        self.ssl = True
        self.server_hostname = None
        self.sparing = sparing
        self._twin: Target | None = None
        # The hash of a proxy's headers, of which there are none, keeps the connections apart in the pool.
        self.connection_key = ConnectionKey(
            self.url.raw_host or "", self.port, self.is_ssl(), self.ssl, None, None, 1 if sparing else None, None
        )

    def twin(self) -> "Target":
        """The same host, to be read sparingly; itself where no TLS is spoken."""
        if self._twin is None:
            self._twin = Target(str(self.url), sparing=True) if self.is_ssl() else self
        return self._twin

    def is_ssl(self) -> bool:
        """Whether TLS is spoken there."""
        return self.url.scheme == "https"


Written = tuple[Target, bytes]
"""Whom to ask, and a whole request."""


class DirectAnswer:
    """The head of an answer and its body; frees its connection when the body's end has come."""

    __slots__ = ("_connection", "_key", "_pool", "content", "headers", "status")

    def __init__(
        self,
        pool: Connector,
        key: ConnectionKey,
        connection: Connection,
        head: aiohttp.http.RawResponseMessage,
        content: StreamReader,
    ) -> None:
        self.status: int = head.code
        self.headers: Mapping[str, str] = head.headers
        self.content = body_of(content)
        self._pool = pool
        self._key = key
        self._connection: Connection | None = connection
        if content.is_eof():
            self._ended()
        else:
            content.on_eof(self._ended)

    @property
    def occupied(self) -> bool:
        """See Answer.occupied."""
        return self._connection is not None

    def _ended(self) -> None:
        connection = self._connection
        if connection is None or connection.upgraded:
            return
        if connection.transport is not None and connection.transport.get_write_buffer_size():
            return  # answered before all of the request was out: whoever leaves the exchange drops the connection
        self._connection = None
        self._pool.give_back(self._key, connection)

    def drop(self) -> None:
        """See Answer.drop."""
        if (connection := self._connection) is not None:
            self._connection = None
            self._pool.drop(self._key, connection)


class _HeadWatch:
    """Ends the wait for a head when nothing has come for as long as the first byte may take, or the deadline is there.

    It looks once for all of that: whether something was read since it was set.
    """

    __slots__ = ("_connection", "_given", "_loop", "_reads", "_waits")

    def __init__(self, loop: asyncio.AbstractEventLoop, connection: Connection, waits: Waits, given: float) -> None:
        self._loop = loop
        self._connection = connection
        self._waits = waits
        self._given = given
        self._reads = connection.reads
        connection.watch(min(loop.time() + waits.timeouts.first_byte, waits.deadline), self._look)

    def _look(self) -> None:
        waits, connection = self._waits, self._connection
        if self._loop.time() >= waits.deadline - EARLY:
            connection.set_exception(faults.out_of_time(waits.who, self._given))
        elif connection.reads == self._reads:
            connection.set_exception(faults.slow_to_answer(waits.who, waits.timeouts.first_byte))
        else:
            _HeadWatch(self._loop, connection, waits, self._given)


class DirectPath:
    """Requests written to the connections of one pool, and the heads of their answers."""

    def __init__(self, connector: Connector, settings: SessionSettings) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = connector
        self._targets: dict[str, Target] = {}
        self._parser = partial(
            HttpResponseParser,
            max_line_size=settings.max_header_bytes,
            max_field_size=settings.max_header_bytes,
            max_headers=settings.max_headers,
            payload_exception=aiohttp.ClientPayloadError,
            read_until_eof=True,
            auto_decompress=False,
        )

    def takes(self, body: object) -> bool:
        """Whether it is one short body."""
        return type(body) is bytes and len(body) <= _WRITTEN_WHOLE

    def plain(self, method: str, url: str, headers: Mapping[str, str], body: object) -> Written | None:
        """Whom to ask and the whole request, where this way takes it: one short body and an ordinary URL.

        Raises ValueError for a line break or NUL in a header.
        """
        if type(body) is not bytes or not self.takes(body):
            return None
        asked = self.head(method, url, headers, str(len(body)) if body else "")
        return None if asked is None else (asked[0], asked[1] + body)

    def head(self, method: str, url: str, headers: Mapping[str, str], length: str) -> tuple[Target, bytes] | None:
        """Whom to ask and the head of the request, where this way takes it. ``length`` is empty without a body.

        Raises ValueError for a line break or NUL in a header.
        """
        if method not in _METHODS or any(name in headers for name in _OUR_OWN):
            return None
        slash = url.find("/", url.find("://") + 3)
        if slash < 0 or "#" in url:
            return None
        target = self._targets.get(url[:slash]) or self._new_target(url[:slash])
        return None if target is None else (target, _head(method, target.host, url[slash:], headers, length))

    def _new_target(self, origin: str) -> Target | None:
        try:
            target = Target(origin)
        except ValueError:
            return None  # the session says what is wrong with it
        if len(self._targets) >= _MOST_TARGETS:
            self._targets.clear()
        self._targets[origin] = target
        return target

    async def begin(self, asked: Written, waits: Waits, given: float, read_buffer: int) -> DirectAnswer:
        """Sends the request and waits for the head of the answer. Raises HubError, or one of faults.EXPECTED."""
        target, request = asked
        if read_buffer <= _SPARING:
            target = target.twin()
        key = target.connection_key
        connection = self._connector.take(key)
        if connection is None:  # an empty queue of answers, which a connection is to aiohttp, counts as false
            connection = await self._connected(target, waits, given)
        try:
            if (transport := connection.transport) is None:
                raise aiohttp.ServerDisconnectedError
            # This is what aiohttp's set_response_params does, for an answer that is read as ours are.
            connection.expect(self._parser(connection, self._loop, read_buffer), read_buffer)
            transport.write(request)
            _HeadWatch(self._loop, connection, waits, given)
            head, content = await connection.read()
            while head.code < 200 and head.code != 101:
                head, content = await connection.read()
        except BaseException:
            self._connector.drop(key, connection)
            raise
        finally:
            connection.unwatch()
        return DirectAnswer(self._connector, key, connection, head, content)

    async def _connected(self, target: Target, waits: Waits, given: float) -> Connection:
        timeout = aiohttp.ClientTimeout(total=None, connect=waits.timeouts.connect, ceil_threshold=EXACT)
        try:
            async with asyncio.timeout_at(waits.deadline) as scope:
                lent = await self._connector.connect(target, _NO_TRACES, timeout)  # type: ignore[arg-type]
        except TimeoutError:
            if scope.expired():
                raise faults.out_of_time(waits.who, given) from None
            raise faults.slow_to_connect(waits.who, waits.timeouts.connect) from None
        connection = cast(Connection, lent._protocol)
        lent._protocol = None  # it would give the connection back by itself
        return connection


def _head(method: str, host: str, path: str, headers: Mapping[str, str], length: str) -> bytes:
    """Byte for byte what the session would send."""
    sent = CIMultiDict({"Host": host})
    sent.extend(headers)
    if length or method not in ("GET", "HEAD"):
        sent["Content-Length"] = length or "0"
    if (length or method in _WITH_BODY) and "Content-Type" not in sent:
        sent["Content-Type"] = "application/octet-stream"
    return bytes(_serialize_headers(f"{method} {path} HTTP/1.1", sent))
