"""Servers that misbehave: each ends in one error of the hub's own, soon, and in bounded memory."""

import asyncio
import contextlib
import gzip
import resource
import time
import zlib
from typing import Any

import pytest

from server.errors import HubError, ProviderBadResponse, ProviderUnavailable
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint, Timeouts
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest
from tests.timing import best_of_three
from tests.unit.transport.servers import Conversation, Peer, serving, soon

pytestmark = pytest.mark.usefixtures("way")

MIB = 1024 * 1024
OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def answering(*parts: bytes, reset: bool = False, stay: bool = False) -> Conversation:
    """Sends the parts as segments of their own, then closes, resets or stays."""

    async def converse(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(0.02 if len(parts) > 1 else 0)
        if stay:
            await peer.gone()
        if reset:
            await asyncio.sleep(0.02)
            peer.reset()

    return converse


def repeating(start: bytes, piece: bytes, most: int) -> Conversation:
    """Sends ``start`` and then ``piece`` until it is cut off, or ``most`` bytes are out."""

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(start)
        for _ in range(most // len(piece)):
            await peer.send(piece)

    return converse


BAD: dict[str, tuple[Conversation, type[HubError]]] = {
    "garbage": (answering(b"\x00\x01\x02 what is this\r\n\r\n" * 20), ProviderBadResponse),
    "tls_alert": (answering(b"\x15\x03\x01\x00\x02\x02\x0a"), ProviderBadResponse),
    "html_without_http": (answering(b"<html>nginx</html>\r\n\r\n"), ProviderBadResponse),
    "smtp": (answering(b"220 mail.example ESMTP\r\n"), ProviderBadResponse),
    "nothing": (answering(), ProviderUnavailable),
    "half_a_head": (answering(OK + b"Content-Le"), ProviderUnavailable),
    "reset_before_the_head": (answering(b"HTTP/1.1 2", reset=True), ProviderUnavailable),
    "reset_mid_body": (answering(OK + b"Content-Length: 100\r\n\r\nabc", reset=True), ProviderUnavailable),
    "reset_mid_chunk": (answering(CHUNKED + b"ff\r\nabc", reset=True), ProviderUnavailable),
    "short_body": (answering(OK + b"Content-Length: 100\r\n\r\nabc"), ProviderUnavailable),
    "no_last_chunk": (answering(CHUNKED + b"3\r\nabc\r\n"), ProviderUnavailable),
    "bad_chunk_after_the_head": (answering(CHUNKED, b"zz\r\nabc", stay=True), ProviderUnavailable),
    "bad_chunk_after_a_good_one": (answering(CHUNKED, b"3\r\nabc\r\n", b"zz\r\nabc", stay=True), ProviderUnavailable),
    "bad_chunk_with_the_head": (answering(CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n"), ProviderBadResponse),
    "negative_length": (answering(OK + b"Content-Length: -5\r\n\r\nabc"), ProviderBadResponse),
    "two_lengths": (answering(OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), ProviderBadResponse),
    "nul_in_header": (answering(OK + b"X-A: a\0b\r\nContent-Length: 0\r\n\r\n"), ProviderBadResponse),
    "endless_status_line": (repeating(b"HTTP/1.1 200 ", b"O" * 65536, 64 * MIB), ProviderBadResponse),
    "endless_header": (repeating(OK + b"X-A: ", b"a" * 65536, 64 * MIB), ProviderBadResponse),
    "endless_headers": (repeating(OK, b"X-A: " + b"a" * 1000 + b"\r\n", 64 * MIB), ProviderBadResponse),
    "endless_body": (repeating(OK + b"\r\n", b"a" * 65536, 512 * MIB), ProviderBadResponse),
    "endless_chunks": (repeating(CHUNKED, b"10000\r\n" + b"a" * 65536 + b"\r\n", 512 * MIB), ProviderBadResponse),
    "huge_length": (answering(OK + b"Content-Length: 99999999999\r\n\r\nabc"), ProviderBadResponse),
    "endless_trailers": (
        repeating(CHUNKED + b"0\r\n", b"X-A: " + b"a" * 1000 + b"\r\n", 64 * MIB),
        ProviderUnavailable,
    ),
    "upgrade": (
        answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nhello"),
        ProviderBadResponse,
    ),
    "unknown_coding": (answering(OK + b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\nabc"), ProviderBadResponse),
    "twice_coded": (
        answering(OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: 3\r\n\r\nabc"),
        ProviderBadResponse,
    ),
    "no_gzip": (answering(OK + b"Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"), ProviderBadResponse),
    "half_a_gzip": (
        answering(OK + b"Content-Encoding: gzip\r\nContent-Length: 20\r\n\r\n" + gzip.compress(b"a" * 99999)[:20]),
        ProviderUnavailable,
    ),
}


def settings() -> TransportSettings:
    return TransportSettings(max_body_bytes=4 * MIB)


async def ask(transport: Transport, url: str) -> Any:
    endpoint = Endpoint("acme", url, bearer, timeouts=Timeouts(2, 2, 2))
    return await transport.send(
        endpoint, HttpRequest("/chat", b"{}"), credential=Credential("k", "sk-secret"), deadline=soon(10)
    )


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_answer_is_one_error_of_ours(name: str) -> None:
    converse, expected = BAD[name]
    async with serving(converse) as server, Transport(settings()) as transport:
        began = time.monotonic()
        with pytest.raises(HubError) as caught:
            await ask(transport, server.url)
        assert type(caught.value) is expected, caught.value.message
        assert time.monotonic() - began < 3
        assert caught.value.message.startswith("acme: ")
        for leak in ("127.0.0.1", "http://", "secret", "Exception", "Error", "\\x"):
            assert leak not in caught.value.message
        assert caught.value.__cause__ is None


async def test_more_than_was_announced_is_not_read_into_the_next_answer() -> None:
    """Response smuggling: what follows an answer on its connection must not answer the next request."""
    smuggled = OK + b"Content-Length: 4\r\n\r\nevil"

    async def converse(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(OK + b"Content-Length: 4\r\n\r\ngood" + smuggled)

    async with serving(converse) as server, Transport(settings()) as transport:
        for _ in range(5):
            with contextlib.suppress(ProviderUnavailable):  # dropping such a connection is as good
                assert (await ask(transport, server.url)).body == b"good"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "deflate", "raw deflate"])
async def test_a_compressed_answer_is_read(coding: str) -> None:
    text = b"".join(b"%d," % number for number in range(100_000))
    if coding == "deflate":
        body = zlib.compress(text)
    elif coding == "raw deflate":
        maker = zlib.compressobj(wbits=-15)
        body = maker.compress(text) + maker.flush()
    else:
        body = gzip.compress(text[:1000]) + gzip.compress(text[1000:])
    name = coding.removeprefix("raw ").encode()

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (name, len(body)))
        for start in range(0, len(body), 999):
            await peer.send(body[start : start + 999])
            await asyncio.sleep(0)

    async with serving(converse) as server, Transport(settings()) as transport:
        assert (await ask(transport, server.url)).body == text


def bomb(size: int) -> bytes:
    maker = zlib.compressobj(9, wbits=31)
    return b"".join(maker.compress(bytes(MIB)) for _ in range(size // MIB)) + maker.flush()


async def test_a_gzip_bomb_costs_no_memory() -> None:
    """256 MiB from 256 KiB: refused as a whole answer; as a stream it passes through piece by piece."""
    body = bomb(256 * MIB)
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(head + body)
        await peer.gone()

    async with serving(converse) as server, Transport(settings()) as transport:
        before = peak_rss()
        with pytest.raises(ProviderBadResponse, match="longer than"):
            await ask(transport, server.url)
        endpoint = Endpoint("acme", server.url, bearer)
        request = HttpRequest("/chat", b"{}")
        total = 0
        async with transport.open(endpoint, request, credential=Credential("k"), deadline=soon(10)) as exchange:
            async for data in exchange.reads():
                assert len(data) <= 65536
                total += len(data)
                if total > 200 * MIB:
                    break
        assert peak_rss() - before < 16 * MIB


@best_of_three
async def test_other_calls_go_on_while_a_bomb_unfolds() -> None:
    body = bomb(64 * MIB)

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await peer.gone()

    async with serving(converse) as server, Transport(TransportSettings(max_body_bytes=64 * MIB)) as transport:
        call = asyncio.create_task(ask(transport, server.url))
        worst = 0.0
        while not call.done():
            began = time.perf_counter()
            await asyncio.sleep(0)
            worst = max(worst, time.perf_counter() - began)
        assert len((await call).body) == 64 * MIB
        assert worst < 0.25  # joining 64 MiB at the end is the longest step


@pytest.mark.parametrize("name", ["endless_status_line", "endless_header", "endless_headers", "endless_body"])
async def test_what_has_no_end_costs_no_memory(name: str) -> None:
    converse, _ = BAD[name]
    async with serving(converse) as server, Transport(settings()) as transport:
        with pytest.raises(HubError):
            await ask(transport, server.url)
        before = peak_rss()
        for _ in range(3):
            with pytest.raises(HubError):
                await ask(transport, server.url)
        assert peak_rss() - before < 16 * MIB


async def test_a_slow_reader_stops_the_server(transport: Transport) -> None:
    """Nobody reads: the server is stopped by its own full buffers, and we hold two read buffers at most."""
    sent = 0

    async def converse(peer: Peer) -> None:
        nonlocal sent
        await peer.request()
        await peer.send(OK + b"\r\n")
        while True:
            await peer.send(b"a" * 65536)
            sent += 65536

    async with serving(converse) as server:
        endpoint = Endpoint("acme", server.url, bearer)
        request = HttpRequest("/chat", b"{}")
        async with transport.open(endpoint, request, credential=Credential("k"), deadline=soon(10)):
            await asyncio.sleep(0.3)
            at_rest = sent
            await asyncio.sleep(0.2)
            assert sent == at_rest  # all of it in the kernel's buffers and ours


async def test_what_arrived_before_the_break_is_delivered(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(CHUNKED + b"3\r\nabc\r\n4\r\ndefg\r\n")

    async with serving(converse) as server:
        endpoint = Endpoint("acme", server.url, bearer)
        request = HttpRequest("/chat", b"{}")
        got = b""
        async with transport.open(endpoint, request, credential=Credential("k"), deadline=soon(10)) as exchange:
            await asyncio.sleep(0.05)  # the break is in before the first read
            with pytest.raises(ProviderUnavailable):
                async for data in exchange.reads():
                    got += data
        assert got == b"abcdefg"


async def test_a_server_that_cannot_be_reached() -> None:
    async with Transport(settings()) as transport:
        with pytest.raises(ProviderUnavailable, match="acme: it could not be reached"):
            await ask(transport, "http://127.0.0.1:1")
        with pytest.raises(ProviderUnavailable, match="acme: its host name could not be resolved"):
            await ask(transport, "http://nothing.invalid")


def peak_rss() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
