"""From a model name and a caller's rights to the plan of a call."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from server.errors import (
    FieldViolation,
    HubError,
    InvalidArgument,
    ModelNotAllowed,
    NoCredential,
    NoProvider,
    UnsupportedByProvider,
)
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue, Modality
from server.routing.plan import Plan
from server.routing.policies import Policy

Order = Callable[[Sequence[Candidate], Policy], list[Candidate]]
"""Orders the candidates for one model."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a caller asks of routing; all of it may be left out."""

    fallback_models: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    """Names or kinds of those allowed, best first; empty allows all."""
    policy: Policy | None = None
    attempt_timeout: float | None = None
    hedge_after: float | None = None


NO_WISHES = Wishes()


def in_order(candidates: Sequence[Candidate], _: Policy) -> list[Candidate]:
    """As they are configured."""
    return list(candidates)


def plan_call(
    catalogue: Catalogue,
    model: str,
    rights: Rights,
    modality: Modality,
    wishes: Wishes = NO_WISHES,
    *,
    order: Order = in_order,
    policy: Policy = Policy.ORDER,
) -> Plan:
    """Candidates that can serve ``modality`` under ``model`` and that ``rights`` reach, then those of each fallback.

    ``policy`` is the operator's, which a group's own and the caller's override.
    Raises ModelNotFound, NoProvider, ModelNotAllowed, NoCredential or UnsupportedByProvider, in this order of
    causes: what the name means, whether the caller may, whether a call could be made. Of a fallback, the error names
    the field ``gateway.fallback_models``; where a model cannot be asked just now, its fallbacks are.
    """
    chosen: list[Candidate] = []
    tiers: list[int] = []
    failure: HubError | None = None
    for tier, name in enumerate((model, *wishes.fallback_models)):
        try:
            found = _serving(catalogue, name, rights, modality)
            found = _preferred(found, wishes.providers)
        except (NoCredential, NoProvider, UnsupportedByProvider) as error:
            failure = failure or error  # there may be a fallback
            continue
        except HubError as error:
            raise _of_fallback(error, tier) from None
        by = wishes.policy or (Policy.ORDER if wishes.providers else catalogue.policy_of(name) or policy)
        known = {one.id for one in chosen}
        ordered = [one for one in order(found, by) if one.id not in known]
        chosen += ordered
        tiers += [tier] * len(ordered)
    if not chosen:
        raise failure or NoProvider("no provider is configured")
    return Plan(
        tuple(chosen),
        tuple(tiers) if wishes.fallback_models else (),
        attempt_timeout=wishes.attempt_timeout,
        hedge_after=wishes.hedge_after,
    )


def _serving(catalogue: Catalogue, model: str, rights: Rights, modality: Modality) -> list[Candidate]:
    found = catalogue.candidates(model, rights)
    allowed = [candidate for candidate in found if rights.allows_model(candidate.id)]
    if not allowed:
        raise ModelNotAllowed(
            f"this key may not use {model}; ask the operator to add it to the key's allowed_models",
            metadata={"model": model},
        )
    usable = [candidate for candidate in allowed if candidate.provider.usable]
    if not usable:
        raise _without_key(allowed)
    serving = [candidate for candidate in usable if candidate.provider.serves(modality)]
    if not serving:
        raise UnsupportedByProvider.of("model", f"{usable[0].provider.name} does not serve {modality.value} here")
    return serving


def _preferred(found: list[Candidate], providers: Sequence[str]) -> list[Candidate]:
    """Those of the providers named, in their order. Raises NoProvider where none of them serves the model."""
    if not providers:
        return found
    preferred = [one for name in providers for one in found if name in (one.provider.name, one.provider.kind)]
    if preferred:
        return preferred
    there = ", ".join(dict.fromkeys(one.provider.name for one in found))
    why = f"none of these serves the model here; it is served by {there}"
    raise NoProvider(f"gateway.providers: {why}", fields=(FieldViolation("gateway.providers", why),))


def _of_fallback(error: HubError, tier: int) -> HubError:
    """``error`` as it is told of the model that was asked for; of a fallback, with its field before it."""
    if not tier:
        return error
    path = f"gateway.fallback_models[{tier - 1}]"
    if isinstance(error, InvalidArgument):
        return InvalidArgument.field(path, error.message)
    error.fields = (FieldViolation(path, error.message),)
    error.message = f"{path}: {error.message}"
    error.args = (error.message,)
    return error


def _without_key(candidates: Sequence[Candidate]) -> HubError:
    provider = candidates[0].provider.name
    if not candidates[0].provider.enabled:
        return NoProvider(f"provider {provider} is switched off by the operator", metadata={"provider": provider})
    return NoCredential(
        f"provider {provider} has no key; the operator can add one to its api_keys",
        metadata={"provider": provider},
    )


def require_usable(catalogue: Catalogue, model: str, rights: Rights) -> None:
    """Raises as ``plan_call`` does where no call of any modality could be made under ``model``."""
    refused: HubError | None = None
    for modality in Modality:
        try:
            plan_call(catalogue, model, rights, modality)
        except UnsupportedByProvider as error:
            refused = error
        else:
            return
    if refused:
        raise refused
