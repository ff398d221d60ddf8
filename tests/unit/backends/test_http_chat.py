"""Chat over a real server: what a caller gets, whose error it is, and when the socket closes."""

import asyncio
import re
import statistics
from contextlib import aclosing
from typing import Any

import pytest
from aignehub.v1.chat_pb2 import ROLE_USER
from aignehub.v1.chat_service_pb2 import CreateChatCompletionRequest, StreamChatCompletionResponse
from typing_extensions import override

from server.backends.base import Call, ChatBackend
from server.backends.http_chat import HttpChatBackend
from server.backends.media import CallerMedia
from server.errors import (
    HubError,
    ProviderBadResponse,
    ProviderCredentialInvalid,
    ProviderRateLimited,
    ProviderTimeout,
    ProviderUnavailable,
)
from server.phases import Phases
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.wire.by_model import ByModel
from server.wire.http import HttpResponse
from tests.timing import best_of_three
from tests.unit.backends.line_codec import LineCodec
from tests.unit.transport.servers import Conversation, Peer, serving, soon

SECRET = "sk-very-secret-key"
HEAD = b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nTransfer-Encoding: chunked\r\n\r\n"
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def request(text: str = "hello") -> CreateChatCompletionRequest:
    asked = CreateChatCompletionRequest(model="acme/m1")
    asked.messages.add(role=ROLE_USER).content.add(text=text)
    return asked


def call(seconds: float = 5, **more: Any) -> Call:
    settled: dict[str, Any] = {
        "deadline": soon(seconds),
        "model": "m1",
        "credential": Credential("first", SECRET),
        "request_id": "ours",
        "phases": Phases(),
        **more,
    }
    return Call(**settled)


def backend(url: str, transport: Transport, media: CallerMedia) -> HttpChatBackend:
    return HttpChatBackend(Endpoint("acme", url, bearer), LineCodec(), transport, media)


def sending(*parts: bytes, stay: bool = False) -> Conversation:
    async def converse(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.send(part)
            await asyncio.sleep(0.01)
        if stay:
            await peer.gone()

    return converse


async def test_it_is_a_chat_backend(transport: Transport, media: CallerMedia) -> None:
    made: ChatBackend = backend("http://127.0.0.1:1", transport, media)
    assert made


async def test_a_whole_answer(transport: Transport, media: CallerMedia) -> None:
    seen: list[Any] = []

    async def converse(peer: Peer) -> None:
        seen.append(await peer.request())
        await asyncio.sleep(0.03)
        await peer.answer(b"hi there", headers="apim-request-id: azure-1\r\n")

    async with serving(converse) as server:
        made = call(traceparent=TRACE)
        answer = await backend(server.url, transport, media).chat(request(), made)
    assert answer.choices[0].message.content[0].text == "hi there"
    assert answer.gateway.provider == "acme"
    assert answer.gateway.provider_model == "m1"
    assert answer.gateway.provider_request_id == "azure-1"
    assert answer.gateway.request_id == "ours"
    assert list(answer.gateway.adjusted_fields) == ["top_k"]
    line, headers, body = seen[0]
    assert line == "POST /m1/whole HTTP/1.1"
    assert body == b"hello"
    assert headers["traceparent"] == TRACE
    assert headers["authorization"] == f"Bearer {SECRET}"
    assert "x-request-id" not in headers
    assert 0.03 <= made.phases.spent("upstream_ttfb") <= made.phases.spent("upstream") < 0.5


@pytest.mark.parametrize("traceparent", ["", "nonsense", TRACE + "\r\nX-A: b", TRACE.upper(), TRACE + "-x"])
async def test_only_a_trace_context_is_handed_on(transport: Transport, media: CallerMedia, traceparent: str) -> None:
    async def converse(peer: Peer) -> None:
        _, headers, _ = await peer.request()
        await peer.answer(b"yes" if "traceparent" in headers else b"no")

    async with serving(converse) as server:
        answer = await backend(server.url, transport, media).chat(request(), call(traceparent=traceparent))
        assert answer.choices[0].message.content[0].text == "no"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        ("401 Unauthorized", "", ProviderCredentialInvalid),
        ("429 Slow down", "Retry-After: 7\r\n", ProviderRateLimited),
        ("500 Oops", "", ProviderUnavailable),
        ("302 Found", "Location: http://127.0.0.1:1/\r\n", ProviderBadResponse),
    ],
)
async def test_a_failure_says_whose_it_is_and_nothing_secret(
    transport: Transport, media: CallerMedia, streamed: bool, status: str, headers: str, expected: type[HubError]
) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer(f"bad key {SECRET}, really".encode(), status=status, headers=headers)

    async with serving(converse) as server:
        with pytest.raises(expected) as caught:
            await collect(backend(server.url, transport, media), streamed)
    assert caught.value.metadata["provider"] == "acme"
    assert caught.value.metadata["model"] == "m1"
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__dict__)
    if expected is not ProviderBadResponse:
        assert "bad key [redacted], really" in caught.value.message
    if expected is ProviderRateLimited:
        assert caught.value.retry_after == 7


async def collect(made: HttpChatBackend, streamed: bool = True, *, seconds: float = 5) -> list[Any]:
    if not streamed:
        return [await made.chat(request(), call(seconds))]
    return [one async for one in made.chat_stream(request(), call(seconds))]


@pytest.mark.parametrize("streamed", [False, True])
async def test_an_error_whose_body_breaks_off_is_still_that_error(
    transport: Transport, media: CallerMedia, streamed: bool
) -> None:
    async with serving(sending(b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\nabc")) as server:
        with pytest.raises(ProviderCredentialInvalid):
            await collect(backend(server.url, transport, media), streamed)


async def test_an_error_with_an_endless_body_is_read_to_a_bound(transport: Transport, media: CallerMedia) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 500 No\r\n\r\n")
        while True:
            await peer.send(b"no" * 5000)

    async with serving(converse) as server:
        with pytest.raises(ProviderUnavailable, match="500: nonono"):
            await collect(backend(server.url, transport, media), streamed=False)


async def test_a_stream_ends_with_usage_and_gateway(transport: Transport, media: CallerMedia) -> None:
    parts = [HEAD, chunk(b"a\nb\n"), chunk(b"c"), chunk(b"\nd\nEND\n"), chunk(b"never read\n")]
    async with serving(sending(*parts)) as server:
        made = call()
        chunks = [one async for one in backend(server.url, transport, media).chat_stream(request(), made)]
    assert [one.choices[0].content for one in chunks] == ["ab", "cd"]
    assert not chunks[0].HasField("gateway")
    assert chunks[-1].usage.output_tokens == 4
    assert chunks[-1].gateway.provider_request_id == "theirs"
    assert list(chunks[-1].gateway.adjusted_fields) == ["top_k"]
    assert 0 < made.phases.spent("upstream_ttfb") < made.phases.spent("upstream")


async def test_a_stream_may_end_with_its_body(transport: Transport, media: CallerMedia) -> None:
    async with serving(sending(HEAD, chunk(b"a\n"), chunk(b"FIN"), b"0\r\n\r\n")) as server:
        chunks = await collect(backend(server.url, transport, media))
    assert [len(one.choices) for one in chunks] == [1, 0]
    assert chunks[-1].gateway.provider == "acme"
    assert chunks[-1].usage.output_tokens == 1


async def test_the_first_delta_is_out_before_the_last_byte_is_in(transport: Transport, media: CallerMedia) -> None:
    go_on = asyncio.Event()

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(HEAD + chunk(b"a\n"))
        await asyncio.wait_for(go_on.wait(), 2)
        await peer.send(chunk(b"END\n") + b"0\r\n\r\n")

    async with (
        serving(converse) as server,
        aclosing(backend(server.url, transport, media).chat_stream(request(), call())) as chunks,
    ):
        first = await anext(chunks)
        assert first.choices[0].content == "a"
        go_on.set()
        assert (await anext(chunks)).HasField("gateway")


BREAKS = {
    "cut": sending(HEAD, chunk(b"a\n"), b"0\r\n\r\n"),
    "reset": sending(HEAD, chunk(b"a\n"), b"5\r\nb"),
    "error": sending(HEAD, chunk(b"a\n"), chunk(b"ERR boom " + SECRET.encode() + b"\n"), b"0\r\n\r\n"),
}


@pytest.mark.parametrize("kind", BREAKS)
async def test_a_stream_that_breaks_tells_what_was_used_and_then_fails(
    transport: Transport, media: CallerMedia, kind: str
) -> None:
    got: list[StreamChatCompletionResponse] = []
    async with serving(BREAKS[kind]) as server:
        with pytest.raises(ProviderUnavailable) as caught:
            async for one in backend(server.url, transport, media).chat_stream(request(), call()):
                got.append(one)
    assert [len(one.choices) for one in got] == [1, 0]
    assert got[-1].usage.output_tokens == 1
    assert got[-1].usage.estimated
    assert got[-1].gateway.provider == "acme"
    assert caught.value.metadata["provider"] == "acme"
    assert SECRET not in caught.value.message


async def test_a_stream_that_breaks_before_its_first_chunk_only_fails(transport: Transport, media: CallerMedia) -> None:
    got: list[StreamChatCompletionResponse] = []
    async with serving(sending(HEAD, b"0\r\n\r\n")) as server:
        with pytest.raises(ProviderUnavailable):
            async for one in backend(server.url, transport, media).chat_stream(request(), call()):
                got.append(one)
    assert got == []


@pytest.mark.parametrize("streamed", [False, True])
@best_of_three
async def test_the_deadline_ends_a_hanging_provider(transport: Transport, media: CallerMedia, streamed: bool) -> None:
    async with serving(sending(HEAD, stay=True)) as server:
        began = asyncio.get_running_loop().time()
        with pytest.raises(ProviderTimeout):
            await collect(backend(server.url, transport, media), streamed, seconds=0.3)
        assert asyncio.get_running_loop().time() - began < 0.35


@pytest.mark.parametrize("streamed", [False, True])
@best_of_three
async def test_cancelling_closes_the_socket_within_50_ms(
    transport: Transport, media: CallerMedia, streamed: bool
) -> None:
    took = []
    loop = asyncio.get_running_loop()
    async with serving(sending(HEAD + chunk(b"a\n"), stay=True)) as server:
        made = backend(server.url, transport, media)
        for number in range(200):
            task = asyncio.ensure_future(collect(made, streamed))
            await server.accepted(number + 1)
            await asyncio.sleep(0.002)
            task.cancel()
            began = loop.time()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(server.peers[-1].closed.wait(), 2)
            took.append(server.peers[-1].closed_at - began)
    assert statistics.quantiles(took, n=100)[98] < 0.05


@best_of_three
async def test_closing_the_generator_closes_the_socket(transport: Transport, media: CallerMedia) -> None:
    """A slow caller goes away while the generator is parked at its yield: GeneratorExit, not cancellation."""
    async with serving(sending(HEAD + chunk(b"a\n"), stay=True)) as server:
        chunks = backend(server.url, transport, media).chat_stream(request(), call())
        await anext(chunks)
        await chunks.aclose()
        await asyncio.wait_for(server.peers[0].closed.wait(), 0.05)


async def test_streams_that_ended_well_share_a_connection(transport: Transport, media: CallerMedia) -> None:
    async def converse(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.send(HEAD + chunk(b"a\nEND\n"))
            await peer.send(b"0\r\n\r\n")

    async with serving(converse) as server:
        made = backend(server.url, transport, media)
        for _ in range(10):
            assert len(await collect(made)) == 1
            await asyncio.sleep(0.005)
        assert len(server.peers) == 1


async def test_a_table_of_codecs_goes_by_the_providers_name_of_the_model(
    transport: Transport, media: CallerMedia
) -> None:
    class Odd(LineCodec):
        @override
        def decode_error(self, response: HttpResponse) -> HubError:
            return ProviderRateLimited("read by the row's own codec")

    usual, odd = LineCodec(), Odd()
    table = ByModel(usual, ((re.compile(r"m1"), odd),))
    async with serving(sending(b"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")) as server:
        asked = HttpChatBackend(Endpoint("acme", server.url, bearer), table, transport, media)
        with pytest.raises(ProviderRateLimited, match="the row's own"):
            await asked.chat(request(), call(model="m1"))
        with pytest.raises(ProviderCredentialInvalid):
            await asked.chat(request(), call(model="m2"))
    assert (len(usual.encoded), len(odd.encoded)) == (1, 1)
