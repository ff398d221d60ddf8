"""Tries refused keys again without anybody's call: by asking the provider for its list of models, which is free."""

import asyncio
from collections.abc import Callable

from server.backends.base import Call, ModelLister
from server.errors import HubError, ProviderCredentialInvalid
from server.phases import Phases
from server.routing.catalogue import Provider
from server.routing.health.book import HealthBook
from server.routing.health.credentials import Lease
from server.routing.health.provider import ProviderHealth

_LOOK_SECONDS = 1.0
_CHECK_SECONDS = 15.0


class KeyChecks:
    """Checks that run while the server does. A provider without a free list has its keys tried by a call instead."""

    def __init__(self, providers: Callable[[], tuple[Provider, ...]], book: HealthBook) -> None:
        """``providers`` are those in use just now."""
        self._providers = providers
        self._book = book
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look for keys whose check is due."""
        self._loop = asyncio.create_task(self._run(), name="key checks")

    async def close(self) -> None:
        """Ends every check."""
        tasks = [*self._tasks, *([self._loop] if self._loop else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            self.look()

    def look(self) -> None:
        """Starts the checks that are due."""
        now = asyncio.get_running_loop().time()
        for provider in self._providers():
            if provider.lister is None:
                continue
            health = self._book.of(provider)
            for lease in health.pool.due(now):
                task = asyncio.create_task(self._check(provider.lister, health, lease))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _check(self, lister: ModelLister, health: ProviderHealth, lease: Lease) -> None:
        loop = asyncio.get_running_loop()
        call = Call(loop.time() + _CHECK_SECONDS, "", lease.credential, "", Phases())
        try:
            await lister.models(call)
        except ProviderCredentialInvalid as error:
            health.key_refused(lease, error, loop.time())
        except HubError:
            health.pool.postponed(lease, loop.time())  # that says nothing of the key
        except BaseException:
            health.pool.ended(lease)
            raise
        else:
            health.key_taken(lease, loop.time())
