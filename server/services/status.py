"""aignehub.v1.HealthService: whether the hub, or one model, can be used with the caller's key, and why not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from time import time

from aignehub.v1 import health_service_pb2 as pb
from aignehub.v1.health_service_pb2_grpc import HealthServiceServicer
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status
from typing_extensions import override

from server import __version__
from server.errors import DOMAIN, Draining, HubError
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue, Provider
from server.routing.resolve import require_usable
from server.services.frame import Context, caller_rights
from server.services.validation import validate

_RECHECK_SECONDS = 5.0
"""A watcher is told of a drain at once, and of everything else within this time."""


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
        self, catalogue: Catalogue, lifecycle: Lifecycle, active_calls: Callable[[], int], max_message_bytes: int
    ) -> None:
        self._catalogue = catalogue
        self._lifecycle = lifecycle
        self._active_calls = active_calls
        self._max_message_bytes = max_message_bytes

    @override
    async def GetStatus(self, request: pb.GetStatusRequest, context: Context) -> pb.GetStatusResponse:
        validate(request)
        return self._status(request.model, caller_rights(), include_models=request.include_models)

    @override
    async def WatchStatus(
        self, request: pb.WatchStatusRequest, context: Context
    ) -> AsyncIterator[pb.WatchStatusResponse]:
        validate(request)
        rights = caller_rights()
        told: pb.GetStatusResponse | None = None
        while True:
            ended = self._lifecycle.draining
            status = self._status(request.model, rights, include_models=False)
            status.server.ClearField("active_calls")  # it changes with every call and is no news
            if status != told:
                told = status
                yield pb.WatchStatusResponse(status=status)
            if ended:
                return
            await self._lifecycle.wait(_RECHECK_SECONDS)

    def _status(self, model: str, rights: Rights, *, include_models: bool) -> pb.GetStatusResponse:
        cause = self._cause(model, rights)
        response = pb.GetStatusResponse(
            available=cause is None,
            server=pb.ServerInfo(
                version=__version__,
                active_calls=self._active_calls(),
                max_receive_message_bytes=self._max_message_bytes,
                draining=self._lifecycle.draining,
            ),
            providers=[_provider_status(provider) for provider in self._catalogue.providers],
        )
        response.server.start_time.FromMilliseconds(int(self._lifecycle.started_at * 1000))
        if cause:
            response.reason.CopyFrom(_reason(cause))
        if include_models:
            response.models.extend(_model_status(candidate) for candidate in self._catalogue.listed(rights))
        return response

    def _cause(self, model: str, rights: Rights) -> HubError | None:
        """Why a call would not be let through, or None where it would."""
        if self._lifecycle.draining:
            return Draining("the hub is shutting down; another replica can serve the call")
        try:
            if model:
                require_usable(self._catalogue, model, rights)
            else:
                self._catalogue.require_any(rights)
        except HubError as error:
            return error
        return None


def _reason(error: HubError) -> Status:
    status = Status(code=error.code, message=error.message)
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    return status


def _provider_status(provider: Provider) -> pb.ProviderStatus:
    return pb.ProviderStatus(
        provider=provider.name,
        availability=pb.AVAILABILITY_AVAILABLE if provider.usable else pb.AVAILABILITY_UNAVAILABLE,
        healthy_credentials=len(provider.credentials),
        total_credentials=len(provider.credentials),
    )


def _model_status(candidate: Candidate) -> pb.ModelStatus:
    usable = candidate.provider.usable
    return pb.ModelStatus(
        model=candidate.id,
        availability=pb.AVAILABILITY_AVAILABLE if usable else pb.AVAILABILITY_UNAVAILABLE,
        providers=[candidate.provider.name] if usable else [],
    )
