"""TLS with the operator's own authority, and the way through a proxy."""

import asyncio
import ssl
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from server.errors import ProviderUnavailable
from server.transport.client import Transport
from server.transport.credentials import bearer
from server.transport.endpoint import Credential, Endpoint
from server.transport.guard import EgressGuard
from server.transport.settings import EgressSettings, TransportSettings
from server.wire.http import HttpRequest
from tests.unit.transport.servers import Peer, RawServer, serving, soon

pytestmark = pytest.mark.usefixtures("way")

KEY = Credential("k", "sk-secret")
ASK = HttpRequest("/chat", b"{}")


async def ok(peer: Peer) -> None:
    while True:
        await peer.request()
        await peer.answer(b"ok")


async def test_the_operators_authority_is_trusted_and_no_other(authority: tuple[ssl.SSLContext, str]) -> None:
    context, bundle = authority
    async with serving(ok, context) as server:
        there = Endpoint("acme", server.url.replace("http:", "https:"), bearer)
        async with Transport(TransportSettings(ca_bundle=bundle)) as transport:
            assert (await transport.send(there, ASK, credential=KEY, deadline=soon(5))).body == b"ok"
            await transport.send(there, ASK, credential=KEY, deadline=soon(5))
            assert len(server.peers) == 1
        async with Transport(TransportSettings()) as transport:
            with pytest.raises(ProviderUnavailable, match="certificate is not trusted"):
                await transport.send(there, ASK, credential=KEY, deadline=soon(5))


async def test_a_server_without_tls_is_told_so(transport: Transport) -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.answer(status="400 Bad")

    async with serving(plain) as server:
        there = Endpoint("acme", server.url.replace("http:", "https:"), bearer)
        with pytest.raises(ProviderUnavailable, match="TLS handshake"):
            await transport.send(there, ASK, credential=KEY, deadline=soon(5))


async def test_a_missing_bundle_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        await Transport(TransportSettings(ca_bundle=str(tmp_path / "none.pem"))).start()


async def test_cancelling_over_tls_closes_the_socket_at_once(authority: tuple[ssl.SSLContext, str]) -> None:
    context, bundle = authority

    async def hang(peer: Peer) -> None:
        await peer.request()
        await peer.gone()

    async with serving(hang, context) as server, Transport(TransportSettings(ca_bundle=bundle)) as transport:
        there = Endpoint("acme", server.url.replace("http:", "https:"), bearer)
        for number in range(20):
            call = asyncio.ensure_future(transport.send(there, ASK, credential=KEY, deadline=soon(5)))
            await server.accepted(number + 1)
            await asyncio.sleep(0.01)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            await asyncio.wait_for(server.peers[-1].closed.wait(), 0.05)


class Proxy:
    """A forward proxy that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.refuses = False

    async def __call__(self, peer: Peer) -> None:
        line, headers, _ = await peer.request()
        self.asked.append((line, headers))
        if self.refuses:
            await peer.answer(status="407 Proxy Authentication Required")
            return
        method, target, _ = line.split()
        if method == "CONNECT":
            host, port = target.rsplit(":", 1)
            reader, writer = await asyncio.open_connection(host, int(port))
            await peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pipe(peer.reader, writer), _pipe(reader, peer.writer))
        else:
            await peer.answer(b"by proxy")


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def _proxied(authority: tuple[ssl.SSLContext, str], settings: Any, scheme: str, proxy: Proxy) -> list[bytes]:
    context, bundle = authority
    async with (
        serving(ok, context if scheme == "https" else None) as server,
        serving(proxy) as between,
        Transport(settings(between, bundle)) as transport,
    ):
        there = Endpoint("acme", server.url.replace("http:", f"{scheme}:"), bearer)
        return [(await transport.send(there, ASK, credential=KEY, deadline=soon(5))).body]


def _through(user: str) -> Any:
    def settings(between: RawServer, bundle: str) -> TransportSettings:
        return TransportSettings(proxy=f"http://{user}127.0.0.1:{between.port}", ca_bundle=bundle)

    return settings


@pytest.mark.parametrize("user", ["", "me:p%40ss@"])
async def test_https_goes_through_the_proxy_as_a_tunnel(authority: tuple[ssl.SSLContext, str], user: str) -> None:
    """The proxy sees neither the path nor the credential; the provider sees nothing of the proxy's password."""
    proxy = Proxy()
    assert await _proxied(authority, _through(user), "https", proxy) == [b"ok"]
    (line, headers), *more = proxy.asked
    assert not more
    assert line.startswith("CONNECT 127.0.0.1:")
    assert "authorization" not in headers
    expected = "Basic " + b64encode(b"me:p@ss").decode() if user else None
    assert headers.get("proxy-authorization") == expected


async def test_http_goes_through_the_proxy_with_its_password(authority: tuple[ssl.SSLContext, str]) -> None:
    proxy = Proxy()
    assert await _proxied(authority, _through("me:p%40ss@"), "http", proxy) == [b"by proxy"]
    line, headers = proxy.asked[0]
    assert line.startswith("POST http://127.0.0.1:")
    assert headers["proxy-authorization"] == "Basic " + b64encode(b"me:p@ss").decode()
    assert headers["authorization"] == "Bearer sk-secret"


async def test_a_proxy_that_refuses_or_is_gone_is_named(authority: tuple[ssl.SSLContext, str]) -> None:
    proxy = Proxy()
    proxy.refuses = True
    with pytest.raises(ProviderUnavailable, match="the proxy on the way to it refused"):
        await _proxied(authority, _through("me:hunter2@"), "https", proxy)

    def gone(between: RawServer, bundle: str) -> TransportSettings:
        return TransportSettings(proxy="http://me:hunter2@127.0.0.1:1")

    with pytest.raises(ProviderUnavailable, match="the proxy on the way to it could not be reached") as caught:
        await _proxied(authority, gone, "https", proxy)
    assert "hunter2" not in caught.value.message


async def test_the_environment_is_not_read(monkeypatch: pytest.MonkeyPatch, transport: Transport) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(ok) as server:
        there = Endpoint("acme", server.url, bearer)
        assert (await transport.send(there, ASK, credential=KEY, deadline=soon(5))).status == 200


async def test_an_endpoints_proxy_goes_before_the_common_one() -> None:
    proxy = Proxy()
    async with serving(proxy) as between, Transport(TransportSettings(proxy="http://127.0.0.1:1")) as transport:
        there = Endpoint("acme", "http://far.invalid", bearer, proxy=f"http://127.0.0.1:{between.port}")
        assert (await transport.send(there, ASK, credential=KEY, deadline=soon(5))).body == b"by proxy"


async def test_a_callers_url_is_checked_against_its_certificate(authority: tuple[ssl.SSLContext, str]) -> None:
    """The guard connects to the judged address, yet the certificate must be the name's."""
    context, bundle = authority

    async def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async with serving(ok, context) as server:
        from ipaddress import ip_network

        settings = EgressSettings(
            ca_bundle=bundle, allowed_ports=frozenset({server.port}), allowed_networks=(ip_network("127.0.0.0/8"),)
        )
        async with EgressGuard(settings, resolve=resolve) as guard:
            url = f"https://localhost:{server.port}/"
            assert (await guard.fetch(url, field="f", deadline=soon(5), max_bytes=10)).data == b"ok"
            with pytest.raises(Exception, match="certificate is not trusted"):
                await guard.fetch(url.replace("localhost", "cat.example"), field="f", deadline=soon(5), max_bytes=10)
