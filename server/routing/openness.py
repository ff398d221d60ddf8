"""Whether a call under a model's name would be let through just now."""

import asyncio
from collections.abc import Callable

from server.errors import ModelNotFound, ProviderRateLimited
from server.identity.rights import Rights
from server.routing.catalogue import Candidate, Catalogue
from server.routing.health.book import HealthBook
from server.routing.health.breaker import State
from server.routing.resolve import require_usable

Missing = Callable[[Candidate], str]
"""What to do about a model that its provider does not have, by the provider's list; empty where it may be called."""


def require_open(catalogue: Catalogue, model: str, rights: Rights, book: HealthBook, missing: Missing) -> None:
    """Raises as ``require_usable`` does, and where no call could be made at this moment.

    That is ModelNotFound where it is ``missing`` everywhere, ProviderRateLimited while every key of every provider
    must wait. An open breaker is no refusal: where nothing else is left, the call is tried all the same.
    """
    require_usable(catalogue, model, rights)
    now = asyncio.get_running_loop().time()
    usable = [one for one in catalogue.candidates(model, rights) if one.provider.usable and rights.allows_model(one.id)]
    if usable and all(remedies := [missing(one) for one in usable]):
        raise ModelNotFound(
            f"{usable[0].provider.name}: {remedies[0]}",
            metadata={"provider": usable[0].provider.name, "model": usable[0].model},
        )
    waits = [book.of(one.provider).pool.wait(one.model, now) for one in usable]
    if waits and min(waits) > 0:
        raise ProviderRateLimited(
            f"every key of {usable[0].provider.name} waits out the provider's rate limit",
            metadata={"provider": usable[0].provider.name, "model": usable[0].model},
            retry_after=min(waits),
        )


def all_broken(catalogue: Catalogue, model: str, book: HealthBook) -> bool:
    """Whether every candidate's breaker is open: a call would be tried all the same, but somebody else had better."""
    now = asyncio.get_running_loop().time()
    known = [book.known(one) for one in catalogue.candidates(model) if one.provider.usable]
    return bool(known) and all(one is not None and one.breaker.state(now) is State.OPEN for one in known)
