from collections.abc import AsyncIterator

import aiohttp
import pytest

from server.sandbox.listener import Sandbox
from tests.unit.sandbox.client import Client


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    sandbox = Sandbox()
    base = await sandbox.start()
    async with aiohttp.ClientSession() as session:
        yield Client(session, base)
    await sandbox.stop()
