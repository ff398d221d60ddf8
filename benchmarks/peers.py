"""Other gateways, installed into folders of their own below .bench, never into the hub's environment."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import yaml

from benchmarks.contestants import MODELS, Contestant, Running
from benchmarks.load import HttpClient
from benchmarks.processes import SERVER_CORE, WORK, Process

INSTALL_SECONDS, START_SECONDS = 900, 90
_KEY = "sk-bench-caller"
_BIFROST = "github.com/maximhq/bifrost/transports"
_PORTKEY = "@portkey-ai/gateway"
_MUTABLE_HEADERS = (
    "const real = globalThis.fetch; globalThis.fetch = async (...all) => { const one = await real(...all); "
    "return new Response(one.body, {status: one.status, headers: one.headers}); };"
)
"""It appends to the headers of what fetch returned, which Node 20 refuses ("TypeError: immutable")."""


def installed_peers() -> tuple[list[Contestant], dict[str, str]]:
    """Those that are or can be installed, and of the others the error."""
    found, missing = [], {}
    for name, install in (
        ("LiteLLM", _litellm), ("Portkey", _portkey), ("Portkey patched", partial(_portkey, patched=True)),
        ("Bifrost", _bifrost),
    ):  # fmt: skip
        print(f"{name}: installing unless it is there", flush=True)
        try:
            found.append(install())
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            missing[name] = str(error)
            print(f"{name}: {error}", flush=True)
    return found, missing


def _do(arguments: Sequence[str], folder: Path, **env: str) -> str:
    """What the command printed. Raises RuntimeError with its last words where it fails."""
    done = subprocess.run(
        arguments, cwd=folder, env={**os.environ, **env}, timeout=INSTALL_SECONDS, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments[:4])} …: {' '.join(done.stdout.split())[-500:]}")
    return done.stdout


def _folder(name: str) -> Path:
    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _started(arguments: Sequence[str], port: int, folder: Path, headers: dict[str, str], **env: str) -> Running:
    # LiteLLM looks for modules in the folder two above the one that it is started in: an empty one of our own.
    nowhere = folder / "a" / "b" / "c"
    nowhere.mkdir(parents=True)
    process = await Process.start(arguments, core=SERVER_CORE, log=folder / "log", env=env, folder=nowhere)
    try:
        await process.answers(port, START_SECONDS)
    except RuntimeError:
        await process.end()
        raise
    return Running(process, lambda _: HttpClient(port, headers), "http")


def _litellm() -> Contestant:
    folder = _folder("litellm")
    program = folder / "bin" / "litellm"
    if not program.exists():
        _do([sys.executable, "-m", "venv", str(folder)], WORK)
        _do([str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", "litellm[proxy]"], WORK)
    script = "from importlib.metadata import version; print(version('litellm'))"
    number = _do([str(folder / "bin" / "python"), "-c", script], WORK).strip()

    async def start(url: str, own: Path) -> Running:
        models = [
            {
                "model_name": f"bench-{name}",
                "litellm_params": {"model": f"openai/bench-{name}", "api_base": url, "api_key": "sk-bench"},
            }
            for name in MODELS
        ]
        config = {"model_list": models, "general_settings": {"master_key": _KEY}}
        (own / "config.yaml").write_text(yaml.safe_dump(config))
        port = _port()
        arguments = [
            str(program), "--config", str(own / "config.yaml"), "--host", "127.0.0.1", "--port", str(port),
            "--num_workers", "1", "--telemetry", "False",
        ]  # fmt: skip
        headers = {"Authorization": f"Bearer {_KEY}"}
        more = {
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "PYTHONPATH": "",
        }
        return await _started(arguments, port, own, headers, **more)

    settings = (
        f"{number}, `litellm --num_workers 1`, a model list, a master key as the only key, no database, no callbacks, "
        "LITELLM_LOG=ERROR, LITELLM_MODE=PRODUCTION"
    )
    return Contestant("LiteLLM", start, settings, slow=True)


def _portkey(*, patched: bool = False) -> Contestant:
    node = shutil.which("node")
    if not node:
        raise RuntimeError("node is not installed")
    folder = _folder("portkey")
    package = folder / "node_modules" / "@portkey-ai" / "gateway"
    if not package.exists():
        _do(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), _PORTKEY], WORK)
    number = _do([node, "-p", f"require('{package}/package.json').version"], WORK).strip()
    patch = folder / "mutable_headers.mjs"
    patch.write_text(_MUTABLE_HEADERS)

    async def start(url: str, own: Path) -> Running:
        port = _port()
        preload = ["--import", str(patch)] if patched else []
        arguments = [node, *preload, str(package / "build" / "start-server.js"), f"--port={port}", "--headless"]
        headers = {"Authorization": "Bearer sk-bench", "x-portkey-provider": "openai", "x-portkey-custom-host": url}
        return await _started(arguments, port, own, headers, NODE_ENV="production", TRUSTED_CUSTOM_HOSTS="127.0.0.1")

    settings = (
        f"{number}, Node {_do([node, '-v'], WORK).strip()}, NODE_ENV=production, --headless; it has no keys of "
        "its own, limits or prices"
    )
    if patched:
        return Contestant("Portkey patched", start, "the same, made to stream by --import of: " + _MUTABLE_HEADERS)
    return Contestant("Portkey", start, settings)


def _bifrost() -> Contestant:
    go = shutil.which("go")
    if not go:
        raise RuntimeError("the Go toolchain is not installed")
    folder = _folder("bifrost")
    program = folder / "bifrost-http"
    if not program.exists():
        _do([go, "install", f"{_BIFROST}/bifrost-http@latest"], folder, GOBIN=str(folder))
    return _bifrost_of(program)


def _bifrost_of(program: Path) -> Contestant:
    async def start(url: str, own: Path) -> Running:
        provider = {
            "keys": [{"name": "bench", "value": "sk-bench", "models": ["*"], "weight": 1.0}],
            "network_config": {"base_url": url.removesuffix("/v1")},
        }
        config = {"providers": {"openai": provider}, "config_store": {"enabled": False}}
        (own / "config.json").write_text(yaml.safe_dump(config, default_flow_style=True))
        port = _port()
        arguments = [
            str(program),
            "-app-dir",
            str(own),
            "-port",
            str(port),
            "-host",
            "127.0.0.1",
            "-log-level",
            "error",
        ]
        running = await _started(arguments, port, own, {}, GOMAXPROCS="1")
        return replace(running, model_of=lambda what: f"openai/bench-{what}")

    return Contestant("Bifrost", start, "GOMAXPROCS=1, a config file without a store, -log-level error")
