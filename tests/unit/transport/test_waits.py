"""Every wait ends: by its own limit, by the call's deadline, by cancellation."""

import asyncio
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from server.errors import ProviderTimeout
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint, Timeouts
from server.wire.http import HttpRequest
from tests.timing import best_of_three
from tests.unit.transport.servers import Peer, serving, soon

pytestmark = pytest.mark.usefixtures("way")

KEY = Credential("k", "sk-secret")
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ASK = HttpRequest("/chat", b"{}")


def endpoint(url: str, *, connect: float = 5, first_byte: float = 5, idle: float = 5) -> Endpoint:
    return Endpoint("acme", url, bearer, timeouts=Timeouts(connect, first_byte, idle))


@asynccontextmanager
async def taking(seconds: float, slack: float = 0.5) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    yield
    assert seconds - 0.01 <= loop.time() - began <= seconds + slack


async def hang(peer: Peer) -> None:
    await peer.request()
    await peer.gone()


async def begin_and_hang(peer: Peer) -> None:
    await peer.request()
    await peer.send(HEAD + b"1\r\na\r\n")
    await peer.gone()


async def test_connect(transport: Transport) -> None:
    """A listener whose queue is full answers no SYN; 127.0.0.1 with backlog 0 fills at once."""
    import socket

    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        crowd = [socket.socket() for _ in range(4)]
        for one in crowd:
            one.setblocking(False)
            one.connect_ex(address)
        try:
            async with taking(0.2):
                with pytest.raises(ProviderTimeout, match=r"acme: no connection within 0\.2 s"):
                    await transport.send(
                        endpoint(f"http://127.0.0.1:{address[1]}", connect=0.2), ASK, credential=KEY, deadline=soon(5)
                    )
        finally:
            for one in crowd:
                one.close()


async def test_connect_counts_the_tls_handshake(transport: Transport) -> None:
    async def mute(peer: Peer) -> None:
        await peer.gone()

    async with serving(mute) as server, taking(0.2):
        with pytest.raises(ProviderTimeout, match=r"no connection within 0\.2 s"):
            await transport.send(
                endpoint(server.url.replace("http:", "https:"), connect=0.2), ASK, credential=KEY, deadline=soon(5)
            )


async def test_first_byte(transport: Transport) -> None:
    async with serving(hang) as server, taking(0.2):
        with pytest.raises(ProviderTimeout, match=r"acme: no answer within 0\.2 s of the request"):
            await transport.send(endpoint(server.url, first_byte=0.2), ASK, credential=KEY, deadline=soon(5))


@pytest.mark.parametrize(("first", "second"), [(5, 0.2), (0.2, 0.4), (0.3, 0.3)])
async def test_first_byte_of_a_later_request_on_the_same_connection(
    transport: Transport, first: float, second: float
) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer()
        await hang(peer)

    async with serving(converse) as server:
        await transport.send(endpoint(server.url, first_byte=first), ASK, credential=KEY, deadline=soon(5))
        async with taking(second, slack=0.2):
            with pytest.raises(ProviderTimeout, match=f"acme: no answer within {second} s of the request"):
                await transport.send(endpoint(server.url, first_byte=second), ASK, credential=KEY, deadline=soon(5))
        assert len(server.peers) == 1


async def test_idle(transport: Transport) -> None:
    async with serving(begin_and_hang) as server, taking(0.2):
        with pytest.raises(ProviderTimeout, match=r"acme: it fell silent for 0\.2 s"):
            await transport.send(endpoint(server.url, idle=0.2), ASK, credential=KEY, deadline=soon(5))


async def test_idle_is_longer_than_first_byte_where_it_is_set_so(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        await asyncio.sleep(0.4)
        await peer.send(b"1\r\na\r\n0\r\n\r\n")

    async with serving(converse) as server:
        there = endpoint(server.url, first_byte=0.15, idle=2)
        assert (await transport.send(there, ASK, credential=KEY, deadline=soon(5))).body == b"a"


async def test_idle_counts_from_the_last_read_not_the_first(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        for _ in range(8):
            await asyncio.sleep(0.1)
            await peer.send(b"1\r\na\r\n")
        await peer.gone()

    async with serving(converse) as server, taking(1.05):
        with pytest.raises(ProviderTimeout, match="fell silent"):
            await transport.send(endpoint(server.url, idle=0.25), ASK, credential=KEY, deadline=soon(5))


async def test_our_own_pause_is_not_the_providers_silence(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + b"1\r\na\r\n")
        await asyncio.sleep(0.5)
        await peer.send(b"1\r\nb\r\n0\r\n\r\n")

    async with serving(converse) as server:
        there = endpoint(server.url, idle=0.2)
        async with transport.open(there, ASK, credential=KEY, deadline=soon(5)) as exchange:
            assert await exchange.read() == b"a"
            await asyncio.sleep(0.45)  # a caller that reads slowly
            assert await exchange.read() == b"b"
            assert await exchange.read() == b""


@pytest.mark.parametrize("converse", [hang, begin_and_hang], ids=["head", "body"])
async def test_the_deadline_ends_every_wait(transport: Transport, converse: Callable[[Peer], Awaitable[None]]) -> None:
    async with serving(converse) as server, taking(0.3, slack=0.25):
        with pytest.raises(ProviderTimeout, match=r"not done within the 0\.(3|29\d*) s that were left"):
            await transport.send(endpoint(server.url), ASK, credential=KEY, deadline=soon(0.3))


async def test_the_deadline_ends_a_drip_that_no_idle_wait_notices(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        for byte in HEAD + b"ffff\r\n" + b"a" * 999:
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async with serving(converse) as server, taking(0.5, slack=0.25):
        with pytest.raises(ProviderTimeout, match="not done within"):
            await transport.send(
                endpoint(server.url, first_byte=0.2, idle=0.2), ASK, credential=KEY, deadline=soon(0.5)
            )


@best_of_three
async def test_the_deadline_ends_a_flood(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD)
        while True:
            await peer.send(b"10000\r\n" + b"a" * 65536 + b"\r\n")

    async with serving(converse) as server, taking(0.3, slack=0.25):
        with pytest.raises(ProviderTimeout, match="not done within"):
            await _stream(transport, server.url, seconds=0.3)


@best_of_three
async def test_the_deadline_ends_an_upload_that_nobody_takes(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(5)

    async with serving(converse) as server, taking(0.3, slack=0.1):
        with pytest.raises(ProviderTimeout, match="not done within"):
            await transport.send(
                endpoint(server.url), HttpRequest("/up", b"x" * 30_000_000), credential=KEY, deadline=soon(0.3)
            )


async def test_a_deadline_that_has_passed_sends_nothing(transport: Transport) -> None:
    async with serving(hang) as server:
        with pytest.raises(ProviderTimeout, match="not asked"):
            await transport.send(endpoint(server.url), ASK, credential=KEY, deadline=soon(-1))
        assert server.peers == []


async def test_an_upload_refused_early_gives_its_answer_and_frees_the_connection(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.answer(b"too big", status="413 Too Large")
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(5)

    async with serving(converse) as server:
        response = await transport.send(
            endpoint(server.url), HttpRequest("/up", b"x" * 30_000_000), credential=KEY, deadline=soon(5)
        )
        assert (response.status, response.body) == (413, b"too big")
        await asyncio.sleep(0.05)
        others = [task for task in asyncio.all_tasks() if "write_bytes" in repr(task)]
        assert others == []


async def _unary(transport: Transport, url: str) -> None:
    await transport.send(endpoint(url), ASK, credential=KEY, deadline=soon(30))


async def _stream(transport: Transport, url: str, seconds: float = 30) -> None:
    async with transport.open(endpoint(url), ASK, credential=KEY, deadline=soon(seconds)) as exchange:
        async for _ in exchange.reads():
            pass


@pytest.mark.parametrize("converse", [hang, begin_and_hang], ids=["head", "body"])
@pytest.mark.parametrize("call", [_unary, _stream], ids=["unary", "stream"])
@best_of_three
async def test_cancelling_closes_the_socket_at_once(
    transport: Transport,
    call: Callable[[Transport, str], Awaitable[None]],
    converse: Callable[[Peer], Awaitable[None]],
) -> None:
    """200 cancels; the provider sees each within 50 ms at the 99th percentile."""
    took = []
    loop = asyncio.get_running_loop()
    async with serving(converse) as server:
        for number in range(200):
            task = asyncio.ensure_future(call(transport, server.url))
            await server.accepted(number + 1)
            await asyncio.sleep(0.002)
            task.cancel()
            began = loop.time()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.peers[-1].closed.wait(), 2)
            took.append(server.peers[-1].closed_at - began)
        assert len(server.peers) == 200
    assert statistics.quantiles(took, n=100)[98] < 0.05


async def test_cancelling_an_upload_closes_the_socket_at_once(transport: Transport) -> None:
    """What is unsent is not flushed first."""
    taken = 0
    begun = asyncio.Event()

    async def converse(peer: Peer) -> None:
        nonlocal taken
        await peer.reader.readuntil(b"\r\n\r\n")
        begun.set()
        await asyncio.sleep(0.2)
        while data := await peer.reader.read(1_000_000):
            taken += len(data)
        peer.closed.set()

    async with serving(converse) as server:
        big = HttpRequest("/up", b"x" * 50_000_000)
        task = asyncio.ensure_future(transport.send(endpoint(server.url), big, credential=KEY, deadline=soon(30)))
        await asyncio.wait_for(begun.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(server.peers[0].closed.wait(), 2)
        assert taken < 25_000_000


async def test_leaving_early_closes_the_socket_at_once(transport: Transport) -> None:
    async with serving(begin_and_hang) as server:
        async with transport.open(endpoint(server.url), ASK, credential=KEY, deadline=soon(30)) as exchange:
            await exchange.read()
        await asyncio.wait_for(server.peers[0].closed.wait(), 0.05)


async def test_an_answer_that_is_whole_keeps_its_connection_though_its_end_comes_late(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(HEAD + b"6\r\n[DONE]\r\n")
            await asyncio.sleep(0.03)
            await peer.send(b"0\r\n\r\n")

    async with serving(converse) as server:
        for _ in range(3):
            async with transport.open(endpoint(server.url), ASK, credential=KEY, deadline=soon(5)) as exchange:
                assert await exchange.read() == b"[DONE]"
                exchange.leave()
            await asyncio.sleep(0.06)
        assert len(server.peers) == 1


async def test_an_answer_whose_end_never_comes_loses_its_connection(transport: Transport) -> None:
    async with serving(begin_and_hang) as server:
        async with transport.open(endpoint(server.url), ASK, credential=KEY, deadline=soon(5)) as exchange:
            await exchange.read()
            exchange.leave()
        await asyncio.wait_for(server.peers[0].closed.wait(), 0.5)


@pytest.mark.parametrize("converse", [hang, begin_and_hang], ids=["head", "body"])
async def test_a_connection_that_was_dropped_is_not_kept(
    transport: Transport, converse: Callable[[Peer], Awaitable[None]]
) -> None:
    async with serving(converse) as server:
        with pytest.raises(ProviderTimeout):
            await transport.send(endpoint(server.url), ASK, credential=KEY, deadline=soon(0.1))
        assert transport._session is not None
        connector = transport._session._session.connector
        assert connector is not None
        assert not connector._conns
        assert not connector._acquired


async def test_a_thousand_cancelled_calls_leave_nothing_behind(transport: Transport) -> None:
    async with serving(begin_and_hang) as server:
        before = len(asyncio.all_tasks())
        for _ in range(20):
            calls = [asyncio.ensure_future(_stream(transport, server.url)) for _ in range(50)]
            await asyncio.sleep(0.02)
            for call in calls:
                call.cancel()
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(result, asyncio.CancelledError) for result in results)
        for peer in server.peers:
            await asyncio.wait_for(peer.closed.wait(), 2)
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) <= before
