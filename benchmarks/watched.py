"""A hub as ``hub serve`` runs it, which tells what it holds for every SIGUSR1: one line of JSON with the word held.

``python -m benchmarks.watched CONFIG``
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import uvloop

from benchmarks.memory import held
from server.app.hub import Hub
from server.app.memory import keep_freed_memory
from server.config import load_settings
from server.logs import configure_logs


async def _main(config: Path) -> None:
    hub, stop, asked = Hub(load_settings(config, {}), {}, config=config), asyncio.Event(), 0
    loop = asyncio.get_running_loop()

    def tell() -> None:
        nonlocal asked
        asked += 1
        print(json.dumps({"held": asked, "active_calls": hub.active_calls, **held()}), flush=True)

    address = await hub.start()
    loop.add_signal_handler(signal.SIGUSR1, tell)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    print(f"listening on {address}", flush=True)
    await stop.wait()
    await hub.stop()


if __name__ == "__main__":
    configure_logs("error")
    keep_freed_memory()
    uvloop.run(_main(Path(sys.argv[1])))
