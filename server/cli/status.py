"""``hub status``: can it be used, and if not, why not."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer
from aignehub.v1 import health_service_pb2

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub
from server.cli.duration import spoken_duration
from server.cli.explain import explain_status
from server.cli.failure import FAILED
from server.cli.options import with_hub
from server.cli.terminal import enum_word, note, one_line, print_table


@with_hub
async def status(
    hub: Hub,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="One model; the whole hub without it.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Print it again whenever it changes, until Ctrl-C.")] = False,
    every_model: Annotated[bool, typer.Option("--models", help="List every model's status too.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print protobuf JSON; a line per change with --watch.")
    ] = False,
) -> int:
    """Say whether the hub or a model can be used, and why not.

    The exit status is 1 where it cannot be used with your key.
    """
    if watch:
        return await _watch(hub, model, as_json=as_json)
    request = health_service_pb2.GetStatusRequest(model=model, include_models=every_model)
    now = await hub.health.GetStatus(request, metadata=hub.metadata, timeout=SHORT_CALL)
    if as_json:
        print_json(now)
    else:
        print(_headline(now, model or "hub"))
        _print_parts(now)
    return 0 if now.available else FAILED


async def _watch(hub: Hub, model: str, *, as_json: bool) -> int:
    request = health_service_pb2.WatchStatusRequest(model=model)
    call = hub.health.WatchStatus(request, metadata=hub.metadata)
    available = False
    try:
        async for change in call:
            available = change.status.available
            if as_json:
                print_json(change.status)
            else:
                moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                print(moment, _headline(change.status, model or "hub"), flush=True)
    finally:
        call.cancel()
    note("the hub ended the watch, as it does when it shuts down")
    return 0 if available else FAILED


def _headline(now: health_service_pb2.GetStatusResponse, name: str) -> str:
    if now.available:
        return one_line(f"{name}: available")
    return one_line(f"{name}: not available: {explain_status(now.reason)}")


def _print_parts(now: health_service_pb2.GetStatusResponse) -> None:
    if now.HasField("server"):
        up = spoken_duration(max(0, int(time.time()) - now.server.start_time.seconds))
        print(one_line(f"release {now.server.version}, up {up}, calls in progress: {now.server.active_calls}"))
    if now.providers:
        print()
        rows = [
            (
                p.provider,
                _word(p.availability),
                f"{p.healthy_credentials} of {p.total_credentials}" if p.total_credentials else "",
            )
            for p in now.providers
        ]
        print_table(("PROVIDER", "STATUS", "KEYS THAT WORK"), rows)
    if now.models:
        print()
        print_table(("MODEL", "STATUS", "PROVIDERS"), [_model_row(m) for m in now.models])


def _model_row(model: health_service_pb2.ModelStatus) -> tuple[str, str, str]:
    word = _word(model.availability)
    if model.HasField("last_error") and model.last_error.code:
        word += f": {explain_status(model.last_error)}"
    return model.model, word, " ".join(model.providers)


def _word(availability: health_service_pb2.Availability.ValueType) -> str:
    return enum_word(health_service_pb2.Availability.DESCRIPTOR, availability, "AVAILABILITY_")
