"""One exchange: what goes on the wire, what comes back, what is kept for the next call."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.errors import Internal, ProviderBadResponse, ProviderUnavailable
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest, path_segment
from tests.unit.transport.servers import Peer, serving, soon

pytestmark = pytest.mark.usefixtures("way")

KEY = Credential("first", "sk-secret")


def endpoint(url: str, **more: Any) -> Endpoint:
    return Endpoint("acme", url, bearer, **more)


async def send(transport: Transport, url: str, request: HttpRequest | None = None, **more: Any) -> Any:
    request = request or HttpRequest("/chat", b"{}", {"Content-Type": "application/json"})
    return await transport.send(endpoint(url, **more), request, credential=KEY, deadline=soon(5))


async def test_a_request_arrives_as_described(transport: Transport) -> None:
    seen: list[Any] = []

    async def converse(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.answer(b'{"a":1}', headers="X-Request-Id: r1\r\nSet-Cookie: a=b; Path=/\r\n")
        seen.append(await peer.request())
        await peer.answer()

    async with serving(converse) as server:
        there = endpoint(server.url + "/v1/", headers={"OpenAI-Organization": "org", "X-Both": "endpoint"})
        request = HttpRequest("/chat?x=1", b"hello", {"Content-Type": "text/plain", "x-both": "request"})
        response = await transport.send(
            there, request, credential=KEY, deadline=soon(5), extra_headers={"traceparent": "00-1", "X-BOTH": "extra"}
        )
        await transport.send(there, request, credential=KEY, deadline=soon(5))
    line, headers, body = seen[0]
    assert line == "POST /v1/chat?x=1 HTTP/1.1"
    assert body == b"hello"
    assert headers["authorization"] == "Bearer sk-secret"
    assert headers["openai-organization"] == "org"
    assert headers["x-both"] == "extra"
    assert headers["traceparent"] == "00-1"
    assert headers["accept-encoding"] == "identity"
    assert headers["user-agent"].startswith("aignehub/")
    assert (response.status, response.body) == (200, b'{"a":1}')
    assert response.headers["x-request-id"] == "r1"
    assert "cookie" not in seen[1][1]


async def test_the_credential_wins_over_every_other_header(transport: Transport) -> None:
    seen: list[Any] = []

    async def converse(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.answer()

    async with serving(converse) as server:
        request = HttpRequest("/chat", b"{}", {"AUTHORIZATION": "Bearer stolen"})
        await send(transport, server.url, request)
    assert seen[0][1]["authorization"] == "Bearer sk-secret"


async def test_calls_share_a_connection(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.answer(b"x" * 1000)

    async with serving(converse) as server:
        for _ in range(20):
            await send(transport, server.url)
        assert len(server.peers) == 1


async def test_a_post_on_a_stale_connection_is_never_sent_again(transport: Transport) -> None:
    """The server takes the second request and then closes: whether it acted on it nobody can know."""
    taken = 0

    async def converse(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        taken += 1
        if taken == 1:
            await peer.answer()
            await peer.request()
            taken += 1

    async with serving(converse) as server:
        await send(transport, server.url)
        with pytest.raises(ProviderUnavailable):
            await send(transport, server.url)
        await asyncio.sleep(0.05)
        assert taken == 2
        assert len(server.peers) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_no_method_is_repeated(transport: Transport, method: str) -> None:
    taken = 0

    async def converse(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        taken += 1
        if taken == 1:
            await peer.answer()
            await peer.request()
            taken += 1

    async with serving(converse) as server:
        request = HttpRequest("/thing", method=method)
        await send(transport, server.url, request)
        with pytest.raises(ProviderUnavailable):
            await send(transport, server.url, request)
        await asyncio.sleep(0.05)
        assert taken == 2


async def test_a_connection_that_the_server_closed_while_idle_is_not_used(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer()

    async with serving(converse) as server:
        for _ in range(3):
            await send(transport, server.url)
            await asyncio.sleep(0.02)
        assert len(server.peers) == 3


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_a_bad_answer_and_takes_no_credential_along(transport: Transport, status: int) -> None:
    async def sink(peer: Peer) -> None:
        await peer.request()
        await peer.answer()

    async with serving(sink) as elsewhere:

        async def converse(peer: Peer) -> None:
            await peer.request()
            await peer.answer(b"", status=f"{status} Moved", headers=f"Location: {elsewhere.url}/x\r\n")

        async with serving(converse) as server:
            with pytest.raises(ProviderBadResponse, match=f"redirect \\({status}\\)"):
                await send(transport, server.url)
        assert elsewhere.peers == []


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["..", "/", "\\", "?", "#", "%", "%2e", "%2F", ".", "\r\n", "\0", " ", "@", ":", ";", "é", "😀"]
        ),
        max_size=12,
    ).map("".join),
)


async def test_a_model_name_never_changes_the_path(transport: Transport) -> None:
    """10,000 hostile names: the path on the wire is the template with one segment in it."""
    names: list[str] = []

    @given(st.lists(HOSTILE.filter(lambda name: not _lone(name)), min_size=100, max_size=100))
    @settings(max_examples=100, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    def collect(batch: list[str]) -> None:
        names.extend(batch)

    collect()
    names = (names * 2)[:10_000]
    assert len(names) == 10_000
    lines: list[str] = []

    async def converse(peer: Peer) -> None:
        while True:
            line, _, _ = await peer.request()
            lines.append(line)
            await peer.answer(b"")

    async with serving(converse) as server:
        there = endpoint(server.url + "/v1")
        for name in names:
            request = HttpRequest(f"/models/{path_segment(name)}:generate?alt=sse", b"{}")
            await transport.send(there, request, credential=KEY, deadline=soon(5))
    for name, line in zip(names, lines, strict=True):
        assert line == f"POST /v1/models/{path_segment(name)}:generate?alt=sse HTTP/1.1"
        assert line.count("/") == 4  # /v1 /models /<name> and HTTP/1.1's


def _lone(name: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in name)


@pytest.mark.parametrize("path", ["", "chat", "/a b", "/a\r\nX: y", "/a#b", "/é", "/a\0"])
async def test_an_unescaped_path_is_not_sent(transport: Transport, path: str) -> None:
    with pytest.raises(Internal):
        await send(transport, "http://127.0.0.1:9", HttpRequest(path))


async def test_a_header_that_cannot_be_sent_is_no_stack(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()

    async with serving(converse) as server:
        with pytest.raises(Internal) as caught:
            await send(transport, server.url, HttpRequest("/chat", b"{}", {"X-A": "a\r\nX-B: b"}))
        assert "X-B" not in caught.value.message


async def test_a_body_within_the_setting_is_whole_and_one_beyond_it_is_refused() -> None:
    async def converse(peer: Peer) -> None:
        while True:
            line, _, _ = await peer.request()
            await peer.answer(b"x" * int(line.split()[1].removeprefix("/")))

    async with serving(converse) as server, Transport(TransportSettings(max_body_bytes=300_000)) as transport:
        assert len((await send(transport, server.url, HttpRequest("/300000"))).body) == 300_000
        with pytest.raises(ProviderBadResponse, match="longer than 300000 bytes"):
            await send(transport, server.url, HttpRequest("/300001"))


async def test_reads_come_as_they_are_delivered(transport: Transport) -> None:
    steps = [asyncio.Event() for _ in range(3)]

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for number, step in enumerate(steps):
            await step.wait()
            await peer.send(b"1\r\n%d\r\n" % number)
        await peer.send(b"0\r\n\r\n")

    async with serving(converse) as server:
        got = []
        async with transport.open(
            endpoint(server.url), HttpRequest("/s"), credential=KEY, deadline=soon(5)
        ) as exchange:
            steps[0].set()
            async for data in exchange.reads():
                got.append(data)
                if len(got) < 3:
                    steps[len(got)].set()
        assert got == [b"0", b"1", b"2"]


async def test_a_document_is_fetched_from_inside_and_redirects_are_not_followed(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        while True:
            line, headers, _ = await peer.request()
            assert "authorization" not in headers
            if "jwks" in line:
                await peer.answer(b'{"keys":[]}')
            elif "moved" in line:
                await peer.answer(status="302 Found", headers="Location: /jwks\r\n")
            else:
                await peer.answer(status="404 Not Found")

    async with serving(converse) as server:
        assert await transport.fetch_document(server.url + "/jwks", deadline=soon(5), max_bytes=100) == b'{"keys":[]}'
        with pytest.raises(ProviderBadResponse):
            await transport.fetch_document(server.url + "/moved", deadline=soon(5), max_bytes=100)
        with pytest.raises(ProviderUnavailable, match="status 404"):
            await transport.fetch_document(server.url + "/none", deadline=soon(5), max_bytes=100)
        with pytest.raises(ProviderBadResponse, match="longer than 5 bytes"):
            await transport.fetch_document(server.url + "/jwks", deadline=soon(5), max_bytes=5)


async def test_a_body_in_pieces_goes_out_with_its_length_and_whole(transport: Transport) -> None:
    pieces = (b"head", bytes(range(256)) * 20_000, b"", b"tail")
    seen: list[Any] = []

    async def converse(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.answer()

    async with serving(converse) as server:
        response = await send(transport, server.url, HttpRequest("/x", pieces=pieces))
    [(_, headers, body)] = seen
    assert response.status == 200
    assert body == b"".join(pieces)
    assert "transfer-encoding" not in headers


async def test_an_answer_to_an_upload_that_is_not_read_is_had_and_the_connection_dropped(transport: Transport) -> None:
    async def converse(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.answer(b"no", status="413 Too Large")
        await peer.gone()

    async with serving(converse) as server:
        response = await send(transport, server.url, HttpRequest("/x", pieces=(b"x" * 30_000_000,)))
        [peer] = server.peers
        await asyncio.wait_for(peer.closed.wait(), 3)
    assert (response.status, response.body) == (413, b"no")
