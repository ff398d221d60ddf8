"""Several workers behind one port, as a process: what they share, what they refuse, how they live and end."""

import asyncio
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
from tests.running import ask, bearer, failure

APART = [("grpc.use_local_subchannel_pool", 1)]


def _workers(pid: int) -> set[int]:
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


async def _failing(call: Any) -> Any:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return failure(error)
    raise AssertionError("it was let through")


async def _echo(address: str, key: str, **more: Any) -> str:
    async with grpc.aio.insecure_channel(address, options=APART) as channel:
        request = ask("knock", model="sandbox/echo", **more)
        answer = await ChatServiceStub(channel).CreateChatCompletion(request, metadata=bearer(key), timeout=5)
        return str(answer.choices[0].message.content[0].text)


async def test_workers_share_a_port_and_the_keys_and_are_replaced(tmp_path: Path) -> None:
    async with serving(tmp_path, "--dev", "--workers", "2", HUB_DRAIN__GRACE="1") as (process, address):
        key = (tmp_path / ".hub" / "key").read_text().strip()
        first = _workers(process.pid)
        assert len(first) == 2
        async with grpc.aio.insecure_channel(address, options=APART) as channel:
            asked = keys_pb.CreateKeyRequest(key=keys_pb.Key(display_name="new"))
            made = await KeyServiceStub(channel).CreateKey(asked, metadata=bearer(key), timeout=5)
            providers = ProviderServiceStub(channel)
            update = providers_pb.UpdateProviderRequest(provider="sandbox", enabled=False)
            refusals = [
                await _failing(providers.UpdateProvider(update, metadata=bearer(key), timeout=5)),
                await _failing(
                    providers.ReloadConfiguration(
                        providers_pb.ReloadConfigurationRequest(), metadata=bearer(key), timeout=5
                    )
                ),
                await _failing(_echo(address, key, gateway=options_pb2.GatewayOptions(idempotency_key="once"))),
            ]
        assert {(told.code, told.reason) for told in refusals} == {
            (grpc.StatusCode.FAILED_PRECONDITION, "SEVERAL_WORKERS")
        }
        await asyncio.sleep(1)  # within which another process's key is known
        assert all("knock" in text for text in await asyncio.gather(*(_echo(address, made.secret) for _ in range(12))))
        os.kill(min(first), signal.SIGKILL)
        async with asyncio.timeout(10):
            while len(_workers(process.pid) - first) < 1 or min(first) in _workers(process.pid):
                await asyncio.sleep(0.05)
        assert "knock" in await _echo(address, key)
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 15)
        assert process.returncode == 0
        used = [line for line in errors.decode().splitlines() if '"event":"ready"' in line]
        assert len(used) == 3  # two, and the one that took the dead one's place


async def test_a_fault_of_the_settings_is_told_once_and_ends_the_start(tmp_path: Path) -> None:
    try:
        async with serving(tmp_path, "--workers", "2", HUB_UNIX_SOCKET="hub.sock"):
            raise AssertionError("it started")
    except AssertionError as error:
        told = str(error)
    assert told.count("unix_socket: one process alone can listen on it") == 1


def test_a_worker_admits_its_share_of_a_limit() -> None:
    slots, caller = Slots(5, 3, workers=2), Caller(id="c", rights=Rights((), ()))
    slots.take(caller)
    slots.take(caller)
    with pytest.raises(ConcurrencyExceeded, match="2 calls in progress"):
        slots.take(caller)
