"""`hub serve`: runs a hub until it is told to stop."""

import asyncio
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import uvloop
from msgspec.structs import replace

from server.app.hub import Hub
from server.app.memory import keep_for_good, keep_freed_memory
from server.app.providers import ollama_is_here
from server.app.workers import Ports, Ready, Workers
from server.config import Settings, load_settings
from server.config.load import process_environment
from server.logs import configure_logs

_DEV_MODELS = {
    "chat": "sandbox/echo",
    "embeddings": "sandbox/embed",
    "image": "sandbox/draw",
    "transcription": "sandbox/hear",
    "speech": "sandbox/speak",
}


def serve(
    config_path: Path | None = None, listen: str | None = None, dev: bool = False, workers: int | None = None
) -> int:
    """Serves until SIGTERM or SIGINT and returns the exit status, 0 after a drain.

    Raises ConfigError or HubError where it cannot start; their messages are for the operator.

    ``dev`` adds what a first look needs: the sandbox as default model, a local Ollama, and an admin key left in
    the data directory and printed with a call to try.
    """
    environ = dict(process_environment())
    overrides: dict[str, str | int | None] = {"listen": listen, "workers": workers}

    def load() -> Settings:
        settings = load_settings(config_path, environ, **overrides)
        return _for_development(settings, environ) if dev else settings

    settings = load()
    configure_logs(settings.log_level)
    keep_freed_memory()
    announce: Callable[[str], None] = partial(_announce, settings, dev=dev)
    if settings.workers > 1:
        ports, count = Ports(settings), settings.workers
        overrides |= ports.addresses
        role = Workers(count, partial(announce, ports.addresses["listen"])).run()
        if isinstance(role, int):
            return role
        ports.close()  # the parent has them still
        # One that takes another's place begins with what the others have reloaded, and is still one of as many.
        settings = replace(load(), workers=count)
        announce = partial(_answer, role)
    uvloop.run(_serve(Hub(settings, environ, load=load, config=config_path), announce))
    return 0


def _answer(ready: Ready, _: str) -> None:
    ready()


def _announce(settings: Settings, address: str, *, dev: bool) -> None:
    print(f"listening on {address}", flush=True)
    if dev:
        _invite(settings, address)


async def _serve(hub: Hub, announce: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    address = await hub.start()
    keep_for_good()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop.set)
    if hub.reloader is not None:
        loop.add_signal_handler(signal.SIGHUP, hub.reload_soon)
    announce(address)
    await stop.wait()
    # A second signal ends it at once, as people expect of Ctrl-C.
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.remove_signal_handler(signum)
    await hub.stop()


def _for_development(settings: Settings, environ: dict[str, str]) -> Settings:
    changes: dict[str, Any] = {"sandbox": True}
    if settings.auth.bootstrap_key_file is None:
        auth = replace(settings.auth, bootstrap_key_file=settings.data_dir / "key")
        changes["auth"] = auth
    unset = {name: model for name, model in _DEV_MODELS.items() if not getattr(settings.defaults, name)}
    if unset:
        changes["defaults"] = replace(settings.defaults, **unset)
    if "OLLAMA_BASE_URL" not in environ and ollama_is_here():
        environ["OLLAMA_BASE_URL"] = "http://127.0.0.1:11434"
    return replace(settings, **changes)


def _invite(settings: Settings, address: str) -> None:
    key_file = settings.auth.bootstrap_key_file
    program = Path(sys.argv[0]).absolute()
    here = Path.cwd()
    hub = f"{sys.executable} -m server" if program.name == "__main__.py" else str(program)
    if program.name != "__main__.py" and program.is_relative_to(here):
        hub = str(program.relative_to(here))
    there = "" if address == "127.0.0.1:50051" else f"HUB_ADDRESS={address} "
    print(f"key: {key_file.read_text().strip() if key_file else ''} (also in {key_file}; the commands below find it)")
    print("now, in a second terminal:")
    print(f'  {there}{hub} chat "Hello, who is there?"')
    print(f"  {there}{hub} models", flush=True)
