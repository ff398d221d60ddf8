"""The hub as a process: how it starts, what it refuses to start with, how it ends."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
import trustme
from aignehub.v1.chat_service_pb2_grpc import ChatServiceStub

from tests.fake_provider import FakeProvider, answers, completion
from tests.running import ask, bearer

ROOT = Path(__file__).resolve().parents[2]


def _environ(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'generated'}", **more}


@asynccontextmanager
async def serving(
    folder: Path, *arguments: str, **environ: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """``hub serve`` in ``folder`` and the address it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0", *arguments,
        cwd=folder, env=_environ(**environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        line = (await asyncio.wait_for(process.stdout.readline(), 20)).decode()
        assert line.startswith("listening on "), line + (await process.communicate())[1].decode()
        yield process, line.removeprefix("listening on ").strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_first_look(tmp_path: Path) -> None:
    """What `make run` does: the sandbox, a key, a call to paste, and a provider from the environment."""
    async with FakeProvider(answers(completion("from the fake"))) as fake:
        environ = {"OPENAI_API_KEY": "sk-from-env", "OPENAI_BASE_URL": fake.base_url}
        async with serving(tmp_path, "--dev", **environ) as (process, address):
            assert process.stdout
            printed = [(await asyncio.wait_for(process.stdout.readline(), 5)).decode() for _ in range(4)]
            key = (tmp_path / ".hub" / "key").read_text().strip()
            assert key in printed[0]
            assert 'chat "' in printed[2]
            for private in ("key", "pepper", "hub.db"):
                assert (tmp_path / ".hub" / private).stat().st_mode & 0o077 == 0
            async with grpc.aio.insecure_channel(address) as channel:
                chat = ChatServiceStub(channel)
                echoed = await chat.CreateChatCompletion(ask("knock", model=""), metadata=bearer(key), timeout=5)
                assert "knock" in echoed.choices[0].message.content[0].text
                answered = await chat.CreateChatCompletion(ask(), metadata=bearer(key), timeout=5)
                assert answered.choices[0].message.content[0].text == "from the fake"
            assert fake.seen[0].headers["Authorization"] == "Bearer sk-from-env"
            process.send_signal(signal.SIGTERM)
            _, errors = await asyncio.wait_for(process.communicate(), 10)
            assert process.returncode == 0
            assert key not in errors.decode()
            assert "sk-from-env" not in errors.decode()
            assert "knock" not in errors.decode()  # what people say is not logged


async def test_a_key_file_lets_a_container_start(tmp_path: Path) -> None:
    key_file = tmp_path / "secret" / "key"
    key_file.parent.mkdir()
    for folder in ("one", "two"):  # the second takes the key that the first one wrote
        (tmp_path / folder).mkdir()
        environ = {"HUB_BOOTSTRAP_KEY_FILE": str(key_file), "HUB_SANDBOX": "true"}
        async with serving(tmp_path / folder, **environ) as (_, address), grpc.aio.insecure_channel(address) as channel:
            metadata = bearer(key_file.read_text().strip())
            await ChatServiceStub(channel).CreateChatCompletion(ask(model="sandbox/echo"), metadata=metadata, timeout=5)


async def test_a_unix_socket_beside_the_port(tmp_path: Path) -> None:
    socket = tmp_path / "hub.sock"
    key_file = tmp_path / "key"
    environ = {
        "HUB_UNIX_SOCKET": str(socket), "HUB_SANDBOX": "true", "HUB_BOOTSTRAP_KEY_FILE": str(key_file),
    }  # fmt: skip
    async with serving(tmp_path, **environ), grpc.aio.insecure_channel(f"unix:{socket}") as channel:
        metadata = bearer(key_file.read_text().strip())
        await ChatServiceStub(channel).CreateChatCompletion(ask(model="sandbox/echo"), metadata=metadata, timeout=5)


async def test_tls_and_a_renewed_certificate(tmp_path: Path) -> None:
    authorities = [trustme.CA(), trustme.CA()]
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def install(authority: trustme.CA) -> None:
        issued = authority.issue_cert("localhost")
        issued.private_key_pem.write_to_path(key)
        cert.write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))

    install(authorities[0])
    config = tmp_path / "hub.yaml"
    config.write_text(f"sandbox: true\ntls: {{cert_file: {cert}, key_file: {key}}}\n")
    key_file = tmp_path / "key"
    environ = {"HUB_BOOTSTRAP_KEY_FILE": str(key_file)}
    async with serving(tmp_path, "--config", str(config), **environ) as (_, address):
        port = address.rpartition(":")[2]
        metadata = bearer(key_file.read_text().strip())
        for authority in authorities:
            install(authority)
            credentials = grpc.ssl_channel_credentials(authority.cert_pem.bytes())
            options = [("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.secure_channel(f"localhost:{port}", credentials, options=options) as channel:
                await ChatServiceStub(channel).CreateChatCompletion(
                    ask(model="sandbox/echo"), metadata=metadata, timeout=5
                )


async def test_a_living_hubs_socket_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "hub.sock"
    async with serving(tmp_path, HUB_UNIX_SOCKET=str(path), HUB_SANDBOX="true"):
        done = subprocess.run(
            [sys.executable, "-m", "server", "serve", "--listen", "127.0.0.1:0"],
            cwd=tmp_path, env=_environ(HUB_UNIX_SOCKET=str(path)), capture_output=True, text=True, timeout=20,
            check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert "another process listens" in done.stderr
        assert path.is_socket()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("listen: 0.0.0.0:0", "allow_plaintext: true"),
        ("lisen: x", "did you mean listen?"),
        ("providers: [{name: a}]", "a is no kind of provider; there are"),
        ("providers: [{name: openai-compatible}]", "kind openai-compatible has no address of its own"),
        ("providers: [{name: openai, base_url: 'ftp://x'}]", "providers[0]"),
        ("providers: [{name: openai, api_keys: ['env:NOPE']}]", "environment variable NOPE is not set"),
        ("providers: [{name: openai}, {name: openai}]", "providers[1].name: openai is taken"),
        ("providers: [{name: openai, options: {organisation: x}}]", "openai has no such option"),
        ("tls: {cert_file: /no/crt, key_file: /no/key}", "cannot read /no/key"),
        ("auth: {issuers: [{issuer: a, audiences: [b]}]}", "jwks_url"),
        ("transport: {ca_file: /no/such.pem}", "/no/such.pem"),
        ("transport: {ca_file: /etc/hostname}", "holds no PEM certificates"),
        ("data_dir: /etc/hostname", "data_dir: cannot make /etc/hostname"),
        ("listen: 127.0.0.1:99999", "'127.0.0.1:99999' is no address"),
        ("health_listen: foo", "'foo' is no address"),
        ("health_listen: 192.0.2.1:50052", "health_listen: cannot bind 192.0.2.1:50052"),
        ("listen: foo", "'foo' is no address; write host:port"),
        ("grpc: {max_concurrent_streams: 99999999999}", "grpc.max_concurrent_streams"),
        ("grpc: {keepalive_time: 99999999999}", "grpc.keepalive_time"),
        ("unix_socket: /no/such/folder/hub.sock", "unix_socket: cannot bind"),
        ("egress: {allowed_ports: [0]}", "egress.allowed_ports[0]"),
    ],
)
def test_what_it_does_not_start_with(tmp_path: Path, settings: str, told: str) -> None:
    config = tmp_path / "hub.yaml"
    config.write_text(settings)
    listen = [] if "listen" in settings else ["--listen", "127.0.0.1:0"]
    done = subprocess.run(
        [sys.executable, "-m", "server", "serve", "--config", str(config), *listen],
        cwd=tmp_path, env=_environ(), capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_plaintext_beyond_loopback_said_twice_is_served(tmp_path: Path) -> None:
    from server.config import load_settings
    from server.errors import ConfigError
    from server.listener import add_ports, build_server

    async def bind(**settings: object) -> str:
        loaded = load_settings(None, {}, listen="0.0.0.0:0", **settings)
        server = build_server(loaded, [])
        try:
            return add_ports(server, loaded)
        finally:
            await server.stop(None)

    with pytest.raises(ConfigError, match="allow_plaintext"):
        asyncio.run(bind())
    assert asyncio.run(bind(allow_plaintext=True)).startswith("0.0.0.0:")
