import asyncio
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network

import pytest
import uvloop

from server.backends.media import CallerMedia
from server.transport.client import Transport
from server.transport.guard import EgressGuard
from server.transport.settings import EgressSettings, TransportSettings


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """On the loop the server runs on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(TransportSettings()) as started:
        yield started


@pytest.fixture
async def media() -> AsyncIterator[CallerMedia]:
    settings = EgressSettings(
        allow_http=True, allowed_ports=frozenset(range(1, 65536)), allowed_networks=(ip_network("127.0.0.0/8"),)
    )
    async with EgressGuard(settings) as guard:
        yield CallerMedia(guard)
