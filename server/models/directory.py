"""The models of every provider, and the tasks that keep the providers' own lists fresh."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import structlog
from aignehub.v1 import model_service_pb2 as pb

from server.backends.base import Call, ModelLister
from server.errors import HubError, ProviderTimeout
from server.models.rates import Rates
from server.models.shelf import Shelf
from server.phases import Phases
from server.transport.endpoint import Credential

_FIRST_RETRY_SECONDS = 30.0
_CHANGING_SECONDS = 60.0
"""Lists that change while a provider runs are asked for at least this often."""
_SPREAD = 0.1
"""Lists are asked for a little early or late, so that many hubs do not ask at the same moment."""

_log = structlog.get_logger("models")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a provider's list comes from."""

    shelf: Shelf
    lister: ModelLister
    credential: Credential


class Directory:
    """What is known of models. Entered with ``async with``, it asks the sources for their lists until it is left."""

    def __init__(
        self, shelves: Sequence[Shelf], sources: Sequence[Source] = (), *, interval: float = 3600, timeout: float = 15
    ) -> None:
        self._shelves = {shelf.provider: shelf for shelf in shelves}
        self._sources = sources
        self._source_of = {source.shelf.provider: source for source in sources}
        self._interval = interval
        self._timeout = timeout
        self._complete: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._first_round: Mapping[str, asyncio.Event] = {source.shelf.provider: asyncio.Event() for source in sources}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._keep_fresh(source)) for source in self._sources]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def adopt(self, other: "Directory") -> None:
        """Takes the place of its own what ``other``, never entered, was made of; lists that are there are kept.

        A provider that stays is not asked again before its time: a reload costs no request.
        """
        for task in self._tasks:
            task.cancel()
        before, kept = self._shelves, self._complete
        self._shelves, self._sources, self._source_of = other._shelves, other._sources, other._source_of
        self._interval, self._timeout = other._interval, other._timeout
        self._first_round = other._first_round
        self._complete = set()
        for name, shelf in self._shelves.items():
            if name in before and shelf.keep_list(before[name]):
                self._complete |= kept & {name}
                self._first_round.get(name, asyncio.Event()).set()
        self._tasks = [asyncio.create_task(self._keep_fresh(source)) for source in self._sources]

    async def ready(self, seconds: float) -> None:
        """Returns once every list has been asked for once, and in any case after so long."""
        waiting = [asyncio.create_task(event.wait()) for event in self._first_round.values() if not event.is_set()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=seconds)
            for task in late:
                task.cancel()

    def model(self, provider: str, name: str) -> pb.Model:
        """The whole account of one model; a message that must not be changed."""
        shelf = self._shelves.get(provider)
        # A provider that a reload has taken away while a call went on has nothing to tell any more.
        return shelf.model(name) if shelf else pb.Model(id=f"{provider}/{name}", provider=provider)

    def is_stated(self, provider: str, name: str) -> bool:
        """Whether the operator said something of the model."""
        shelf = self._shelves.get(provider)
        return shelf is not None and shelf.is_stated(name)

    def listed(self, provider: str) -> Sequence[str]:
        """Names on the provider's own list that can be called here; none while there is no list."""
        shelf = self._shelves.get(provider)
        return shelf.names if shelf else ()

    def knows_all(self, provider: str) -> bool:
        """True where every model of the provider is on its list, and the list has come."""
        return provider in self._complete

    def missing(self, provider: str, name: str) -> str:
        """What to do about a model that is not there, by the provider's list; empty where it may be called."""
        source = self._source_of.get(provider)
        if source is None or provider not in self._complete:
            return ""
        return source.lister.missing(name, source.shelf.listed)

    def rates(self, provider: str, name: str, service_tier: str = "") -> Rates | None:
        """What calls of the model cost; None where nobody told."""
        shelf = self._shelves.get(provider)
        return shelf.rates(name, service_tier) if shelf else None

    async def _keep_fresh(self, source: Source) -> None:
        reason = ""  # of the last failure; what a provider says of it may differ every time
        pause = _FIRST_RETRY_SECONDS
        interval = min(self._interval, _CHANGING_SECONDS) if source.lister.changes else self._interval
        if self._first_round[source.shelf.provider].is_set():
            await asyncio.sleep(interval)
        while True:
            try:
                failed = await self._ask(source)
            finally:
                self._first_round[source.shelf.provider].set()
            if failed and failed.reason != reason:
                _log.warning(
                    "model list failed", provider=source.shelf.provider, reason=failed.reason, message=failed.message
                )
            elif reason and not failed:
                _log.info("model list works again", provider=source.shelf.provider)
            reason = failed.reason if failed else ""
            seconds = min(pause, interval) if failed else interval
            pause = pause * 2 if failed else _FIRST_RETRY_SECONDS
            await asyncio.sleep(seconds * random.uniform(1 - _SPREAD, 1 + _SPREAD))  # noqa: S311 -- no secret

    async def _ask(self, source: Source) -> HubError | None:
        """Fetches one list; why it failed, or None where it did not."""
        deadline = asyncio.get_running_loop().time() + self._timeout
        call = Call(deadline=deadline, model="", credential=source.credential, request_id="", phases=Phases())
        try:
            async with asyncio.timeout(self._timeout):
                await source.shelf.replace_list(await source.lister.models(call))
        except HubError as error:
            return error
        except TimeoutError:
            return ProviderTimeout(f"the list took longer than {self._timeout:g} s")
        if source.lister.whole:
            self._complete.add(source.shelf.provider)
        return None
