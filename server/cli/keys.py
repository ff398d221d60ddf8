"""``hub keys``: make, list, show, rotate and revoke keys of the hub."""

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer
from aignehub.admin.v1 import key_service_pb2
from google.protobuf.duration_pb2 import Duration

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub, explained
from server.cli.connection import Target
from server.cli.duration import parse_duration
from server.cli.offline import create_offline
from server.cli.options import TargetOf, with_hub, with_target
from server.cli.question import read_pairs
from server.cli.terminal import enum_word, note, print_table, spoken_time
from server.identity.grants import ADMIN_METHODS
from server.store.base import KeySettings

_PAGE = 1000  # the largest the contract takes
_ONCE = "this is the only time it is shown"

KeyId = Annotated[str, typer.Argument(metavar="KEY_ID", help="As `hub keys list` shows it.")]
Json = Annotated[bool, typer.Option("--json", help="Print protobuf JSON.")]
Name = Annotated[str, typer.Option(metavar="NAME", help="What it is for, or whose it is.")]
Admin = Annotated[bool, typer.Option("--admin", help="Let it manage keys too.")]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method", metavar="PATTERN", help="Method it may call, such as aignehub.v1.ChatService/*; repeat for more."
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="PATTERN", help="Model it may use, such as openai/*; repeat for more."),
]
Expires = Annotated[str | None, typer.Option(metavar="TIME", help="How long it lives, for example 30d or 12h.")]
Concurrency = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, metavar="N", help="Most calls at once; 0 is the hub's default.")
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", metavar="NAME=VALUE", help="Copied to usage records; repeat for more."),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Write it to the hub's own files, without a server: for the first key.")
]
DataDir = Annotated[
    Path, typer.Option(envvar="HUB_DATA_DIR", metavar="FOLDER", help="Where those files are; with --offline.")
]
Grace = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="How long the old secret still works, such as 24h; 30d at most. Without this, no longer."
    ),
]


@with_target
def create(
    target_of: TargetOf,
    name: Name = "",
    admin: Admin = False,
    method: Methods = None,
    model: Models = None,
    expires: Expires = None,
    concurrency: Concurrency = 0,
    label: Labels = None,
    offline: Offline = False,
    data_dir: DataDir = Path(".hub"),
) -> int:
    """Make a key.

    The secret alone goes to standard output, once; the rest to standard error.
    """
    ends = time.time() + parse_duration(expires, "--expires") if expires else None
    settings = KeySettings(
        display_name=name,
        methods=(*(ADMIN_METHODS if admin else ()), *(method or ())),
        models=tuple(model or ()),
        concurrent_calls=concurrency,
        labels=tuple(read_pairs(label or (), "--label").items()),
        expires_at=ends,
    )
    if offline:
        issued = create_offline(data_dir, settings)
        print_secret(issued.secret, f"key {issued.record.id} made in {data_dir}; {_ONCE}")
        return 0
    return asyncio.run(_create(target_of(), settings))


async def _create(target: Target, settings: KeySettings) -> int:
    key = key_service_pb2.Key(
        display_name=settings.display_name,
        allowed_methods=settings.methods,
        allowed_models=settings.models,
        limits=key_service_pb2.Limits(concurrent_calls=settings.concurrent_calls),
        labels=dict(settings.labels),
    )
    if settings.expires_at is not None:
        key.expire_time.FromSeconds(int(settings.expires_at))
    with explained(target):
        async with Hub(target) as hub:
            request = key_service_pb2.CreateKeyRequest(key=key)
            made = await hub.keys.CreateKey(request, metadata=hub.metadata, timeout=SHORT_CALL)
    print_secret(made.secret, f"key {made.key.id} made{_until(made.key)}; {_ONCE}")
    return 0


@with_hub
async def list_keys(hub: Hub, as_json: Json = False) -> int:
    """List the keys, without their secrets."""
    listed = key_service_pb2.ListKeysResponse()
    token = ""
    while True:
        request = key_service_pb2.ListKeysRequest(page_size=_PAGE, page_token=token)
        page = await hub.keys.ListKeys(request, metadata=hub.metadata, timeout=SHORT_CALL)
        listed.keys.extend(page.keys)
        # A server that gives the same token again would keep this going for ever.
        if not page.next_page_token or page.next_page_token == token:
            break
        token = page.next_page_token
    if as_json:
        print_json(listed)
    else:
        print_table(("KEY", "NAME", "STATE", "MADE", "ENDS", "LAST USED"), [_row(key) for key in listed.keys])
    return 0


@with_hub
async def show(
    hub: Hub,
    key_id: Annotated[str, typer.Argument(metavar="KEY_ID", help="Your own without it.")] = "self",
    as_json: Json = False,
) -> int:
    """Show one key and what it may do."""
    request = key_service_pb2.GetKeyRequest(key_id=key_id)
    key = (await hub.keys.GetKey(request, metadata=hub.metadata, timeout=SHORT_CALL)).key
    if as_json:
        print_json(key)
        return 0
    facts = (
        ("key", key.id),
        ("name", key.display_name),
        ("secret", key.redacted_secret),
        ("state", _state(key)),
        ("methods", " ".join(key.allowed_methods) or "aignehub.v1.*"),
        ("models", " ".join(key.allowed_models) or "*"),
        ("calls at once", str(key.limits.concurrent_calls or "")),
        ("labels", " ".join(f"{name}={value}" for name, value in sorted(key.labels.items()))),
        ("made", spoken_time(key.create_time)),
        ("ends", spoken_time(key.expire_time)),
        ("last used", spoken_time(key.last_use_time)),
    )
    print_table(("FIELD", "VALUE"), facts)
    return 0


@with_hub
async def rotate(
    hub: Hub,
    key_id: KeyId,
    grace: Grace = None,
) -> int:
    """Give a key a new secret. It alone goes to standard output, once; the rest to standard error."""
    request = key_service_pb2.RotateKeyRequest(key_id=key_id)
    if grace:
        seconds = parse_duration(grace, "--grace")
        request.grace_period.CopyFrom(Duration(seconds=int(seconds), nanos=int(seconds % 1 * 1e9)))
    made = await hub.keys.RotateKey(request, metadata=hub.metadata, timeout=SHORT_CALL)
    print_secret(made.secret, f"key {made.key.id} has a new secret; {_ONCE}")
    return 0


@with_hub
async def revoke(hub: Hub, key_id: KeyId) -> int:
    """End a key, from the next call on. This cannot be undone."""
    request = key_service_pb2.RevokeKeyRequest(key_id=key_id)
    ended = (await hub.keys.RevokeKey(request, metadata=hub.metadata, timeout=SHORT_CALL)).key
    note(f"key {ended.id} is {_state(ended)}")
    return 0


def print_secret(secret: str, about: str) -> None:
    """The secret on standard output, so that ``KEY=$(hub keys create)`` holds it and nothing else."""
    note(about)
    print(secret, flush=True)


def _row(key: key_service_pb2.Key) -> tuple[str, ...]:
    times = (key.create_time, key.expire_time, key.last_use_time)
    return key.id, key.display_name, _state(key), *(spoken_time(when) for when in times)


def _state(key: key_service_pb2.Key) -> str:
    return enum_word(key_service_pb2.KeyState.DESCRIPTOR, key.state, "KEY_STATE_")


def _until(key: key_service_pb2.Key) -> str:
    return f", ends {spoken_time(key.expire_time)}" if key.HasField("expire_time") else ""
