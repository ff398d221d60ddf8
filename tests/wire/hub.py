"""The real hub as its own process, with one provider instance for every exchange."""

import asyncio
import contextlib
import os
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol

import yaml

ROOT = Path(__file__).resolve().parents[2]
READY = "listening on "
START_SECONDS = 20.0
STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Instance:
    """One provider of the hub's configuration."""

    name: str
    kind: str
    base_url: str
    options: tuple[tuple[str, str], ...] = ()
    proxy: str = ""

    def config(self) -> dict[str, object]:
        """Its entry in the hub's ``providers``."""
        entry: dict[str, object] = {
            "name": self.name,
            "kind": self.kind,
            "base_url": self.base_url,
            "api_keys": [REPLAY_KEY],
        }
        if self.options:
            entry["options"] = dict(self.options)
        if self.proxy:
            entry["proxy"] = self.proxy
        return entry


REPLAY_KEY = "replay"
"""The credential every provider instance has; recordings hold none."""


class Configured(Protocol):
    """Whatever has an entry in the hub's ``providers``."""

    def config(self) -> dict[str, object]:
        """That entry."""


class HubFailed(Exception):
    """The hub did not start; the text holds the end of what it wrote."""


class Hub:
    """``python -m server serve`` on a free loopback port; ``address`` and ``key`` are set once it is ready."""

    def __init__(self, folder: Path, instances: Sequence[Configured], **settings: object) -> None:
        """``folder`` is an empty folder of the run's own, for configuration, key and data."""
        self._folder = folder
        self._instances = instances
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._tail: deque[str] = deque(maxlen=40)
        self._readers: list[asyncio.Task[None]] = []
        self.address = ""
        self.key = ""

    async def __aenter__(self) -> "Hub":
        config = self._folder / "hub.yaml"
        config.write_text(
            yaml.safe_dump(
                {
                    "data_dir": str(self._folder / "data"),
                    "sandbox": False,
                    # What reaches the replay is then the calls of the run, and nothing else.
                    "models": {"ask_providers": False},
                    "providers": [instance.config() for instance in self._instances],
                    **self._settings,
                }
            )
        )
        key_file = self._folder / "key"
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "server", "serve", "--config", str(config), "--listen", "127.0.0.1:0"),
            cwd=ROOT,
            env=_environment(key_file),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                self.address = await self._ready(self._process)
            self.key = key_file.read_text().strip()
        except (TimeoutError, OSError, HubFailed) as error:
            await self._stop()
            raise HubFailed(f"the hub did not start: {error}\n" + "".join(self._tail)) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _ready(self, process: asyncio.subprocess.Process) -> str:
        assert process.stdout is not None
        assert process.stderr is not None
        self._readers.append(asyncio.create_task(self._drain(process.stderr)))
        while line := (await process.stdout.readline()).decode(errors="replace"):
            if READY in line:
                self._readers.append(asyncio.create_task(self._drain(process.stdout)))
                return line.split(READY, 1)[1].split()[0].rstrip(",.")
            self._tail.append(line)
        raise HubFailed(f"it ended with status {await process.wait()}")

    async def _drain(self, stream: asyncio.StreamReader) -> None:
        while data := await stream.read(65536):
            self._tail.append(data.decode(errors="replace"))

    async def _stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)


def _environment(key_file: Path) -> dict[str, str]:
    """The caller's environment without anything that would configure another hub or another provider."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("HUB_") and not name.endswith(("_API_KEY", "_BASE_URL", "_PROXY", "_proxy"))
    }
    return {
        **kept,
        "HUB_BOOTSTRAP_KEY_FILE": str(key_file),
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "generated"))),
    }
