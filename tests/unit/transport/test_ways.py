"""The two ways of asking send the same bytes, and which one is taken."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import aiohttp
import pytest
import structlog

from server.errors import Internal
from server.transport import direct, letterheads, session
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.direct import WRITTEN_FOR, DirectPath
from server.transport.endpoint import Credential, Endpoint, Outgoing
from server.transport.settings import TransportSettings
from server.wire.http import HttpRequest
from tests.unit.transport.servers import Peer, serving, soon

KEY = Credential("k", "sk-secret")


async def whole_requests(peer: Peer, seen: list[bytes]) -> None:
    while True:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0] or 0)
        seen.append(head + await peer.reader.readexactly(length))
        await peer.answer()


REQUESTS = {
    "json": HttpRequest("/chat", b'{"a":1}', {"Content-Type": "application/json"}),
    "query": HttpRequest("/models/a%2Fb:generate?alt=sse&x=%20", b"{}", {"Content-Type": "application/json"}),
    "bytes": HttpRequest("/x", b"\x00\xff" * 100),
    "put": HttpRequest("/x", b"x", method="PUT"),
    "delete_with_a_body": HttpRequest("/x", b"x", method="DELETE"),
    "empty_post": HttpRequest("/x"),
    "get": HttpRequest("/x", method="GET"),
    "delete": HttpRequest("/x", method="DELETE"),
    "latin_header": HttpRequest("/x", b"{}", {"X-Name": "caf\u00e9"}),
    "own_host": HttpRequest("/x", b"{}", {"Host": "other.example"}),
    "longer_than_is_written_whole": HttpRequest("/x", b"x" * 100_000),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_both_ways_send_the_same_bytes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    async with serving(lambda peer: whole_requests(peer, seen)) as server:
        there = Endpoint("acme", server.url + "/v1", bearer, headers={"X-Org": "o"})
        for known in (True, False):
            monkeypatch.setattr(session, "known_release", lambda known=known: known)
            async with Transport(TransportSettings()) as transport:
                await transport.send(there, REQUESTS[name], credential=KEY, deadline=soon(5))
    assert len(seen) == 2
    assert seen[0] == seen[1]


async def test_a_header_that_comes_twice_in_another_case_is_sent_once() -> None:
    seen: list[bytes] = []

    def authorize(credential: Credential, outgoing: Outgoing) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        async def later() -> Mapping[str, str]:
            return {"authorization": "Bearer late"}

        return later()

    async with serving(lambda peer: whole_requests(peer, seen)) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, authorize, headers={"Authorization": "Bearer early"})
        await transport.send(there, HttpRequest("/x", b"{}"), credential=KEY, deadline=soon(5))
    assert seen[0].lower().count(b"authorization:") == 1
    assert b"Bearer late" in seen[0]


@pytest.mark.parametrize("value", ["a\r\nX-B: b", "a\nb", "a\0b"])
async def test_a_header_with_a_line_break_opens_no_connection(value: str) -> None:
    seen: list[bytes] = []
    async with serving(lambda peer: whole_requests(peer, seen)) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        with pytest.raises(Internal):
            await transport.send(there, HttpRequest("/x", b"{}", {"X-A": value}), credential=KEY, deadline=soon(5))
        assert server.peers == []


async def test_what_comes_unasked_on_an_idle_connection_answers_nothing() -> None:
    sent = asyncio.Queue[None]()

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"good")
        await asyncio.sleep(0.02)
        await peer.answer(b"evil")
        sent.put_nowait(None)
        await peer.gone()

    async with serving(converse) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        for _ in range(3):
            found = await transport.send(there, HttpRequest("/x", b"{}"), credential=KEY, deadline=soon(5))
            assert found.body == b"good"
            await asyncio.wait_for(sent.get(), 5)
            await asyncio.sleep(0.02)
        assert len(server.peers) == 3


async def test_the_two_ways_share_their_connections() -> None:
    seen: list[bytes] = []
    async with serving(lambda peer: whole_requests(peer, seen)) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        for request in REQUESTS.values():
            await transport.send(there, request, credential=KEY, deadline=soon(5))
        assert len(server.peers) == 1


TRACED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
FILLED_IN: dict[str, list[tuple[HttpRequest, dict[str, str]]]] = {
    "longer_bodies": [(REQUESTS["json"], {}), (HttpRequest("/chat", b"x" * 5000, REQUESTS["json"].headers), {})],
    "traces": [(REQUESTS["json"], TRACED), (REQUESTS["json"], {}), (REQUESTS["json"], {"traceparent": "00-0a-0b-00"})],
    "other_headers": [(REQUESTS["json"], {}), (HttpRequest("/chat", b"{}", {"Content-Type": "text/plain"}), {})],
    "a_blank_of_its_own": [(HttpRequest("/x", b"{}", {"X-Name": "\ue000"}), {}), (REQUESTS["json"], {"x-a": "\ue000"})],
    "several_more": [(REQUESTS["json"], {"x-a": "1", "x-b": "2"})],
    "more_that_another_replaces": [(REQUESTS["json"], {"authorization": "Bearer other"})],
    "a_trace_of_its_own": [(HttpRequest("/x", b"{}", {"Traceparent": "mine", "X-B": "b"}), TRACED)],
    "methods": [(HttpRequest("/x", b"{}", method=method), {}) for method in ("POST", "PUT", "PATCH")],
    "paths": [(HttpRequest(path, b"{}"), {}) for path in ("/x", "/y", "/x?a=1")],
}


@pytest.mark.parametrize("name", FILLED_IN)
async def test_a_head_that_is_filled_in_is_what_the_session_would_send(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[list[bytes]] = []
    keys = [KEY, Credential("other", "sk-other")]
    async with serving(lambda peer: whole_requests(peer, sent[-1])) as server:
        there = [Endpoint("acme", server.url + "/v1", bearer, headers={"X-Org": org}) for org in "ab"]
        for known in (True, False):
            sent.append([])
            monkeypatch.setattr(session, "known_release", lambda known=known: known)
            async with Transport(TransportSettings()) as transport:
                for request, more in FILLED_IN[name] * 2:
                    for endpoint in there:
                        for key in keys:
                            await transport.send(
                                endpoint, request, credential=key, deadline=soon(5), extra_headers=more
                            )
    assert len(sent[0]) == 8 * len(FILLED_IN[name])
    assert sent[0] == sent[1]


async def test_heads_of_ever_new_paths_are_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letterheads, "_MOST", 3)
    seen: list[bytes] = []
    async with serving(lambda peer: whole_requests(peer, seen)) as server, Transport(TransportSettings()) as transport:
        there = Endpoint("acme", server.url, bearer)
        for number in range(8):
            await transport.send(there, HttpRequest(f"/{number}", b"{}"), credential=KEY, deadline=soon(5))
        assert transport._letterheads is not None
        assert len(transport._letterheads._kept) <= 3
    assert [one.split(b" ")[1] for one in seen] == [f"/{number}".encode() for number in range(8)]


async def test_the_direct_way_is_taken_with_the_release_it_was_written_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new release fails here: judge it against direct.py, then raise WRITTEN_FOR."""
    assert aiohttp.__version__ == WRITTEN_FOR
    taken = _count_direct(monkeypatch)
    await _ask_once(TransportSettings())
    assert len(taken) == 1


async def test_any_other_release_is_asked_by_its_session_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "WRITTEN_FOR", "3.13.0")
    taken = _count_direct(monkeypatch)
    with structlog.testing.capture_logs() as logs:
        await _ask_once(TransportSettings())
    assert taken == []
    assert [line["event"] for line in logs] == ["transport.plain"]


async def test_an_operator_can_turn_it_off(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = _count_direct(monkeypatch)
    with structlog.testing.capture_logs() as logs:
        await _ask_once(TransportSettings(direct=False))
    assert taken == []
    assert logs == []


def _count_direct(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    taken: list[Any] = []
    begin: Callable[..., Any] = DirectPath.begin

    def counted(self: DirectPath, *args: Any) -> Any:
        taken.append(args)
        return begin(self, *args)

    monkeypatch.setattr(DirectPath, "begin", counted)
    return taken


async def _ask_once(settings: TransportSettings) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer()

    async with serving(converse) as server, Transport(settings) as transport:
        there = Endpoint("acme", server.url, bearer)
        await transport.send(there, HttpRequest("/x", b"{}"), credential=KEY, deadline=soon(5))
