"""How providers and models do, as routing knows it from the calls that were made."""

from collections.abc import Sequence

from aignehub.v1 import health_service_pb2 as pb

from server.errors import ModelNotFound
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue, Provider
from server.routing.health.book import HealthBook
from server.routing.health.breaker import State
from server.routing.health.provider import ModelHealth, ProviderHealth
from server.statuses import reason_of

_POOR = 0.2
"""Share of failed calls from which a model is told as degraded."""
_ENOUGH = 5
"""Fewer calls than this make no share."""


def provider_status(provider: Provider, health: ProviderHealth, now: float) -> pb.ProviderStatus:
    """One provider; no call is made to find out."""
    pool = health.pool
    return pb.ProviderStatus(
        provider=provider.name,
        availability=_of_provider(provider, health, now),
        healthy_credentials=pool.healthy(),
        total_credentials=pool.size,
    )


def _of_provider(provider: Provider, health: ProviderHealth, now: float) -> "pb.Availability.ValueType":
    if not provider.usable or (health.pool.size and not health.pool.healthy()):
        return pb.AVAILABILITY_UNAVAILABLE
    models = [model for _, model in health.models()]
    broken = [model for model in models if model.breaker.state(now) is State.OPEN]
    if models and len(broken) == len(models):
        return pb.AVAILABILITY_UNAVAILABLE
    if any(state != "ok" for state in health.pool.states(now).values()):
        limited = all(state == "limited" for state in health.pool.states(now).values())
        return pb.AVAILABILITY_RATE_LIMITED if limited else pb.AVAILABILITY_DEGRADED
    return pb.AVAILABILITY_DEGRADED if broken else pb.AVAILABILITY_AVAILABLE


def with_those_asked_for(
    listed: Sequence[Candidate], catalogue: Catalogue, rights: Rights, book: HealthBook
) -> list[Candidate]:
    """``listed``, and every other model that ``rights`` allow of which calls have told something."""
    found = {candidate.id: candidate for candidate in listed}
    for provider in catalogue.reached(rights):
        for name, health in book.of(provider).models():
            candidate = Candidate(provider, name)
            if health.failures.counted and candidate.id not in found and rights.allows_model(candidate.id):
                found[candidate.id] = candidate
    return sorted(found.values(), key=lambda candidate: candidate.id)


def model_status(candidate: Candidate, health: ProviderHealth, now: float, missing: str) -> pb.ModelStatus:
    """One model at its provider; ``missing`` says what to do where it is not there."""
    model = health.known(candidate.model)
    availability = pb.AVAILABILITY_UNAVAILABLE if missing else of_model(candidate, health, now)
    works = availability in (pb.AVAILABILITY_AVAILABLE, pb.AVAILABILITY_DEGRADED)
    told = pb.ModelStatus(
        model=candidate.id, availability=availability, providers=[candidate.provider.name] if works else []
    )
    if model is not None:
        told.error_rate = model.failures.of(now)
        if (p50 := model.pace.p50) is not None:
            told.p50_time_to_first_token.FromMicroseconds(int(p50 * 1_000_000))
        if model.last_error is not None:
            told.last_error.CopyFrom(reason_of(model.last_error))
    if missing:
        told.last_error.CopyFrom(reason_of(ModelNotFound(missing)))
    return told


def of_model(candidate: Candidate, health: ProviderHealth, now: float) -> "pb.Availability.ValueType":
    """How a model does at its provider."""
    if not candidate.provider.usable or (health.pool.size and not health.pool.healthy()):
        return pb.AVAILABILITY_UNAVAILABLE
    if health.pool.wait(candidate.model, now) > 0:
        return pb.AVAILABILITY_RATE_LIMITED
    return _of_health(health.known(candidate.model), now)


def _of_health(model: ModelHealth | None, now: float) -> "pb.Availability.ValueType":
    if model is None:
        return pb.AVAILABILITY_AVAILABLE
    state = model.breaker.state(now)
    if state is State.OPEN:
        return pb.AVAILABILITY_UNAVAILABLE
    calls, failed = model.failures.lately(now)
    poor = state is State.HALF_OPEN or (calls >= _ENOUGH and failed >= _POOR * calls)
    return pb.AVAILABILITY_DEGRADED if poor else pb.AVAILABILITY_AVAILABLE
