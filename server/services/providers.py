"""aignehub.admin.v1.ProviderService: what routing knows of providers, and the configuration while it runs."""

from asyncio import get_running_loop
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog
from aignehub.admin.v1 import provider_service_pb2 as pb
from aignehub.admin.v1.provider_service_pb2_grpc import ProviderServiceServicer
from typing_extensions import override

from server.calls import current_call
from server.errors import InvalidArgument, OneOfSeveral
from server.routing.catalogue import Provider
from server.routing.health.book import HealthBook
from server.routing.health.breaker import State
from server.routing.health.provider import ModelHealth
from server.routing.live import Live
from server.services.frame import Context
from server.services.validation import validate
from server.statuses import reason_of
from server.transport.endpoint import Credential


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload did."""

    changed: bool
    needs_restart: tuple[str, ...] = ()
    """Settings that changed and hold only after a restart."""


class ProviderService(ProviderServiceServicer):
    """For operators. Raises HubError; the status interceptor maps it."""

    def __init__(
        self, live: Live, book: HealthBook, reload: Callable[[], Awaitable[Reloaded]], *, shares_port: bool = False
    ) -> None:
        """``reload`` reads the configuration again; it raises HubError where that is refused."""
        self._shares_port = shares_port
        self._live = live
        self._book = book
        self._reload = reload

    @override
    async def ListProviders(self, request: pb.ListProvidersRequest, context: Context) -> pb.ListProvidersResponse:
        validate(request)
        current_call.get().subject = request.provider[:_MOST_SHOWN]
        live = self._live
        providers = live.configured.catalogue.providers
        if request.provider:
            providers = (live.provider(request.provider),)
        response = pb.ListProvidersResponse(
            providers=[self._told(provider) for provider in providers], configuration_generation=live.generation
        )
        response.configuration_time.FromMilliseconds(int(live.loaded_at * 1000))
        return response

    @override
    async def UpdateProvider(self, request: pb.UpdateProviderRequest, context: Context) -> pb.UpdateProviderResponse:
        validate(request)
        current_call.get().subject = "/".join(filter(None, (request.provider, request.credential)))[:_MOST_SHOWN]
        enabled = request.enabled if request.HasField("enabled") else None
        weight = request.weight if request.HasField("weight") else None
        if enabled is None and weight is None:
            raise InvalidArgument.field("enabled", "set enabled or weight: there is nothing to change")
        self._must_hold_for_all("UpdateProvider", "change the file, which reaches all of them")
        self._live.change(request.provider, request.credential, enabled=enabled, weight=weight)
        tell = _log.warning if enabled is False else _log.info
        asked = {"enabled": enabled, "weight": weight, "credential": request.credential or None}
        tell(
            "provider changed",
            provider=request.provider,
            **{name: value for name, value in asked.items() if value is not None},
            caller=current_call.get().known_caller.id,
            request_id=current_call.get().request_id,
        )
        return pb.UpdateProviderResponse(provider=self._told(self._live.provider(request.provider)))

    @override
    async def ReloadConfiguration(
        self, request: pb.ReloadConfigurationRequest, context: Context
    ) -> pb.ReloadConfigurationResponse:
        self._must_hold_for_all("ReloadConfiguration", "send SIGHUP to the hub, which reaches all of them")
        done = await self._reload()
        return pb.ReloadConfigurationResponse(
            configuration_generation=self._live.generation, changed=done.changed, needs_restart=done.needs_restart
        )

    def _must_hold_for_all(self, method: str, remedy: str) -> None:
        if self._shares_port:
            raise OneOfSeveral.cannot(method, f"it would hold for the one worker that answers; {remedy}")

    def _told(self, provider: Provider) -> pb.Provider:
        now = get_running_loop().time()
        health = self._book.of(provider)
        states = health.pool.states(now)
        live = self._live
        return pb.Provider(
            name=provider.name,
            kind=provider.kind,
            enabled=live.is_enabled(provider.name),
            weight=live.weight(provider.name, "", provider.weight),
            credentials=[self._credential(provider, one, states.get(one.name, "")) for one in provider.credentials],
            active_calls=health.limit.active,
            concurrency_limit=health.limit.limit,
            models=[_model(name, model, now) for name, model in health.models()],
        )

    def _credential(self, provider: Provider, credential: Credential, state: str) -> pb.ProviderCredential:
        return pb.ProviderCredential(
            name=credential.name,
            redacted_secret=masked(credential.secret),
            enabled=self._live.is_enabled(provider.name, credential.name),
            weight=self._live.weight(provider.name, credential.name, credential.weight),
            state=_STATES.get(state, pb.CREDENTIAL_STATE_UNSPECIFIED),
        )


_STATES = {
    "ok": pb.CREDENTIAL_STATE_OK,
    "limited": pb.CREDENTIAL_STATE_RATE_LIMITED,
    "refused": pb.CREDENTIAL_STATE_REFUSED,
}
_BREAKERS = {
    State.CLOSED: pb.BREAKER_STATE_CLOSED,
    State.HALF_OPEN: pb.BREAKER_STATE_HALF_OPEN,
    State.OPEN: pb.BREAKER_STATE_OPEN,
}
_log = structlog.get_logger("hub")
_MOST_SHOWN = 128
"""Characters of names in the log: they come from a caller."""
_SHOWN = 4
_SHORTEST = 16
"""Of a shorter secret, eight characters would be half."""


def masked(secret: str) -> str:
    """First and last four characters; of a short secret nothing.

    >>> masked("sk-0123456789abcdef"), masked("short")
    ('sk-0…cdef', '…')
    """
    return f"{secret[:_SHOWN]}…{secret[-_SHOWN:]}" if len(secret) >= _SHORTEST else "…"


def _model(name: str, model: ModelHealth, now: float) -> pb.ProviderModel:
    told = pb.ProviderModel(
        name=name,
        breaker=_BREAKERS[model.breaker.state(now)],
        error_rate=model.failures.of(now),
        tokens_per_second=model.pace.tokens_per_second or 0.0,
    )
    if (wait := model.breaker.wait(now)) > 0:
        told.open_for.FromMilliseconds(int(wait * 1000))
    if (p50 := model.pace.p50) is not None:
        told.p50_time_to_first_token.FromMicroseconds(int(p50 * 1_000_000))
    if (p95 := model.pace.p95) is not None:
        told.p95_time_to_first_token.FromMicroseconds(int(p95 * 1_000_000))
    if model.last_error is not None:
        told.last_error.CopyFrom(reason_of(model.last_error))
    return told
