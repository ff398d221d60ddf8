"""What routing adds to a plain call: CPU of plan and dispatch around a backend that answers at once.

``python -m benchmarks.routing_cost`` prints microseconds a call, with and without routing, in turns within one run.
"""

import asyncio
from statistics import median
from time import process_time
from typing import Any

import uvloop

from benchmarks.routing import Answer
from server.identity.rights import Rights
from server.phases import Phases
from server.routing.attempt import Attempt, Terms
from server.routing.catalogue import Catalogue, Modality, Provider
from server.routing.dispatch import Dispatch
from server.routing.resolve import plan_call
from server.routing.rules import RoutingRules, Shared
from server.transport.endpoint import Credential

MOST = 25.0
"""Microseconds that routing may add to a call."""
_CALLS = 5000
_ROUNDS = 7
_BACKEND: Any = object()


async def _measure() -> tuple[float, float]:
    """Microseconds of CPU a call, routed and not."""
    dispatch = Dispatch(Shared.of(RoutingRules()))
    provider = Provider("a", "openai", (Credential("key", "secret"),), chat=_BACKEND)
    catalogue = Catalogue((provider,), frozenset({"openai"}))
    dispatch.shared.book.adopt(catalogue.providers)
    rights, clock = Rights(), asyncio.get_running_loop().time

    async def send(_: Attempt | None) -> Answer:
        return Answer()

    async def routed() -> None:
        plan = plan_call(catalogue, "a/m", rights, Modality.CHAT)
        await dispatch.whole(plan, Terms(clock() + 10, "r", Phases()), send)

    async def plain() -> None:
        Phases()
        await send(None)

    rounds: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        rounds.append((await _one(routed), await _one(plain)))
    return median(one for one, _ in rounds), median(other for _, other in rounds)


async def _one(call: Any) -> float:
    began = process_time()
    for _ in range(_CALLS):
        await call()
    return (process_time() - began) / _CALLS * 1_000_000


def added() -> float:
    """Microseconds of CPU that routing adds to a call."""
    routed, plain = uvloop.run(_measure())
    return routed - plain


def main() -> None:
    """Prints the figures."""
    routed, plain = uvloop.run(_measure())
    print(f"routed {routed:.1f} µs, not routed {plain:.1f} µs: routing adds {routed - plain:.1f} µs (at most {MOST:g})")


if __name__ == "__main__":
    main()
