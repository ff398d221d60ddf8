"""Runs the real program as a process of its own."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PATIENCE = 20.0  # seconds; a command takes under one, two cores shared with other work may make it several


@dataclass(frozen=True)
class Ended:
    out: str
    err: str
    status: int


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: nothing of the tester's own hub."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    path = os.pathsep.join([str(ROOT), str(ROOT / "generated")])
    return {**kept, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", **more}


async def begin(
    folder: Path, *arguments: str, stdin: int = asyncio.subprocess.DEVNULL, **more: str
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "server", *arguments,
        cwd=folder, env=environment(**more), stdin=stdin,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def run(folder: Path, *arguments: str, text: bytes | None = None, **more: str) -> Ended:
    """Runs a command to its end in ``folder``; ``text`` is piped into it."""
    stdin = asyncio.subprocess.DEVNULL if text is None else asyncio.subprocess.PIPE
    process = await begin(folder, *arguments, stdin=stdin, **more)
    try:
        out, err = await asyncio.wait_for(process.communicate(text), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    assert b"Traceback" not in err, err.decode()
    return Ended(out.decode(), err.decode(), process.returncode)
