"""A body read piece by piece is the body that was sent, however it was cut, and waits no longer than it may."""

import asyncio

import pytest

from server.transport.body import _MOST_PIECES, Body
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest
from tests.unit.transport.servers import Peer, serving, soon

KEY = Credential("k", "sk-secret")
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunks(body: bytes, size: int) -> bytes:
    """The body in chunks of that size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)


@pytest.mark.parametrize("size", [1, 3, 1000, 70_000])
@pytest.mark.parametrize("pause", [0.0, 0.02], ids=["read at once", "read later"])
async def test_what_is_read_is_what_was_sent(size: int, pause: float) -> None:
    body = bytes(range(256)) * (40 if size == 1 else 2000)

    async def converse(peer: Peer) -> None:
        while True:
            await peer.request()
            sent = HEAD + chunks(body, size) + END
            for at in range(0, len(sent), 50_001):
                await peer.send(sent[at : at + 50_001])

    async with serving(converse) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        for _ in range(2):
            asked = transport.open(there, HttpRequest("/x", b"{}"), credential=KEY, deadline=soon(10))
            async with asked as exchange:
                await asyncio.sleep(pause)
                assert b"".join([data async for data in exchange.reads()]) == body
        assert len(server.peers) == 1


async def test_chunks_of_one_byte_are_not_taken_without_end() -> None:
    body = b"x" * (3 * _MOST_PIECES)

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"1\r\nx\r\n")
        await asyncio.sleep(0.05)
        await peer.send(chunks(body, 1) + END)

    async with serving(converse) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        asked = transport.open(there, HttpRequest("/x", b"{}"), credential=KEY, deadline=soon(10))
        async with asked as exchange:
            assert await exchange.read() == b"x"
            await asyncio.sleep(0.3)
            content = exchange._conversation._content
            assert isinstance(content, Body)
            assert len(content._buffer) == _MOST_PIECES + 1
            assert b"".join([data async for data in exchange.reads()]) == body
