"""What is measured of everybody who can do it, and one measurement of it."""

import asyncio
import statistics
from dataclasses import dataclass

import grpc

from benchmarks import plays
from benchmarks.asks import by_grpc, by_http, refused
from benchmarks.contestants import Closable, Running
from benchmarks.load import Ask, HttpClient, Told, drive

_HUB, _GRPC, _ALL = ("hub",), ("hub", "floor"), ("hub", "floor", "http")
_SETTLING = 8


@dataclass(frozen=True, slots=True)
class Scenario:
    """``calls`` calls, ``at_once`` at any time over ``connections``; ``pieces`` units of work in each."""

    name: str
    what: str
    calls: int
    at_once: int
    who: tuple[str, ...]
    """Dialects that can be asked."""
    pieces: int = 1
    connections: int = 1
    workers: bool = False
    """Also asked of a hub with several workers."""


UNARY = Scenario("unary chat", "unary", 1500, 16, _ALL, workers=True)
ALONE = Scenario("unary chat, one at a time", "unary", 200, 1, _ALL)
MANY = Scenario("unary chat, 32 connections", "unary", 1500, 32, _GRPC, connections=32, workers=True)
PACED = Scenario("paced stream, a chunk each 5 ms", "paced", 60, 4, _ALL, plays.PACED_CHUNKS)
BURST = Scenario("burst stream", "burst", 60, 4, _ALL, plays.BURST_CHUNKS)
TOOLS = Scenario("tool-call stream, a piece each 5 ms", "tools", 24, 4, _ALL, plays.TOOL_CHUNKS)
FIRST = Scenario("first token", "first", 60, 1, _ALL)
ONE = Scenario("embeddings 1 x 1536", "one", 500, 4, _ALL)
BATCH = Scenario("embeddings 64 x 1536, base64 upstream", "batch", 120, 4, _ALL)
FLOATS = Scenario("embeddings 64 x 1536, floats upstream", "floats", 40, 4, _HUB)
VISION = Scenario("5 MB image in a chat request", "vision", 8, 2, _HUB)
IMAGE = Scenario("5 MB image drawn", "image", 8, 2, _HUB)
SPEECH = Scenario("speech stream, 4 KiB each 5 ms", "speech", 12, 4, _HUB, plays.SPEECH_CHUNKS)
BAD_KEY = Scenario("refused: unknown key", "bad key", 1500, 16, _HUB)
OVER = Scenario("refused: over the limit of the key", "over", 1500, 16, _HUB)
SCENARIOS = (
    UNARY, ALONE, MANY, PACED, BURST, TOOLS, FIRST, ONE, BATCH, FLOATS, VISION, IMAGE, SPEECH, BAD_KEY, OVER,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one measurement: microseconds of the server's CPU for each unit, calls a second, milliseconds."""

    cpu_us: float
    per_second: float
    p50_ms: float
    p99_ms: float
    first_ms: float | None


async def measure(scenario: Scenario, running: Running, *, share: float = 1.0) -> Figures:
    """Runs it once, warmed up; with ``share`` of its calls."""
    calls = max(int(scenario.calls * share), scenario.at_once)
    if scenario is OVER:
        return await _measure_over(running, calls)
    client = running.connect(scenario.connections)
    if scenario is BAD_KEY:
        await client.close()
        client, ask = running.with_key("hub_unknown"), refused(grpc.StatusCode.UNAUTHENTICATED)
    elif running.dialect == "http":
        ask = by_http(scenario.what, running.model_of(scenario.what))
    else:
        ask = by_grpc(scenario.what, running.dialect)
    try:
        return await _timed(client, ask, scenario, running, calls)
    finally:
        await client.close()


async def measure_direct(url: str) -> dict[str, Figures]:
    """The provider itself, asked without anybody between: what latencies are counted from."""
    port = int(url.partition("//127.0.0.1:")[2].partition("/")[0])
    found = {}
    for scenario in (ALONE, FIRST):
        client = HttpClient(port, {})
        told = await drive(client, by_http(scenario.what, f"bench-{scenario.what}"), scenario.calls, 1)
        found[scenario.name] = _figures(told, 0.0, 1.0, scenario, scenario.calls)
        await client.close()
    return found


async def _measure_over(running: Running, calls: int) -> Figures:
    """Refusals of a key that may make one call at a time and is making it."""
    client, occupied = running.with_key(running.keys["narrow"]), Told()
    occupying = asyncio.create_task(client(by_grpc("open", "hub"), occupied))
    try:
        while not occupied.first:
            await asyncio.sleep(0.01)
            if occupying.done():
                occupying.result()
        return await _timed(client, refused(grpc.StatusCode.RESOURCE_EXHAUSTED), OVER, running, calls)
    finally:
        occupying.cancel()
        await asyncio.wait({occupying})
        await client.close()


async def _timed(client: Closable, ask: Ask, scenario: Scenario, running: Running, calls: int) -> Figures:
    await drive(client, ask, min(calls, max(_SETTLING, scenario.connections)), scenario.at_once)
    began, before = asyncio.get_running_loop().time(), running.process.cpu()
    told = await drive(client, ask, calls, scenario.at_once)
    cpu, took = running.process.cpu() - before, asyncio.get_running_loop().time() - began
    return _figures(told, cpu, took, scenario, calls)


def _figures(told: Told, cpu: float, took: float, scenario: Scenario, calls: int) -> Figures:
    ordered = sorted(told.whole)
    return Figures(
        cpu_us=cpu / calls / scenario.pieces * 1e6,
        per_second=calls / took,
        p50_ms=statistics.median(ordered) * 1e3,
        p99_ms=ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)] * 1e3,
        first_ms=statistics.median(told.first) * 1e3 if told.first else None,
    )
