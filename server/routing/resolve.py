"""From a model name and a caller's rights to the plan of a call."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import HubError, ModelNotAllowed, NoCredential, UnsupportedByProvider
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue, Modality


@dataclass(frozen=True, slots=True)
class Plan:
    """What may be tried for one call, in order; never empty.

    Only the first is tried today. Further attempts (another credential, another provider, a hedge) walk on
    through the rest.
    """

    candidates: tuple[Candidate, ...]


def plan_call(catalogue: Catalogue, model: str, rights: Rights, modality: Modality) -> Plan:
    """The candidates that can serve ``modality`` under ``model`` and that ``rights`` reach.

    Raises ModelNotFound, NoProvider, ModelNotAllowed, NoCredential or UnsupportedByProvider, in this order of
    causes: what the name means, whether the caller may, whether a call could be made.
    """
    found = catalogue.candidates(model)
    allowed = [candidate for candidate in found if rights.allows_model(candidate.id)]
    if not allowed:
        raise ModelNotAllowed(
            f"this key may not use {found[0].id}; ask the operator to add it to the key's allowed_models",
            metadata={"model": found[0].id},
        )
    usable = [candidate for candidate in allowed if candidate.provider.usable]
    if not usable:
        raise _without_key(allowed)
    serving = [candidate for candidate in usable if candidate.provider.serves(modality)]
    if not serving:
        raise UnsupportedByProvider.of("model", f"{usable[0].provider.name} does not serve {modality.value} here")
    return Plan(tuple(serving))


def _without_key(candidates: Sequence[Candidate]) -> HubError:
    provider = candidates[0].provider.name
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
