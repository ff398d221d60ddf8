"""Who takes part: each a server process in front of the same provider, with the settings it runs under."""

import asyncio
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import grpc
import yaml
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.admin.v1.key_service_pb2_grpc import KeyServiceStub

from benchmarks.load import Ask, GrpcClient, Told
from benchmarks.processes import SERVER_CORE, Process

MODELS = ("unary", "vision", "paced", "burst", "first", "open", "tools", "one", "batch", "floats", "image", "speech")


class Closable(Protocol):
    """A client that must be closed."""

    async def __call__(self, ask: Ask, told: Told) -> None: ...

    async def close(self) -> None: ...


@dataclass
class Running:
    """A contestant that answers."""

    process: Process
    connect: Callable[[int], Closable]
    """A client with so many connections."""
    dialect: str
    keys: dict[str, str] = field(default_factory=dict)
    """Further keys by what is special about them."""
    address: str = ""
    model_of: Callable[[str], str] = lambda what: f"bench-{what}"
    """The name by which it knows the provider's model."""

    def with_key(self, key: str) -> GrpcClient:
        """A client with another key than the caller's."""
        return GrpcClient(self.address, key)


@dataclass(frozen=True)
class Contestant:
    """One that can be started; ``settings`` is printed with its row."""

    name: str
    start: Callable[[str, Path], Awaitable[Running]]
    """From the provider's URL and a folder of its own."""
    settings: str
    slow: bool = False
    """Gets a fifth of the calls, so that a run stays short."""
    workers: bool = False
    """Several processes; takes part where the scenario asks for that alone."""


def hub_settings(url: str, folder: Path) -> dict[str, object]:
    """Everything on as in production: keys, rights, limits, prices, routing, a log line for each call."""
    models = [{"name": f"bench-{name}", "prices": {"input": "1.25", "output": "10"}} for name in MODELS]
    return {
        "listen": "127.0.0.1:0",
        "data_dir": str(folder / "data"),
        "auth": {"bootstrap_key_file": str(folder / "key")},
        "drain": {"grace": 0.5},
        "providers_from_environment": False,
        "limits": {"max_concurrent_calls_per_key": 2000},
        "providers": [
            {"name": "p", "kind": "openai", "base_url": url, "api_keys": ["sk-bench-1", "sk-bench-2"], "models": models}
        ],
    }


async def start_hub(url: str, folder: Path, *, more_keys: int = 0, options: tuple[str, ...] = ()) -> Running:
    """``hub serve`` with ``more_keys`` further keys in its store."""
    config = folder / "hub.yaml"
    config.write_text(yaml.safe_dump(hub_settings(url, folder)))
    if more_keys:
        first = await _hub(config, folder / "first.log", ())
        await first.end()
        _add_keys(folder / "data" / "hub.db", more_keys)
    process = await _hub(config, folder / "hub.log", options)
    address = await process.said(r"listening on (\S+)", 60)
    admin = (folder / "key").read_text().strip()
    keys = await _further_keys(address, admin)
    if "--workers" in options:
        await asyncio.sleep(1)  # within which the others know the keys that one of them made
    return Running(process, lambda count: GrpcClient(address, keys["caller"], count), "hub", keys, address)


async def _hub(config: Path, log: Path, options: tuple[str, ...]) -> Process:
    arguments = [sys.executable, "-m", "server", "serve", "--config", str(config), *options]
    process = await Process.start(arguments, core=SERVER_CORE, log=log)
    await process.said(r"(listening on)", 60)
    return process


async def _further_keys(address: str, admin: str) -> dict[str, str]:
    """A caller's key as a production setup makes it, and one that may make a single call at a time."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub = KeyServiceStub(channel)
        found = {}
        for name, most in (("caller", 0), ("narrow", 1)):
            key = keys_pb.Key(display_name=name, limits=keys_pb.Limits(concurrent_calls=most))
            key.allowed_models.append("p/*")
            made = await stub.CreateKey(
                keys_pb.CreateKeyRequest(key=key), metadata=(("authorization", f"Bearer {admin}"),), timeout=20
            )
            found[name] = made.secret
    return found


def _add_keys(database: Path, count: int) -> None:
    """Copies of the one key there is, under ids and digests of their own."""
    with sqlite3.connect(database) as connection:
        for table, id_column in (("keys", "id"), ("key_secrets", "key_id")):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            fresh = {id_column: "printf('%016d', n)", "digest": "randomblob(32)"}
            connection.execute(
                f"WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count}) "
                f"INSERT INTO {table} ({', '.join(columns)}) "
                f"SELECT {', '.join(fresh.get(column, f'one.{column}') for column in columns)} "
                f"FROM counted, (SELECT * FROM {table} LIMIT 1) AS one"
            )


async def start_floor(url: str, folder: Path) -> Running:
    """The bare stack."""
    arguments = [sys.executable, "-m", "benchmarks.floor", url, "bench-key"]
    process = await Process.start(arguments, core=SERVER_CORE, log=folder / "floor.log")
    address = await process.said(r"listening on (\S+)")
    return Running(process, lambda count: GrpcClient(address, "bench-key", count), "floor", {}, address)


HUB = Contestant(
    "hub",
    start_hub,
    "`hub serve` with a file: a caller's key with rights on `p/*`, two provider keys, prices of every model, limits, "
    "validation, breakers, log lines at info into a file; everything else at its default",
)
TWO_WORKERS = Contestant(
    "hub, 2 workers",
    partial(start_hub, options=("--workers", "2")),
    "the same with `--workers 2`, both on the one core that the servers have: what sharing a port costs, not what a "
    "second core brings; memory is that of its three processes, pages that they share counted once",
    workers=True,
)
FLOOR = Contestant("floor", start_floor, "benchmarks/floor.py on uvloop")
