import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import trustme
import uvloop

from server.transport import session
from server.transport.client import Transport
from server.transport.settings import TransportSettings

BOTH = ("test_waits", "test_encryption")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """On the loop the server runs on; what is about waits and sockets also on asyncio's own."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"uvloop": uvloop.new_event_loop}
    if item.path.stem in BOTH:
        loops["asyncio"] = asyncio.new_event_loop
    return loops


@pytest.fixture
def authority(tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """A server's context, and the bundle that trusts it."""
    ca = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    return context, str(bundle)


@pytest.fixture(params=[True, False], ids=["direct", "session"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways of asking: straight on the connections, and by the client library's session, as with any other release
    of it than the one that the first was written for."""
    monkeypatch.setattr(session, "known_release", lambda: request.param)
    return "direct" if request.param else "session"


@pytest.fixture
async def transport() -> AsyncIterator[Transport]:
    async with Transport(TransportSettings()) as started:
        yield started
    # Whatever a test did, closing leaves no task of the client behind.
    await asyncio.sleep(0)
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not [task for task in others if "aiohttp" in repr(task.get_coro())]
