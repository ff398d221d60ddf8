"""Several workers behind one port, as a process: what they share, what they refuse, how they live and end."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.admin.v1 import provider_service_pb2 as providers_pb
from aignehub.admin.v1.key_service_pb2_grpc import KeyServiceStub
from aignehub.admin.v1.provider_service_pb2_grpc import ProviderServiceStub
from aignehub.v1 import options_pb2
from aignehub.v1.chat_service_pb2_grpc import ChatServiceStub

from server.errors import ConcurrencyExceeded
from server.identity.caller import Caller
from server.identity.rights import Rights
from server.interceptors.admission import Slots
from tests.e2e.test_serve import serving
from tests.fake_provider import FakeProvider, answers, completion
from tests.running import ask, bearer, failure

APART = [("grpc.use_local_subchannel_pool", 1)]
CONNECTIONS = 12
"""So many that both of two workers have some, but once in two thousand times."""


def _workers(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


async def _failing(call: Any) -> Any:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return failure(error)
    raise AssertionError("it was let through")


async def _echo(address: str, key: str, model: str = "sandbox/echo", **more: Any) -> str:
    async with grpc.aio.insecure_channel(address, options=APART) as channel:
        request = ask("knock", model=model, **more)
        answer = await ChatServiceStub(channel).CreateChatCompletion(request, metadata=bearer(key), timeout=5)
        return str(answer.choices[0].message.content[0].text)


async def _everywhere(address: str, key: str, model: str = "sandbox/echo") -> None:
    said = await asyncio.gather(*(_echo(address, key, model) for _ in range(CONNECTIONS)))
    assert all("knock" in text for text in said)


async def _is_everywhere(address: str, key: str, model: str) -> bool:
    try:
        await _everywhere(address, key, model)
    except grpc.aio.AioRpcError as error:
        if error.code() != grpc.StatusCode.NOT_FOUND:
            raise
        return False
    return True


async def _lines(process: asyncio.subprocess.Process, event: str, count: int) -> list[dict[str, Any]]:
    """The next ``count`` lines of the log that tell of ``event``."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(15):
        assert process.stderr
        while len(found) < count:
            line = await process.stderr.readline()
            assert line, f"it ended without {event}"
            told = json.loads(line) if line.startswith(b"{") else {}
            if told.get("event") == event:
                found.append(told)
    return found


async def test_workers_share_a_port_and_the_keys_and_drain_together(tmp_path: Path) -> None:
    finished = asyncio.Event()

    async def slow(request: Any) -> Any:
        await asyncio.wait_for(finished.wait(), 10)
        return await answers(completion("at last"))(request)

    async with FakeProvider(slow) as fake:
        environ = {"OPENAI_API_KEY": "sk", "OPENAI_BASE_URL": fake.base_url}
        async with serving(tmp_path, "--dev", "--workers", "2", **environ) as (process, address):
            key = (tmp_path / ".hub" / "key").read_text().strip()
            assert len(_workers(process.pid)) == 2
            async with grpc.aio.insecure_channel(address, options=APART) as channel:
                await _refuses_what_cannot_hold(channel, address, key)
                asked = keys_pb.CreateKeyRequest(key=keys_pb.Key(display_name="new"))
                made = await KeyServiceStub(channel).CreateKey(asked, metadata=bearer(key), timeout=5)
                await asyncio.sleep(0.8)  # each looks for the others' keys twice a second
                await _everywhere(address, made.secret)
                calls = [asyncio.create_task(_echo(address, key, "openai/gpt-5")) for _ in range(CONNECTIONS)]
                while len(fake.seen) < len(calls):
                    await asyncio.sleep(0.01)
                process.send_signal(signal.SIGTERM)
                await _lines(process, "ready", 2)
                await asyncio.sleep(0.1)
                assert len(_workers(process.pid)) == 2
                finished.set()
                assert await asyncio.gather(*calls) == ["at last"] * len(calls)
            assert await asyncio.wait_for(process.wait(), 10) == 0


async def _refuses_what_cannot_hold(channel: grpc.aio.Channel, address: str, key: str) -> None:
    providers = ProviderServiceStub(channel)
    update = providers_pb.UpdateProviderRequest(provider="sandbox", enabled=False)
    reload = providers_pb.ReloadConfigurationRequest()
    once = options_pb2.GatewayOptions(idempotency_key="once")
    for call, named in (
        (providers.UpdateProvider(update, metadata=bearer(key), timeout=5), "UpdateProvider"),
        (providers.ReloadConfiguration(reload, metadata=bearer(key), timeout=5), "SIGHUP"),
        (_echo(address, key, gateway=once), "gateway.idempotency_key"),
    ):
        refused = await _failing(call)
        assert (refused.code, refused.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "SEVERAL_WORKERS")
        assert named in refused.message
        assert "workers is more than 1" in refused.message


async def test_each_reloads_at_sighup_and_one_that_died_is_replaced_by_its_like(tmp_path: Path) -> None:
    config, first = tmp_path / "hub.yaml", "workers: 2\nsandbox: true\naliases: {{{}: sandbox/echo}}\n"
    config.write_text(first.format("brisk"))
    environ = {"HUB_AUTH__BOOTSTRAP_KEY_FILE": str(tmp_path / "key")}
    async with serving(tmp_path, "--config", str(config), **environ) as (process, address):
        key, before = (tmp_path / "key").read_text().strip(), config.stat()
        await _everywhere(address, key, "brisk")
        # A change that a look at the file does not tell, so that it is the signal that makes them read it.
        config.write_text(first.format("quick"))
        os.utime(config, ns=(before.st_atime_ns, before.st_mtime_ns))
        process.send_signal(signal.SIGHUP)
        assert [line["generation"] for line in await _lines(process, "configuration", 2)] == [2, 2]
        await _everywhere(address, key, "quick")

        config.write_text("aliases: [")
        dead, left = sorted(_workers(process.pid))
        os.kill(dead, signal.SIGKILL)
        ended = await _lines(process, "a worker ended", 2)  # the second could not read the file
        assert (ended[0]["pid"], ended[0]["status"]) == (dead, -signal.SIGKILL)
        assert ended[1]["retry_in"] > ended[0]["retry_in"]
        await _everywhere(address, key, "quick")  # the one that is left serves on
        config.write_text(first.format("clean"))
        await _lines(process, "ready", 1)
        assert len(_workers(process.pid) - {left}) == 1
        async with asyncio.timeout(10):  # the other looks at the file in its own time
            while not await _is_everywhere(address, key, "clean"):
                await asyncio.sleep(0.1)

        for pid in _workers(process.pid):
            os.kill(pid, signal.SIGKILL)
        await _lines(process, "no worker is left", 1)
        assert await asyncio.wait_for(process.wait(), 10) == 1


async def test_a_fault_of_the_settings_is_told_once_and_ends_the_start(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = taken.sockets[0].getsockname()[1]
    for arguments, environ, told in (
        ((), {"HUB_UNIX_SOCKET": "hub.sock"}, "unix_socket: one process alone can listen on it"),
        (("--listen", f"127.0.0.1:{port}"), {}, "error: listen: cannot bind"),
        ((), {"HUB_HEALTH_LISTEN": f"127.0.0.1:{port}"}, "error: health_listen: cannot bind"),
    ):
        with pytest.raises(AssertionError) as caught:
            async with serving(tmp_path, "--workers", "2", *arguments, **environ):
                pass
        assert str(caught.value).count(told) == 1
    taken.close()


def test_a_worker_admits_its_share_of_a_limit() -> None:
    slots, caller = Slots(5, 3, workers=2), Caller(id="c", rights=Rights((), ()))
    slots.take(caller)
    slots.take(caller)
    with pytest.raises(ConcurrencyExceeded, match="2 calls in progress at this one of 2 workers"):
        slots.take(caller)
