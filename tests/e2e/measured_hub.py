"""A hub that tells what it holds. Run as a program of its own, so that no client shares its memory.

It prints its address and admin key, then answers each line on standard input with one JSON object.
"""

import asyncio
import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.memory import held, status_bytes
from server import listener
from server.app.hub import Hub
from server.config import load_settings
from server.logs import configure_logs


def _measure(hub: Hub) -> dict[str, int]:
    ctypes.CDLL(None).malloc_trim(0)  # what is free is given back, so that resident memory tells what is held
    return {
        **held(),
        "peak_bytes": status_bytes("VmHWM"),
        "tasks": len(asyncio.all_tasks()),
        "sockets": sum("socket:" in str(fd.readlink()) for fd in _descriptors()),
        "slots": hub.active_calls,
    }


def _descriptors() -> list[Path]:
    return [fd for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]


async def _main(values: dict[str, Any]) -> None:
    hub = Hub(load_settings(None, {}, **values), {})
    address = await hub.start()
    key = Path(values["auth"]["bootstrap_key_file"]).read_text().strip()
    print(json.dumps({"address": address, "key": key}), flush=True)
    while await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(_measure(hub)), flush=True)
    await hub.stop()


def _without_tarpit() -> None:
    """gRPC holds each stream that it refuses itself for 100 ms or more; thousands of refusals would take minutes."""
    settled = listener._channel_arguments
    listener._channel_arguments = lambda settings: [*settled(settings), ("grpc.http.tarpit", 0)]


if __name__ == "__main__":
    _without_tarpit()
    configure_logs("error")
    uvloop.run(_main(json.loads(sys.argv[1])))
