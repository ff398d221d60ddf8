"""grpc.health.v1 for probes: the stock servicer, with liveness, models, and an end at the drain."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from time import monotonic
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2
from typing_extensions import override

from server.errors import HubError
from server.methods import MethodHandler, Scope, surrounded

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

HEALTH_SERVICE: str = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
LIVENESS = "liveness"
READINESS = "readiness"
MODEL_PREFIX = "model:"

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_NAMES = '"", liveness, readiness, each service by its full name, and model:<provider>/<name>'
_LONGEST_NAME = 300
"""Of a probe: a model's name of 256 characters with its prefix and some room."""
_MOST_WATCHES = 1000
"""Probes need no key, so strangers may open Watches too; each costs 20 kB."""
_WATCH_AGAIN_SECONDS = 1.0
_BEAT_SECONDS = 1.0
_LAST_WORD_SECONDS = 0.05
"""Lets each Watch tell NOT_SERVING before it ends."""
_STALLED_AFTER = 10.0
"""A loop that missed this many seconds of beats is not alive: probes would time out at 1 s long before."""


class _PlainStatus(Scope):
    """Probes look at the code alone, so a request that cannot be read ends without details."""

    __slots__ = ("_context",)

    def __init__(self, context: Any) -> None:
        self._context = context

    @override
    async def failed(self, error: BaseException) -> None:
        if isinstance(error, HubError):
            await self._context.abort(_CODES[error.code], error.message)


class HealthServicer(health.aio.HealthServicer):
    """Answers under ``""``, each service's full name, ``liveness``, ``readiness`` and ``model:<id>``.

    ``model_served`` says of a model whether a call could go somewhere just now. Of one that is not listed the answer
    is made anew each time, so that strangers cannot fill the table; listed ones are looked at with every heartbeat.
    """

    def __init__(self, model_served: Callable[[str], bool]) -> None:
        super().__init__()
        self._model_served = model_served
        self._last_beat = monotonic()
        self._pulse: asyncio.Task[None] | None = None
        self._draining = False
        self._known: set[str] = set()
        self._watches = 0
        self._drain_begins = asyncio.Event()
        self._watches_end = asyncio.Event()

    def methods(self) -> dict[str, MethodHandler]:
        """Check and Watch, to be registered without the interceptors of other services."""
        encode = health_pb2.HealthCheckResponse.SerializeToString
        decode = health_pb2.HealthCheckRequest.FromString
        check = grpc.unary_unary_rpc_method_handler(self.Check, decode, encode)
        watch = grpc.unary_stream_rpc_method_handler(self.Watch, decode, encode)
        return {"Check": surrounded(check, _PlainStatus), "Watch": surrounded(watch, _PlainStatus)}

    async def start(self, services: Iterable[str], models: Iterable[str], unserved: Iterable[str] = ()) -> None:
        """Everything is SERVING from now on but services that are ``unserved``, and the heart beats."""
        names = ["", READINESS, LIVENESS, *services, *(MODEL_PREFIX + model for model in models)]
        for name in names:
            await self._tell(name, SERVING)
        for name in unserved:
            await self._tell(name, NOT_SERVING)
        self._pulse = asyncio.create_task(self._beat(), name="health heartbeat")

    async def serve(self, models: Iterable[str]) -> None:
        """Other models are configured from now on; those that left are no longer known by name."""
        names = {MODEL_PREFIX + model for model in models}
        gone = {name for name in self._known if name.startswith(MODEL_PREFIX)} - names
        for name in gone:
            await self._tell(name, NOT_SERVING)
            self._known.discard(name)
        for name in names - self._known:
            await self._tell(name, self._of_model(name))

    async def drain(self) -> None:
        """Everything but liveness is NOT_SERVING for good; a drain is no reason to be killed."""
        self._draining = True
        self._drain_begins.set()
        for name in self._known - {LIVENESS}:
            await self._tell(name, NOT_SERVING)

    async def end_watches(self) -> None:
        """Ends every Watch; an open one would hold up the stop for its whole grace."""
        await asyncio.sleep(_LAST_WORD_SECONDS)
        self._watches_end.set()

    async def close(self) -> None:
        """Stops the heartbeat."""
        if self._pulse:
            self._pulse.cancel()
            with suppress(asyncio.CancelledError):
                await self._pulse

    @override
    async def Check(self, request: health_pb2.HealthCheckRequest, context: Any) -> health_pb2.HealthCheckResponse:
        name = request.service
        if len(name) > _LONGEST_NAME:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"service: at most {_LONGEST_NAME} characters")
        if name == LIVENESS:
            stalled = monotonic() - self._last_beat > _STALLED_AFTER
            return health_pb2.HealthCheckResponse(status=NOT_SERVING if stalled else SERVING)
        if self._passes_through(name):
            return health_pb2.HealthCheckResponse(status=self._passing)
        if name.startswith(MODEL_PREFIX) and name in self._known:
            return health_pb2.HealthCheckResponse(status=self._of_model(name))
        if name not in self._known:
            await context.abort(grpc.StatusCode.NOT_FOUND, f"no service of this name; there are {_NAMES}")
        return await super().Check(request, context)

    @override
    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        if len(request.service) > _LONGEST_NAME:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"service: at most {_LONGEST_NAME} characters")
        if self._watches >= _MOST_WATCHES:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many watches are open; use Check")
        self._watches += 1
        try:
            if request.service in self._known and request.service.startswith(MODEL_PREFIX):
                await self.set(request.service, self._of_model(request.service))
            if self._passes_through(request.service):
                await self._watch_passing(context)
            else:
                await self._watch_until_end(request, context)
        finally:
            self._watches -= 1

    @property
    def _passing(self) -> int:
        """Status of a model that is only let through: that of the hub."""
        return NOT_SERVING if self._draining else SERVING

    async def _watch_passing(self, context: Any) -> None:
        """Watches without an entry in the table, which strangers could fill."""
        told = None
        while not self._watches_end.is_set():
            if self._passing != told:
                told = self._passing
                await context.write(health_pb2.HealthCheckResponse(status=told))
            with suppress(TimeoutError):
                async with asyncio.timeout(_WATCH_AGAIN_SECONDS):
                    await (self._watches_end if self._draining else self._drain_begins).wait()

    async def _watch_until_end(self, request: health_pb2.HealthCheckRequest, context: Any) -> None:
        watch = asyncio.create_task(super().Watch(request, context))
        end = asyncio.create_task(self._watches_end.wait())
        try:
            await asyncio.wait({watch, end}, return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
        finally:
            for task in (watch, end):
                task.cancel()
            await asyncio.gather(watch, end, return_exceptions=True)

    def _passes_through(self, name: str) -> bool:
        """True for a model that is not listed and that a provider's name lets through."""
        unlisted = name.startswith(MODEL_PREFIX) and name not in self._known
        return unlisted and self._model_served(name.removeprefix(MODEL_PREFIX))

    async def _tell(self, name: str, status: int) -> None:
        self._known.add(name)
        await self.set(name, status)

    async def _beat(self) -> None:
        while True:
            self._last_beat = monotonic()
            if self._watches:  # a Check looks for itself
                for name in [name for name in self._known if name.startswith(MODEL_PREFIX)]:
                    await self.set(name, self._of_model(name))
            await asyncio.sleep(_BEAT_SECONDS)

    def _of_model(self, name: str) -> int:
        """Status of a listed model: that of the hub, while a call could go somewhere."""
        return self._passing if self._model_served(name.removeprefix(MODEL_PREFIX)) else NOT_SERVING
