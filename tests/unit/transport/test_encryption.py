"""TLS for answers that are read slowly, as streamed speech is: over connections of their own."""

import asyncio
import ssl

import pytest

from server.errors import ProviderUnavailable
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest
from tests.unit.transport.servers import Peer, RawServer, serving, soon

KEY = Credential("k", "sk-secret")
ASK = HttpRequest("/speech", b"{}")
LITTLE = 2048
LONG = bytes(range(256)) * 20_000


def there(server: RawServer) -> Endpoint:
    return Endpoint("acme", server.url.replace("http:", "https:"), bearer)


async def answered(transport: Transport, server: RawServer, read_buffer: int = LITTLE) -> bytes:
    async with transport.open(
        there(server), ASK, credential=KEY, deadline=soon(10), read_buffer=read_buffer
    ) as exchange:
        return b"".join([data async for data in exchange.reads()])


async def long(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(LONG)


async def test_answers_arrive_whole_over_connections_of_their_own(authority: tuple[ssl.SSLContext, str]) -> None:
    context, bundle = authority
    async with serving(long, context) as server, Transport(TransportSettings(ca_bundle=bundle)) as transport:
        for _ in range(3):
            assert await answered(transport, server) == LONG
        assert len(server.peers) == 1
        assert await answered(transport, server, 64 * 1024) == LONG
        assert len(server.peers) == 2
        assert await answered(transport, server) == LONG
        assert len(server.peers) == 2


async def test_nobody_is_asked_for_more_than_is_read(authority: tuple[ssl.SSLContext, str]) -> None:
    """What is sent stays in the buffers of both kernels once the reader stops."""
    context, bundle = authority
    sent = 0

    async def endless(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            await peer.send(bytes(16384))
            sent += 16384

    async with (
        serving(endless, context) as server,
        Transport(TransportSettings(ca_bundle=bundle)) as transport,
        transport.open(there(server), ASK, credential=KEY, deadline=soon(10), read_buffer=LITTLE) as exchange,
    ):
        reads = exchange.reads()
        assert len(await anext(reads)) <= 4 * LITTLE
        before = -1
        while before != sent:
            before = sent
            await asyncio.sleep(0.1)
        stopped = sent
        got = 0
        while got < stopped + 2**20:
            piece = await anext(reads)
            assert len(piece) <= 4 * LITTLE
            got += len(piece)
        assert sent > stopped
        await reads.aclose()


async def test_only_the_operators_authority_is_trusted(authority: tuple[ssl.SSLContext, str]) -> None:
    context, _ = authority
    async with serving(long, context) as server, Transport(TransportSettings()) as transport:
        with pytest.raises(ProviderUnavailable, match="certificate is not trusted"):
            await answered(transport, server)


async def test_a_server_without_tls_is_told_so(transport: Transport) -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.answer(status="400 Bad")

    async with serving(plain) as server:
        with pytest.raises(ProviderUnavailable, match="TLS handshake"):
            await answered(transport, server)


async def test_a_server_that_hangs_up_in_the_handshake(transport: Transport) -> None:
    async def hangs_up(peer: Peer) -> None:
        await peer.reader.read(10)

    async with serving(hangs_up) as server:
        with pytest.raises(ProviderUnavailable):
            await answered(transport, server)


@pytest.mark.parametrize("begun", [False, True])
async def test_cancelling_closes_the_socket_at_once(authority: tuple[ssl.SSLContext, str], begun: bool) -> None:
    context, bundle = authority

    async def hang(peer: Peer) -> None:
        await peer.request()
        if begun:
            await peer.send(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(100))
        await peer.gone()

    async with serving(hang, context) as server, Transport(TransportSettings(ca_bundle=bundle)) as transport:
        for number in range(10):
            call = asyncio.ensure_future(answered(transport, server))
            await server.accepted(number + 1)
            await asyncio.sleep(0.02)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.peers[-1].closed.wait(), 0.1)


async def test_cancelling_the_handshake_closes_the_socket_at_once(transport: Transport) -> None:
    async def silent(peer: Peer) -> None:
        await peer.gone()

    async with serving(silent) as server:
        call = asyncio.ensure_future(answered(transport, server))
        await server.accepted(1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(server.peers[0].closed.wait(), 0.1)


async def test_a_cut_answer_is_no_whole_one(authority: tuple[ssl.SSLContext, str]) -> None:
    context, bundle = authority

    async def cut(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + bytes(400))

    async with serving(cut, context) as server, Transport(TransportSettings(ca_bundle=bundle)) as transport:
        with pytest.raises(ProviderUnavailable):
            await answered(transport, server)


async def test_a_missing_host_is_told(transport: Transport) -> None:
    server = RawServer(long)
    server.port = 1
    with pytest.raises(ProviderUnavailable):
        await answered(transport, server)
