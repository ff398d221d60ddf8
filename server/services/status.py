"""aignehub.v1.HealthService: whether the hub, or one model, can be used with the caller's key, and why not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from time import time

from aignehub.v1 import health_service_pb2 as pb
from aignehub.v1.health_service_pb2_grpc import HealthServiceServicer
from typing_extensions import override

from server import __version__
from server.calls import CurrentCall, current_call
from server.errors import Draining, HubError, JwksUnavailable
from server.identity.caller import Caller
from server.identity.rights import Rights
from server.routing.catalogue import Candidate
from server.routing.health.book import HealthBook
from server.routing.live import Live
from server.routing.openness import Missing, require_open
from server.services.availability import model_status, provider_status, with_those_asked_for
from server.services.frame import Context, caller_rights
from server.services.validation import validate
from server.statuses import reason_of

_RECHECK_SECONDS = 5.0
"""A watcher is told of a drain at once, and of everything else within this time."""

Authorize = Callable[[CurrentCall, Sequence[tuple[str, str | bytes]]], Awaitable[Caller]]
"""The caller as it is just now, by a call's metadata. Raises HubError where it may not call any more."""


class Lifecycle:
    """Whether the server is leaving, and since when it runs."""

    def __init__(self) -> None:
        self.started_at = time()
        self._leaving = asyncio.Event()

    @property
    def draining(self) -> bool:
        """True from SIGTERM on."""
        return self._leaving.is_set()

    def drain(self) -> None:
        """Marks the start of the end, for good."""
        self._leaving.set()

    async def wait(self, seconds: float) -> None:
        """Returns after so long, or as soon as the drain begins."""
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            return


class StatusService(HealthServiceServicer):
    """Tells what routing knows. No provider is ever called to find out."""

    def __init__(
        self,
        live: Live,
        book: HealthBook,
        lifecycle: Lifecycle,
        active_calls: Callable[[], int],
        max_message_bytes: int,
        missing: Missing,
        authorize: Authorize,
    ) -> None:
        self._authorize = authorize
        self._live = live
        self._book = book
        self._lifecycle = lifecycle
        self._active_calls = active_calls
        self._max_message_bytes = max_message_bytes
        self._missing = missing

    @override
    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        validate(request)
        rights = caller_rights()
        status = self._status(request.model, rights)
        now, of = asyncio.get_running_loop().time(), self._book.of
        shown = self._asked_for(request, rights)
        status.models.extend(model_status(one, of(one.provider), now, self._missing(one)) for one in shown)
        return status

    @override
    async def WatchStatus(
        self, request: pb.WatchStatusRequest, context: Context
    ) -> AsyncIterator[pb.WatchStatusResponse]:
        """Ends as a new call would be refused, once the caller's key is revoked or has expired."""
        validate(request)
        call, metadata = current_call.get(), tuple(context.invocation_metadata() or ())
        rights = caller_rights()
        told: pb.GetStatusResponse | None = None
        while True:
            ended = self._lifecycle.draining
            status = self._status(request.model, rights)
            status.server.ClearField("active_calls")  # it changes with every call and is no news
            if status != told:
                told = status
                yield pb.WatchStatusResponse(status=status)
            if ended:
                return
            await self._lifecycle.wait(_RECHECK_SECONDS)
            with suppress(JwksUnavailable):  # who was known stays so until somebody can tell
                rights = (await self._authorize(call, metadata)).rights

    def _asked_for(self, request: pb.GetStatusRequest, rights: Rights) -> list[Candidate]:
        """The model that is asked about, at each provider of it, and every other where those are wanted too."""
        catalogue = self._live.now.catalogue
        found: list[Candidate] = []
        if request.model:
            with suppress(HubError):
                found = [one for one in catalogue.candidates(request.model, rights) if rights.allows_model(one.id)]
        if request.include_models:
            return with_those_asked_for([*catalogue.listed(rights), *found], catalogue, rights, self._book)
        return found

    def _status(self, model: str, rights: Rights) -> pb.GetStatusResponse:
        cause = self._cause(model, rights)
        now, of = asyncio.get_running_loop().time(), self._book.of
        catalogue = self._live.now.catalogue
        response = pb.GetStatusResponse(
            available=cause is None,
            server=pb.ServerInfo(
                version=__version__,
                active_calls=self._active_calls(),
                max_receive_message_bytes=self._max_message_bytes,
                draining=self._lifecycle.draining,
                configuration_generation=self._live.generation,
            ),
            providers=[provider_status(provider, of(provider), now) for provider in catalogue.reached(rights)],
        )
        response.server.start_time.FromMilliseconds(int(self._lifecycle.started_at * 1000))
        response.server.configuration_time.FromMilliseconds(int(self._live.loaded_at * 1000))
        if cause:
            response.reason.CopyFrom(reason_of(cause))
        return response

    def _cause(self, model: str, rights: Rights) -> HubError | None:
        """Why a call would not be let through, or None where it would."""
        if self._lifecycle.draining:
            return Draining("the hub is shutting down; another replica can serve the call")
        try:
            if model:
                require_open(self._live.now.catalogue, model, rights, self._book, self._missing)
            else:
                self._live.now.catalogue.require_any(rights)
        except HubError as error:
            return error
        return None
