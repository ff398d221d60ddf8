"""Processes under measurement: started on a core of their own, their CPU time and memory read from outside."""

import asyncio
import os
import re
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK = ROOT / ".bench"
"""What the benchmarks build and install; git ignores it."""
_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, OTHER_CORE = _CORES[0], _CORES[-1]
PINS = shutil.which("taskset") is not None and SERVER_CORE != OTHER_CORE
"""Whether servers and load get cores of their own."""


def pin_self() -> None:
    """Moves this process, which makes the load, to the core that the servers leave free."""
    if PINS:
        os.sched_setaffinity(0, {OTHER_CORE})


class Process:
    """A program with all it started."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self.log = log

    @classmethod
    async def start(
        cls,
        arguments: Sequence[str],
        *,
        core: int,
        log: Path,
        env: Mapping[str, str] | None = None,
        folder: Path = ROOT,
    ) -> "Process":
        """Starts it in ``folder``; what it prints goes to ``log``."""
        pinned = ("taskset", "-c", str(core)) if PINS else ()
        path = f"{ROOT}:{ROOT / 'generated'}"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *pinned, *arguments, cwd=folder, env={**os.environ, "PYTHONPATH": path, **(env or {})},
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        return cls(process, log)

    async def said(self, pattern: str, seconds: float = 30) -> str:
        """The first group of ``pattern`` once it stands in the log. Raises RuntimeError where it ends first."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = re.search(pattern, self.log.read_text(errors="replace"))
            if found:
                return found[1]
            if self._process.returncode is not None:
                break
            await asyncio.sleep(0.02)
        raise RuntimeError(f"it did not start: {self.last_words()}")

    async def answers(self, port: int, seconds: float) -> None:
        """Returns once something accepts connections on ``port``."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return
        raise RuntimeError(f"it did not start: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the log in one line."""
        return " ".join(self.log.read_text(errors="replace").split())[-600:]

    @property
    def pids(self) -> list[int]:
        """The program and what it started, as they now are."""
        found = [self._process.pid]
        for pid in found:
            found += _children(pid)
        return found

    def cpu(self) -> float:
        """CPU seconds so far of all its threads."""
        return sum(_cpu_of(pid) for pid in self.pids)

    def rss(self) -> int:
        """Resident bytes; of several processes, the pages that they share counted once."""
        pids = self.pids
        if len(pids) == 1:
            return _kib(f"/proc/{pids[0]}/status", "VmRSS") * 1024
        return sum(_kib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) * 1024

    async def end(self) -> None:
        """Asks it to end and sees to it that it does."""
        if self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), 10)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += map(int, task.read_text().split())
        except OSError:  # the thread ended
            continue
    return found


def _cpu_of(pid: int) -> float:
    # The clock of another process, see clock_getcpuclockid(3) and the kernel's posix-cpu-timers; /proc/PID/stat counts
    # the same in steps of 10 ms.
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _kib(file: str, field: str) -> int:
    try:
        for line in Path(file).read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


async def start_provider(plays: Path, log: Path) -> tuple[Process, int, str]:
    """The mock provider, its port, and in words what it is."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    arguments, words = [sys.executable, "-m", "benchmarks.provider", str(plays)], "asyncio protocols on uvloop"
    if compiler:
        program = WORK / "provider"
        build = await asyncio.create_subprocess_exec(
            compiler, "-O2", "-o", str(program), "benchmarks/provider.c", cwd=ROOT
        )
        if await build.wait() == 0:
            arguments, words = [str(program), str(plays)], "C and epoll"
    process = await Process.start(arguments, core=OTHER_CORE, log=log)
    return process, int(await process.said(r"^(\d+)\n")), words
