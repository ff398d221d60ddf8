"""Whether memory grows with calls: hours of work in the time there is, with 30 % of the streams broken off.

``python -m benchmarks.soak --seconds 1800`` puts a hub under unary calls, streams and embeddings; between batches of
calls, when nothing is in progress, asks it for its resident memory and for what malloc has handed out. Ends with the
slopes in bytes a call, and status 1 where one is above its bound.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

import uvloop
import yaml

from benchmarks.asks import by_grpc
from benchmarks.contestants import hub_settings
from benchmarks.load import GrpcClient, Told
from benchmarks.plays import write_plays
from benchmarks.processes import SERVER_CORE, WORK, Process, pin_self, start_provider
from benchmarks.svg import Line, plot

AT_ONCE, SAMPLES, LONGEST_BATCH = 16, 24, 15.0
CANCELLED = 0.3
WARM_SHARE = 0.25
MOST_NATIVE, MOST_RSS = 100.0, 250.0
"""Bytes a call. grpc.aio itself keeps about 104 for a cancel that meets a write, which is up to 30 % of the streams."""
LEAST_CALLS = 20_000
"""Fewer say nothing of resident memory: pages come and go by the megabyte."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was held after so many calls."""

    calls: int
    native_bytes: int
    rss_bytes: int


class Soak:
    """A hub under load."""

    def __init__(self, process: Process, client: GrpcClient) -> None:
        self._process = process
        self._client = client
        self._random = Random(1)
        self._asked = 0
        self.calls = 0
        self.cancelled = 0
        self.samples: list[Sample] = []
        self._asks = {what: by_grpc(what, "hub") for what in ("unary", "paced", "burst", "tools", "one", "batch")}

    async def run(self, seconds: float) -> None:
        """Works until the time is over; the samples are there then."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            over = time.monotonic() + min(seconds / SAMPLES, LONGEST_BATCH)
            async with asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work(over))
            self.samples.append(await self._sample())

    async def _work(self, over: float) -> None:
        while time.monotonic() < over:
            what = self._random.choice(("unary", "unary", "burst", "burst", "paced", "tools", "one", "batch"))
            ask = self._asks[what]
            call = asyncio.create_task(self._client(ask, Told()))
            if ask.stream and self._random.random() < CANCELLED:
                await asyncio.wait(
                    {call}, timeout=self._random.random() * (0.3 if what in ("paced", "tools") else 0.02)
                )
                call.cancel()
                await asyncio.wait({call})
                self.cancelled += call.cancelled()
            else:
                await call
            self.calls += 1

    async def _sample(self) -> Sample:
        for _ in range(100):
            self._asked += 1
            os.kill(self._process.pids[0], signal.SIGUSR1)
            told = json.loads(await self._process.said(rf'(\{{"held": {self._asked},.*\}})\n'))
            if not told["active_calls"]:
                break
            await asyncio.sleep(0.05)
        return Sample(self.calls, told["native_bytes"], told["rss_bytes"])


def slope(samples: list[Sample], what: str) -> float:
    """Bytes a call, by least squares, after the first quarter: caches fill and heaps find their shape in it."""
    settled = samples[int(len(samples) * WARM_SHARE) :]
    points = [(sample.calls, getattr(sample, what)) for sample in settled]
    if len(points) < 3:
        raise SystemExit(f"{len(samples)} samples are too few; soak for longer")
    x_mean, y_mean = (sum(point[place] for point in points) / len(points) for place in (0, 1))
    over = sum((x - x_mean) * (y - y_mean) for x, y in points)
    return float(over / sum((x - x_mean) ** 2 for x, _ in points))


async def _soak(seconds: float, plot_to: Path | None) -> int:
    WORK.mkdir(exist_ok=True)
    pin_self()
    write_plays(WORK / "plays")
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        provider, port, _ = await start_provider(WORK / "plays", folder / "provider.log")
        config = folder / "hub.yaml"
        config.write_text(yaml.safe_dump(hub_settings(f"http://127.0.0.1:{port}/v1", folder)))
        arguments = [sys.executable, "-m", "benchmarks.watched", str(config)]
        process = await Process.start(arguments, core=SERVER_CORE, log=folder / "hub.log")
        address = await process.said(r"listening on (\S+)", 60)
        client = GrpcClient(address, (folder / "key").read_text().strip(), 4)
        soak = Soak(process, client)
        try:
            await soak.run(seconds)
        finally:
            await client.close()
            await process.end()
            await provider.end()
    return _judge(soak, plot_to)


def _judge(soak: Soak, plot_to: Path | None) -> int:
    native, rss = (slope(soak.samples, what) for what in ("native_bytes", "rss_bytes"))
    last = soak.samples[-1]
    print(f"{soak.calls} calls, {soak.cancelled} streams broken off, {len(soak.samples)} samples")
    print(f"native heap {native:+.1f} bytes a call, now {last.native_bytes / 2**20:.1f} MB (at most {MOST_NATIVE:g})")
    print(f"resident    {rss:+.1f} bytes a call, now {last.rss_bytes / 2**20:.1f} MB (at most {MOST_RSS:g})")
    if plot_to:
        lines = [
            Line(name, [(sample.calls, getattr(sample, what) / 2**20) for sample in soak.samples])
            for name, what in (("resident", "rss_bytes"), ("native heap", "native_bytes"))
        ]
        plot(plot_to, "Memory of the hub under load, 30 % of the streams broken off", lines, x="calls", y="MB")
    if soak.calls < LEAST_CALLS:
        print(f"resident memory is not judged: fewer than {LEAST_CALLS} calls")
        return int(native > MOST_NATIVE)
    return int(native > MOST_NATIVE or rss > MOST_RSS)


def main() -> None:
    """Reads the command line and soaks."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--plot", type=Path, help="SVG of memory over calls")
    arguments = parser.parse_args()
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    sys.exit(uvloop.run(_soak(arguments.seconds, arguments.plot)))


if __name__ == "__main__":
    main()
