"""One drill: providers, the failing network, a hub in a process of its own, and callers."""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from aignehub.admin.v1 import provider_service_pb2
from aignehub.admin.v1.provider_service_pb2_grpc import ProviderServiceStub
from aignehub.v1 import health_service_pb2
from aignehub.v1.health_service_pb2_grpc import HealthServiceStub

from tests.conversations.dialects.base import Dialect
from tests.drill.calls import Callers
from tests.drill.providers import Providers, pairs
from tests.drill.proxy import FaultProxy
from tests.drill.verdict import Verdict, judge
from tests.wire.hub import Hub

_SETTLE_SECONDS = 5.0
_WAITS = {"first_byte_timeout": 2.5, "idle_timeout": 2.5}
"""Seconds; those of production would have a five-minute drill wait most of the time."""


@dataclass(frozen=True)
class Plan:
    """What to run."""

    seconds: float = 300.0
    seed: int = 1
    at_once: int = 24
    share: float = 0.1
    """Of the requests that meet a fault."""
    kinds: tuple[str, ...] = ()
    """Dialects; empty for all."""


async def run(plan: Plan) -> tuple[Verdict, dict[str, int]]:
    """The verdict, and how often each fault was injected. Raises HubFailed where the hub does not start."""
    both = pairs(plan.kinds)
    dialects = [one for pair in both for one in pair]
    async with Providers(dialects) as providers, FaultProxy(providers.port, plan.share, plan.seed) as proxy:
        with tempfile.TemporaryDirectory(prefix="drill-") as folder:
            entries = [_entry(one, proxy.port) for one in dialects]
            async with (
                Hub(Path(folder), entries, groups=_groups(both)) as hub,
                grpc.aio.insecure_channel(hub.address) as channel,
            ):
                callers = Callers(channel, hub.key, both, plan.seed)
                await callers.run(plan.at_once, plan.seconds)
                leaks = await _left_behind(channel, hub.key)
        verdict = judge(callers.made, proxy, providers)
        verdict.leaks += leaks
        return verdict, dict(proxy.injected)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A provider of the hub's configuration, as tests.wire.hub wants it."""

    told: dict[str, Any]

    def config(self) -> dict[str, Any]:
        return self.told


def _entry(dialect: Dialect, port: int) -> _Entry:
    base_url = f"http://127.0.0.1:{port}/{dialect.name}{dialect.base_path}"
    return _Entry({**dialect.configuration(base_url), **_WAITS})


def _groups(both: Sequence[tuple[Dialect, Dialect]]) -> dict[str, list[str]]:
    return {
        f"{first.name.removesuffix('-a')}-pair": [f"{one.name}/{one.model}" for one in (first, second)]
        for first, second in both
    }


async def _left_behind(channel: grpc.aio.Channel, key: str) -> list[str]:
    """What a hub without callers still holds, once it had a moment to let go."""
    metadata = (("authorization", f"Bearer {key}"),)
    until = asyncio.get_running_loop().time() + _SETTLE_SECONDS
    while True:
        found = await _held(channel, metadata)
        if not found or asyncio.get_running_loop().time() > until:
            return found
        await asyncio.sleep(0.2)


async def _held(channel: grpc.aio.Channel, metadata: tuple[tuple[str, str], ...]) -> list[str]:
    status = await HealthServiceStub(channel).GetStatus(
        health_service_pb2.GetStatusRequest(), metadata=metadata, timeout=5
    )
    listed = await ProviderServiceStub(channel).ListProviders(
        provider_service_pb2.ListProvidersRequest(), metadata=metadata, timeout=5
    )
    # The question itself is a call in progress.
    found = [f"{status.server.active_calls - 1} calls in progress"] if status.server.active_calls > 1 else []
    return found + [f"{one.name}: {one.active_calls} calls" for one in listed.providers if one.active_calls]
