import asyncio
from collections.abc import AsyncIterator

import pytest

from server.transport.client import Transport
from server.transport.settings import TransportSettings


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(TransportSettings()) as started:
        yield started
    # Whatever a test did, closing leaves no task of the client behind.
    await asyncio.sleep(0)
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in others if "aiohttp" in repr(task.get_coro())]
