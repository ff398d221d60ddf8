"""``python -m benchmarks``: measures the hub against the bare stack, and with ``--peers`` against other gateways.

Starts everything itself on loopback, needs no network once peers are installed, and writes benchmarks/RESULTS.md,
results.json and the plots; ``python -m tools.performance`` writes the README's section of them.
"""

import argparse
import asyncio
import os
import signal
import time
from pathlib import Path

import uvloop

from benchmarks.contestants import Contestant
from benchmarks.peers import installed_peers
from benchmarks.plays import write_plays
from benchmarks.processes import OTHER_CORE, PINS, SERVER_CORE, WORK, pin_self, start_provider
from benchmarks.report import FOLDER, write
from benchmarks.rounds import run

ROUNDS = 5


async def _main(rounds: int, output: Path, *, with_peers: bool) -> None:
    WORK.mkdir(exist_ok=True)
    (WORK / ".gitignore").write_text("*\n")
    began, load_average = time.monotonic(), round(os.getloadavg()[0], 2)
    peers: list[Contestant] = []
    missing: dict[str, str] = {}
    if with_peers:
        peers, missing = await asyncio.to_thread(installed_peers)
    pin_self()
    task = asyncio.current_task()
    if task:  # told to end, it ends what it started
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    write_plays(WORK / "plays")
    provider, port, words = await start_provider(WORK / "plays", WORK / "provider.log")
    started = time.monotonic()
    try:
        found = await run(f"http://127.0.0.1:{port}/v1", rounds, peers)
    finally:
        await provider.end()
    found.errors |= missing
    setting = {
        "rounds": rounds,
        "load_average": load_average,
        "seconds": round(time.monotonic() - started),
        "provider": words,
        "load": "grpc.aio without serializers for gRPC, a bare asyncio protocol for HTTP; statuses and replies checked",
        "pinning": f"servers on core {SERVER_CORE}, provider and load on core {OTHER_CORE}"
        if PINS
        else "nothing pinned to a core: this machine has one, or no taskset",
    }
    print(write(found, setting, output))
    print(f"took {time.monotonic() - began:.0f} s")


def main() -> None:
    """Reads the command line and runs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--peers", action="store_true", help="also LiteLLM, Portkey and Bifrost, where they install")
    parser.add_argument("--output", type=Path, default=FOLDER, help="folder for the results")
    arguments = parser.parse_args()
    # Read by gRPC when it is loaded for the first call: this process starts others while channels are open.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    uvloop.run(_main(arguments.rounds, arguments.output, with_peers=arguments.peers))


if __name__ == "__main__":
    main()
