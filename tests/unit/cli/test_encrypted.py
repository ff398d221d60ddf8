"""TLS and Unix sockets, from the command's side."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import trustme

from tests.unit.cli.program import run
from tests.unit.cli.stand_in import StandIn, add_to


@pytest.fixture
async def encrypted(tmp_path: Path) -> AsyncIterator[tuple[str, Path]]:
    """The address of a hub that speaks TLS, and the file of its authority."""
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost")
    server = grpc.aio.server()
    add_to(server, StandIn())
    pair = (certificate.private_key_pem.bytes(), certificate.cert_chain_pems[0].bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    yield f"localhost:{port}", ca_file
    await server.stop(None)


async def test_an_authority_of_ones_own_is_trusted_when_named(encrypted: tuple[str, Path], tmp_path: Path) -> None:
    address, ca_file = encrypted
    assert (await run(tmp_path, "chat", "hi", "--address", address, "--ca-file", str(ca_file))).out == "hi \n"
    by_environment = await run(tmp_path, "chat", "hi", HUB_ADDRESS=address, HUB_TLS="1", HUB_CA_FILE=str(ca_file))
    assert by_environment.out == "hi \n"


async def test_an_unknown_authority_is_not(encrypted: tuple[str, Path], tmp_path: Path) -> None:
    address, _ = encrypted
    ended = await run(tmp_path, "chat", "hi", "--address", address, "--tls")
    assert (ended.out, ended.status) == ("", 1)
    assert "--ca-file" in ended.err
    assert ended.err.count("\n") == 1


async def test_plaintext_to_a_tls_port_says_so(encrypted: tuple[str, Path], tmp_path: Path) -> None:
    address, _ = encrypted
    ended = await run(tmp_path, "chat", "hi", "--address", address)
    assert ended.status == 1
    assert "--tls" in ended.err


async def test_a_certificate_of_another_name_is_refused(encrypted: tuple[str, Path], tmp_path: Path) -> None:
    address, ca_file = encrypted
    elsewhere = address.replace("localhost", "127.0.0.1")
    ended = await run(tmp_path, "chat", "hi", "--address", elsewhere, "--ca-file", str(ca_file))
    assert ended.status == 1
    assert "certificate" in ended.err


async def test_a_unix_socket_serves_as_well(tmp_path: Path) -> None:
    server = grpc.aio.server()
    add_to(server, StandIn())
    server.add_insecure_port(f"unix:{tmp_path}/hub.sock")
    await server.start()
    try:
        ended = await run(tmp_path, "chat", "hi", HUB_ADDRESS=f"unix:{tmp_path}/hub.sock", HUB_API_KEY="k")
    finally:
        await server.stop(None)
    assert ended.out == "hi \n"
