from collections.abc import AsyncIterator
from dataclasses import dataclass

import grpc
import pytest

from tests.unit.cli.stand_in import StandIn, add_to


@dataclass
class RunningHub:
    address: str
    stand_in: StandIn


@pytest.fixture
async def hub() -> AsyncIterator[RunningHub]:
    """A stand-in hub on a free port of this machine."""
    server = grpc.aio.server()
    stand_in = StandIn()
    add_to(server, stand_in)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield RunningHub(f"127.0.0.1:{port}", stand_in)
    await server.stop(None)
