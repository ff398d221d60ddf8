"""What a caller may make the hub fetch. Every refusal is proved by a sink that nobody reached."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.errors import HubError, InvalidArgument, ProviderTimeout, UrlRefused
from server.transport.addresses import is_public, literal
from server.transport.guard import EgressGuard, _joined, _parse, _Refused
from server.transport.settings import EgressSettings
from tests.unit.transport.servers import Peer, RawServer, serving, soon

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
FIELD = "messages[0].content[1].image.media.url"
LOOPBACK = (ip_network("127.0.0.0/8"),)


class Names:
    """A resolver whose answers a test chooses; a name's answers are used up one by one, the last stays."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", "."): list(found) for name, found in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.get(host)
        if not found:
            raise OSError("unknown")
        answer: Sequence[str] = found.pop(0) if len(found) > 1 else found[0]
        return answer


@pytest.fixture
async def sink() -> AsyncIterator[RawServer]:
    """Stands for everything inside; nothing may reach it."""

    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.answer(PNG)

    async with serving(converse) as server:
        yield server


def ports(*servers: RawServer) -> frozenset[int]:
    return frozenset({80, 443, *(server.port for server in servers)})


def bad_hosts() -> list[str]:
    """Over 200 ways to name a place inside."""
    hosts = [
        *(
            "127.0.0.1",
            "127.0.0.2",
            "127.1",
            "127.0.1",
            "0177.0.0.1",
            "0x7f.0.0.1",
            "0x7f.1",
            "0x7f000001",
            "2130706433",
        ),
        *(
            "017700000001",
            "0x7F.0.0.0x1",
            "127.0.0.1.",
            "127.255.255.254",
            "00000177.0.0.1",
            "0177.1",
            "0x7f.0x0.0x0.0x1",
        ),
        *("0", "0.0.0.0", "0.0.0.1", "00.0.0.0", "0x0", "10.0.0.1", "10.255.255.255", "10.1", "012.0.0.1", "0xa.0.0.1"),
        *("172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.1", "0xc0.0xa8.0.1", "3232235521", "169.254.169.254"),
        *("169.254.0.1", "0xa9fea9fe", "2852039166", "0xa9.0xfe.0xa9.0xfe", "0251.0376.0251.0376", "100.64.0.1"),
        *(
            "100.100.100.200",
            "100.127.255.255",
            "192.0.0.192",
            "192.0.0.1",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
        ),
        *(
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
        ),
        *("192.88.99.1", "localhost", "LOCALHOST", "localhost.", "a.localhost", "localhost.localdomain", "router"),
        *("metadata", "metadata.google.internal", "printer.local", "db.internal", "nas.home.arpa", "kubernetes"),
        # Digits and dots that IDNA folds to ASCII.
        *("１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛocalhost", "１６９．２５４．１６９．２５４"),  # noqa: RUF001
    ]
    inside4 = ("127.0.0.1", "10.0.0.1", "192.168.0.1", "169.254.169.254", "172.16.5.5", "100.64.0.1")
    six = ["::", "::1", "0:0:0:0:0:0:0:1", "fe80::1", "febf::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "ff02::1"]
    six += ["fec0::1", "100::1", "2001:db8::1", "3fff::1", "5f00::1", "2001::1", "2001:10::1", "2001:20::1", "4000::1"]
    for four in inside4:
        high, low = ((int(ip_address(four)) >> 16) & 0xFFFF), int(ip_address(four)) & 0xFFFF
        six += [f"::ffff:{four}", f"::ffff:{high:x}:{low:x}", f"::{four}", f"::ffff:0:{four}"]
        six += [f"64:ff9b::{four}", f"64:ff9b:1::{four}", f"2002:{high:x}:{low:x}::1"]
        six += [f"2001:0:{high:x}:{low:x}::1", f"fe80::5efe:{four}"]
    return [*hosts, *(f"[{one}]" for one in six)]


def bad_urls() -> list[str]:
    urls = [f"https://{host}/x.png" for host in bad_hosts()]
    urls += [f"https://{host}:443/x.png" for host in bad_hosts()]
    urls += [
        *("http://example.com/x.png", "ftp://example.com/x", "file:///etc/passwd", "gopher://127.0.0.1:6379/_INFO"),
        *(
            "data:image/png;base64,AAAA",
            "javascript:alert(1)",
            "dict://127.0.0.1:11211/",
            "//example.com/x",
            "/etc/passwd",
        ),
        *("https://", "https:///x", "https://?x", "https:example.com", "x", "", "https://user@example.com/x"),
        *("https://user:pw@example.com/", "https://example.com@127.0.0.1/", "https://127.0.0.1#@example.com/"),
        *("https://127.0.0.1?@example.com/", "https://127.0.0.1\\@example.com/", "https://example.com\\.evil/"),
        *("https://127.0.0.1%00.example.com/", "https://127.0.0.1%2eexample.com:443/", "https://exam ple.com/"),
        *(
            "https://example.com\r\nHost: a/",
            "https://example.com\t/",
            "https://exa\u2028mple.com/",
            " https://127.0.0.1/",
        ),
        *(
            "https://example.com:22/",
            "https://example.com:6379/",
            "https://example.com:99999/",
            "https://example.com:x/",
        ),
        *(
            "https://[::1/",
            "https://::1/",
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[v1.fe80::a]/",
        ),
        *("https://0x7f.0x0.0x0.0x1:443/", "https://127.0.0.1.nip.io:25/", "s3://bucket/key", "gs://bucket/key"),
    ]
    return urls


async def test_the_corpus_is_refused_and_nothing_is_reached(sink: RawServer) -> None:
    """Names of the corpus that are no literal lead to the sink, so only the guard stands between."""

    async def to_the_sink(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    urls = bad_urls()
    assert len(urls) >= 200
    async with EgressGuard(EgressSettings(), resolve=to_the_sink) as guard:
        for url in urls:
            with pytest.raises(UrlRefused) as caught:
                await guard.fetch(url, field=FIELD, deadline=soon(2), max_bytes=1000)
            assert caught.value.fields[0].field == FIELD
            assert caught.value.reason == "URL_NOT_ALLOWED"
            assert caught.value.message.startswith(FIELD + ": ")
    assert sink.peers == []


async def test_the_corpus_aimed_at_the_sinks_own_port_reaches_nothing(sink: RawServer) -> None:
    egress = EgressSettings(allow_http=True, allowed_ports=ports(sink))
    async with EgressGuard(egress) as guard:
        for host in bad_hosts():
            with pytest.raises(UrlRefused):
                await guard.fetch(f"http://{host}:{sink.port}/", field=FIELD, deadline=soon(2), max_bytes=1000)
    assert sink.peers == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["10.0.0.1"],
        ["93.184.216.34", "127.0.0.1"],
        ["2606:2800:220:1::1", "::1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["fe80::1%eth0"],
    ],
)
async def test_every_address_of_a_name_must_be_public(addresses: list[str]) -> None:
    async with EgressGuard(EgressSettings(), resolve=Names(cat_example=[addresses])) as guard:
        with pytest.raises(UrlRefused, match="private or reserved"):
            await guard.fetch("https://cat.example/", field=FIELD, deadline=soon(2), max_bytes=1000)


async def test_a_name_that_changes_its_answer_is_connected_to_where_it_was_judged(sink: RawServer) -> None:
    """DNS rebinding: the first answer is allowed, every later one is not, and none is asked for."""
    seen: list[str] = []

    async def converse(peer: Peer) -> None:
        seen.append(peer.writer.get_extra_info("sockname")[0])
        await peer.request()
        await peer.answer(PNG)

    async with serving(converse) as server:
        names = Names(cat_example=[["127.0.0.1"], ["127.0.0.2"]])
        egress = EgressSettings(
            allow_http=True, allowed_ports=ports(server), allowed_networks=(ip_network("127.0.0.1/32"),)
        )
        async with EgressGuard(egress, resolve=names) as guard:
            url = f"http://cat.example:{server.port}/"
            fetched = await guard.fetch(url, field=FIELD, deadline=soon(2), max_bytes=1000)
            assert fetched.data == PNG
            assert names.asked == ["cat.example"]
            with pytest.raises(UrlRefused):
                await guard.fetch(url, field=FIELD, deadline=soon(2), max_bytes=1000)
    assert seen == ["127.0.0.1"]


def inside(*servers: RawServer, **more: Any) -> EgressSettings:
    return EgressSettings(allow_http=True, allowed_ports=ports(*servers), allowed_networks=LOOPBACK, **more)


async def test_redirects_are_judged_anew_and_counted(sink: RawServer) -> None:
    """From an allowed 127.0.0.1 to the sink under a name that is not allowed, and to every odd scheme."""
    targets: list[str] = []

    async def converse(peer: Peer) -> None:
        _, headers, _ = await peer.request()
        assert not {"authorization", "cookie", "referer", "x-api-key"} & set(headers)
        await peer.answer(b"", status="302 Found", headers=f"Location: {targets[0]}\r\nSet-Cookie: a=b\r\n")

    async with serving(converse) as server:
        egress = EgressSettings(
            allow_http=True, allowed_ports=ports(server, sink), allowed_networks=(ip_network("127.0.0.1/32"),)
        )
        async with EgressGuard(egress) as guard:
            for target in [
                f"http://127.0.0.2:{sink.port}/",
                f"//127.0.0.2:{sink.port}/",
                f"http://[::1]:{sink.port}/",
                f"http://2130706434:{sink.port}/",
                "http://169.254.169.254/latest/meta-data/",
                "file:///etc/passwd",
                "gopher://127.0.0.1/",
                "http://user@127.0.0.1/",
                "http://127.0.0.1:22/",
                "http://127.0.0.1\\@example.com/",
                "http://127.0.0.1/\udce9",
            ]:
                targets[:] = [target]
                with pytest.raises(UrlRefused):
                    await guard.fetch(server.url, field=FIELD, deadline=soon(2), max_bytes=1000)
            targets[:] = ["/again"]
            before = len(server.peers)
            with pytest.raises(InvalidArgument, match="redirects more than 3 times"):
                await guard.fetch(server.url, field=FIELD, deadline=soon(2), max_bytes=1000)
            assert len(server.peers) - before == 4
    assert sink.peers == []


async def test_a_redirect_within_bounds_is_followed() -> None:
    async def converse(peer: Peer) -> None:
        line, _, _ = await peer.request()
        if line.startswith("GET /a"):
            await peer.answer(b"", status="307 Temporary", headers="Location: b?x=%2F#frag\r\n")
        else:
            assert line.startswith("GET /b?x=%2F HTTP")
            await peer.answer(PNG, headers="Content-Type: text/plain\r\n")

    async with serving(converse) as server, EgressGuard(inside(server)) as guard:
        fetched = await guard.fetch(server.url + "/a", field=FIELD, deadline=soon(2), max_bytes=1000, accept=["image/"])
        assert (fetched.data, fetched.mime_type) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "answered with status 404"),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "answered with status 500"),
        (b"HTTP/1.1 204 None\r\n\r\n", "answered with status 204"),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "answered with status 302"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + PNG, "longer than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + PNG * 40, "longer than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + PNG, "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>", "is text/html, not image/*"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", "is of no known type, not image/*"),
        (b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 5\r\n\r\n%PDF-", "is application/pdf"),
        (b"garbage\r\n\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\na", "compressed"),
    ],
)
async def test_what_cannot_be_had_names_the_field(answer: bytes, message: str) -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.send(answer)

    async with serving(converse) as server, EgressGuard(inside(server)) as guard:
        with pytest.raises(HubError, match=message.replace("*", r"\*")) as caught:
            await guard.fetch(server.url, field=FIELD, deadline=soon(2), max_bytes=1000, accept=["image/"])
        assert type(caught.value) is InvalidArgument
        assert caught.value.fields[0].field == FIELD
        assert "127.0.0.1" not in caught.value.message


async def test_a_slow_url_ends_with_the_deadline_and_is_named() -> None:
    async def converse(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with serving(converse) as server, EgressGuard(inside(server)) as guard:
        with pytest.raises(ProviderTimeout) as caught:
            await guard.fetch(server.url, field=FIELD, deadline=soon(0.2), max_bytes=1000)
        assert caught.value.message.startswith(FIELD)
        await asyncio.wait_for(server.peers[0].closed.wait(), 1)


@pytest.mark.parametrize("url", [url for url in bad_urls() if not url.startswith(("http://example", "s3:", "gs:"))])
async def test_a_url_passed_on_may_not_plainly_name_a_place_inside(url: str) -> None:
    guard = EgressGuard(EgressSettings(allowed_networks=LOOPBACK))
    if url in ("https://example.com:22/", "https://example.com:6379/", "https://127.0.0.1.nip.io:25/"):
        guard.check_literal(url, field=FIELD)  # ports are the provider's affair
    else:
        with pytest.raises(UrlRefused):
            guard.check_literal(url, field=FIELD)


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png", "http://example.com/", "gs://bucket/o", "s3://bucket/o", "https://8.8.8.8/"]
)
async def test_a_public_url_is_passed_on(url: str) -> None:
    EgressGuard(EgressSettings()).check_literal(url, field=FIELD)


@pytest.mark.parametrize(
    ("base_url", "private"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("http://[::1]:8000", True),
        ("http://10.2.3.4", True),
        ("http://8.8.8.8", False),
        ("http://vllm:8000/v1", True),
        ("https://api.example", False),
        ("https://mixed.example", True),
        ("https://nowhere.example", True),
    ],
)
async def test_a_provider_inside_is_told_from_one_outside(base_url: str, private: bool) -> None:
    names = Names(vllm=[["172.20.0.3"]], api_example=[["93.184.216.34"]], mixed_example=[["93.184.216.34", "10.0.0.1"]])
    guard = EgressGuard(EgressSettings(allowed_networks=LOOPBACK), resolve=names)
    assert await guard.is_private_host(base_url) is private
    asked = len(names.asked)
    assert await guard.is_private_host(base_url) is private
    assert len(names.asked) == asked  # remembered


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:82a::200e"]
)
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_no_public_range_of_ours_is_private_to_the_standard_library() -> None:
    """A second opinion on the table: what Python calls private, the table may not call public."""
    for first in range(256):
        for second in range(256):
            address = ip_address(f"{first}.{second}.1.1")
            if is_public(address):
                assert address.is_global, address
    for high in range(0, 0x10000, 7):
        address = ip_address(f"{high:x}:5::1")
        if is_public(address):
            assert address.is_global, address


def test_spellings_of_one_address() -> None:
    for spelling in ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "017700000001", "127.0.0.1."]:
        assert literal(spelling) == ip_address("127.0.0.1"), spelling
    for name in ["example.com", "1.2.3.4.5", "0x", "a.1", "1.2.3.4.com", "256.256.256.256.256"]:
        assert literal(name) is None, name


URL_PARTS = st.lists(
    st.one_of(
        st.sampled_from(
            ["https", "http", "://", "//", "@", ":", "[", "]", "/", "?", "#", "\\", ".", "..", "%", "%2e", "0x7f"]
        ),
        st.sampled_from(
            ["127.0.0.1", "::1", "example.com", "localhost", "xn--", "é", "。", "443", "-", "\0", "\ud800"]
        ),
        st.text(max_size=4),
    ),
    max_size=10,
).map("".join)


@given(URL_PARTS, URL_PARTS)
@settings(max_examples=600, deadline=None, database=None)
def test_no_url_trips_the_guard(text: str, location: str) -> None:
    """Any text is taken or refused; what is taken has a public literal or a name, in the very bytes that are sent."""
    guard = EgressGuard(EgressSettings())
    with contextlib.suppress(UrlRefused):
        guard.check_literal("https://" + text, field=FIELD)
    with contextlib.suppress(_Refused):
        taken = _parse("https://" + text, frozenset({"https"}))
        sent = urlsplit(str(taken))
        assert sent.hostname == (taken.raw_host or "").lower()
        assert sent.username is None
        taken = _parse(_joined(taken, location), frozenset({"https"}))
        assert str(taken).isascii()
