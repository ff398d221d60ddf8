"""One whole run: read the folder, start a replay server and the hub, call every served exchange, compare all of it."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from tests.wire import reading
from tests.wire.apis import APIS
from tests.wire.bench import Bench, Outcome
from tests.wire.hub import ROOT, Hub
from tests.wire.neutral import Answer
from tests.wire.recording import Folder, Recording, read_folder
from tests.wire.replay import ReplayServer
from tests.wire.spec import request_validator

CONCURRENCY = 8
"""Calls at once: below what one key may have in progress, enough to keep two cores busy."""

DEFAULT_FOLDER = ROOT.parent / "shared" / "wire"
SPEC = ROOT.parent / "shared" / "specs" / "openai-openapi.yaml"
_LARGEST_MESSAGE = 64 * 1024 * 1024


@dataclass(slots=True)
class Result:
    """What a run found."""

    folder: Folder
    seed: int
    outcomes: list[Outcome] = field(default_factory=list)
    not_served: list[Recording] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    beside: Counter[str] = field(default_factory=Counter)
    spec_asked: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    folder: Path = DEFAULT_FOLDER
    seed: int = 1
    only: tuple[str, ...] = ()
    """Parts of ids; empty for all."""
    read: Callable[[Recording], Answer] = reading.read


async def run(plan: Plan) -> Result:
    """Raises HubFailed where the hub does not start; everything else is in the result."""
    result = Result(read_folder(plan.folder), plan.seed)
    served: dict[str, Recording] = {}
    for recording in result.folder.recordings:
        if plan.only and not any(part in recording.id for part in plan.only):
            continue
        api = APIS.get(recording.api)
        if api is None or not api.serves(recording):
            result.not_served.append(recording)
        else:
            served[f"x{len(served) + 1:04}"] = recording
    if served:
        await _replay(plan, served, result)
    return result


async def _replay(plan: Plan, served: Mapping[str, Recording], result: Result) -> None:
    validate = await asyncio.to_thread(request_validator, SPEC)
    result.spec_asked = validate is not None
    async with ReplayServer(served, plan.seed) as server:
        root = f"http://127.0.0.1:{server.port}"
        instances = [
            APIS[recording.api].instance(recording, name, f"{root}/{name}") for name, recording in served.items()
        ]
        with tempfile.TemporaryDirectory(prefix="wire-") as folder:
            async with (
                Hub(Path(folder), instances, routing={"max_repeats": 0}) as hub,
                _channel(hub.address) as channel,
            ):
                metadata = (("authorization", f"Bearer {hub.key}"),)
                bench = Bench(channel, metadata, server, result.used, plan.read, validate, result.beside)
                result.outcomes = await _all(bench, served)


def _channel(address: str) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(address, options=[("grpc.max_receive_message_length", _LARGEST_MESSAGE)])


async def _all(bench: Bench, served: Mapping[str, Recording]) -> list[Outcome]:
    slots = asyncio.Semaphore(CONCURRENCY)

    async def one(name: str, recording: Recording) -> Outcome:
        async with slots:
            try:
                return await APIS[recording.api].replay(bench, name, recording)
            except Exception as error:  # a recording of a shape never seen must be named, and not end the run
                told = f"the harness cannot read this recording: {type(error).__name__}: {error}"
                return Outcome(recording, [told], [told] if recording.request is not None else None)

    return await asyncio.gather(*(one(name, recording) for name, recording in served.items()))
