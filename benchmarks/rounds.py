"""A whole run: contestants in turns, round after round, then memory and growth."""

import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.asks import by_grpc, by_http
from benchmarks.contestants import FLOOR, HUB, TWO_WORKERS, Contestant, Running, start_hub
from benchmarks.load import Told, WrongReply, drive
from benchmarks.processes import Process
from benchmarks.scenarios import SCENARIOS, UNARY, Figures, Scenario, measure, measure_direct

OURS = (HUB, TWO_WORKERS, FLOOR)
STREAMS, STREAM_CONNECTIONS = 1000, 4
KEYS = (10, 1_000, 100_000)
_MOST_STARTS, _TURNS, _SHARE_OF_TURN = 3, 6, 0.4
_REST = 0.5
"""Seconds after its start in which a server comes to rest."""
_SHARE_OF_SLOW = 0.2
_WARM_UP = 600
"""Calls that a compiler at run time needs before its code is the final one."""


@dataclass
class Found:
    """Everything that was measured."""

    figures: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    """By contestant and scenario, one entry a round."""
    rss_mb: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """By contestant: idle, load, streams; one entry a start."""
    growth_us: dict[str, list[float]] = field(default_factory=dict)
    """CPU of a unary chat call by keys in the store, one entry a turn."""
    settings: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    """Why a contestant or a scenario of one is missing."""

    def add(self, name: str, scenario: Scenario, figures: Figures) -> None:
        self.figures.setdefault(name, {}).setdefault(scenario.name, []).append(asdict(figures))

    def hold(self, name: str, what: str, process: Process) -> None:
        """Notes what the process now holds."""
        self.rss_mb.setdefault(name, {}).setdefault(what, []).append(process.rss() / 2**20)


async def run(url: str, rounds: int, peers: Sequence[Contestant]) -> Found:
    """Measures everybody; ``url`` is the provider's."""
    found = Found(settings={one.name: one.settings for one in (*OURS, *peers)})
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        running = await _start(peers, url, Path(folder), found)
        try:
            for number in range(rounds):
                print(f"round {number + 1} of {rounds}", flush=True)
                await _round(url, Path(folder) / str(number), running, found)
        finally:
            for _, one in running:
                await one.process.end()
        print("1,000 open streams", flush=True)
        for contestant in (HUB, FLOOR):
            await _open_streams(contestant, url, Path(folder) / f"streams-{contestant.name}", found)
        print("growth of the key store", flush=True)
        await grow(url, Path(folder), rounds, found)
    return found


async def _start(
    contestants: Sequence[Contestant], url: str, folder: Path, found: Found
) -> list[tuple[Contestant, Running]]:
    """Those that start."""
    running = []
    for contestant in contestants:
        own = folder / contestant.name.replace(" ", "-")
        own.mkdir(parents=True)
        try:
            one = await contestant.start(url, own)
        except (RuntimeError, OSError) as error:
            found.errors[contestant.name] = str(error)
            print(f"{contestant.name}: {error}", flush=True)
        else:
            running.append((contestant, one))
            await asyncio.sleep(_REST)
            found.hold(contestant.name, "idle", one.process)
            await _warm(contestant, one, found)
    return running


async def _warm(contestant: Contestant, one: Running, found: Found) -> None:
    if one.dialect != "http":
        return
    calls = int(_WARM_UP * (_SHARE_OF_SLOW if contestant.slow else 1))
    client = one.connect(1)
    try:
        await drive(client, by_http("unary", one.model_of("unary")), calls, 16)
    except* (WrongReply, OSError, TimeoutError) as group:
        found.errors[contestant.name] = f"{group.exceptions[0]}"[:400]
    await client.close()


async def _round(url: str, folder: Path, peers: list[tuple[Contestant, Running]], found: Found) -> None:
    """Everybody in every scenario; hub and floor are started anew, since a heap happens to lie well or badly."""
    fresh = await _start(OURS, url, folder, found)
    try:
        for name, figures in (await measure_direct(url)).items():
            found.figures.setdefault("provider", {}).setdefault(name, []).append(asdict(figures))
        for scenario in SCENARIOS:
            for contestant, one in (*fresh, *peers):
                if one.dialect in scenario.who and (scenario.workers or not contestant.workers):
                    await _measured(contestant, scenario, one, found)
    finally:
        for _, one in fresh:
            await one.process.end()


async def _measured(contestant: Contestant, scenario: Scenario, one: Running, found: Found) -> None:
    name, share = contestant.name, _SHARE_OF_SLOW if contestant.slow else 1.0
    try:
        found.add(name, scenario, await measure(scenario, one, share=share))
    except* (WrongReply, OSError, TimeoutError) as group:
        found.errors[f"{name}: {scenario.name}"] = f"{group.exceptions[0]}"[:400]
    if scenario is UNARY:
        found.hold(name, "load", one.process)


async def _open_streams(contestant: Contestant, url: str, folder: Path, found: Found) -> None:
    """Memory of a fresh server while 1,000 streams are open, each of which has begun."""
    folder.mkdir()
    one, told = await contestant.start(url, folder), Told()
    client = one.connect(STREAM_CONNECTIONS)
    ask = by_grpc("open", one.dialect)
    calls = [asyncio.create_task(client(ask, told)) for _ in range(STREAMS)]
    try:
        async with asyncio.timeout(30):
            while len(told.first) < STREAMS:
                await asyncio.sleep(0.05)
                for call in calls:
                    if call.done():
                        call.result()
        await asyncio.sleep(2)
        found.hold(contestant.name, "streams", one.process)
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await client.close()
        await one.process.end()


async def grow(url: str, folder: Path, rounds: int, found: Found) -> None:
    """The same call against hubs that differ in how many keys their stores hold.

    They take short turns, first one way and then the other, so that whatever else the machine does meets all alike; and
    are started several times, since a heap happens to lie well or badly.
    """
    for start in range(min(rounds, _MOST_STARTS)):
        hubs: dict[int, Running] = {}
        try:
            for count in KEYS:
                own = folder / f"keys-{start}-{count}"
                own.mkdir()
                hubs[count] = await start_hub(url, own, more_keys=count)
            for one in hubs.values():
                client = one.connect(1)
                await drive(client, by_grpc("unary", "hub"), 500, 16)  # warmed up alike
                await client.close()
            for turn in range(_TURNS):
                for count in KEYS if turn % 2 else reversed(KEYS):
                    figures = await measure(UNARY, hubs[count], share=_SHARE_OF_TURN)
                    found.growth_us.setdefault(str(count), []).append(figures.cpu_us)
        finally:
            for one in hubs.values():
                await one.process.end()


def middle(found: Found, name: str, scenario: str, figure: str) -> float | None:
    """The median over the rounds, where there is any."""
    values = [entry[figure] for entry in found.figures.get(name, {}).get(scenario, []) if entry.get(figure) is not None]
    return statistics.median(values) if values else None


def ratio(found: Found, one: str, other: str, scenario: str) -> float | None:
    """How much CPU ``one`` takes against ``other``: the median of what each round says."""
    pairs = zip(
        found.figures.get(one, {}).get(scenario, []), found.figures.get(other, {}).get(scenario, []), strict=False
    )
    ratios = [mine["cpu_us"] / theirs["cpu_us"] for mine, theirs in pairs if theirs["cpu_us"]]
    return statistics.median(ratios) if ratios else None
