"""A short comparison of the hub with the bare stack, for every change: ``python -m benchmarks.guard``.

Ends with status 1 where a ratio is above its bound. Ratios within one run, never times, and the best of three tries: a
neighbour on the machine can make a ratio worse, hardly better.
"""

import os
import sys
import tempfile
from pathlib import Path

import uvloop

from benchmarks.contestants import FLOOR, HUB, Running
from benchmarks.plays import write_plays
from benchmarks.processes import WORK, pin_self, start_provider
from benchmarks.scenarios import BATCH, BURST, PACED, UNARY, Scenario, measure

TRIES = 3
BOUNDS: dict[Scenario, float] = {UNARY: 1.8, PACED: 2.0, BURST: 0.4, BATCH: 1.7}
"""The hub's CPU against the floor's: what benchmarks/RESULTS.md shows, and as much more as short runs of one and the
same code differ on a shared machine. Where the hub becomes cheaper, these follow."""
_SHARES = {UNARY: 0.5, PACED: 0.4, BURST: 0.5, BATCH: 1.0}


async def _ratio(scenario: Scenario, hub: Running, floor: Running) -> float:
    mine = await measure(scenario, hub, share=_SHARES[scenario])
    theirs = await measure(scenario, floor, share=_SHARES[scenario])
    return mine.cpu_us / theirs.cpu_us


async def _one_try(url: str, folder: Path, wanted: list[Scenario]) -> dict[Scenario, float]:
    """The ratios of servers that were started for this try."""
    running = []
    try:
        for contestant in (HUB, FLOOR):
            own = folder / contestant.name
            own.mkdir(parents=True)
            running.append(await contestant.start(url, own))
        return {scenario: await _ratio(scenario, *running) for scenario in wanted}
    finally:
        for one in running:
            await one.process.end()


async def _guard() -> int:
    WORK.mkdir(exist_ok=True)
    pin_self()
    write_plays(WORK / "plays")
    best: dict[Scenario, float] = {}
    with tempfile.TemporaryDirectory(prefix="guard-") as name:
        provider, port, _ = await start_provider(WORK / "plays", Path(name) / "provider.log")
        try:
            for number in range(TRIES):
                wanted = [scenario for scenario, most in BOUNDS.items() if best.get(scenario, most + 1) > most]
                if wanted:
                    found = await _one_try(f"http://127.0.0.1:{port}/v1", Path(name) / str(number), wanted)
                    best |= {scenario: min(value, best.get(scenario, value)) for scenario, value in found.items()}
        finally:
            await provider.end()
    for scenario, most in BOUNDS.items():
        verdict = "" if best[scenario] <= most else "  TOO MUCH"
        print(f"{scenario.name:<40} {best[scenario]:.2f} of the floor's CPU, at most {most}{verdict}")
    return int(any(best[scenario] > most for scenario, most in BOUNDS.items()))


if __name__ == "__main__":
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(uvloop.run(_guard()))
