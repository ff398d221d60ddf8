"""``hub providers``: look at providers, switch and weigh them, and have the configuration read again."""

from typing import Annotated

import typer
from aignehub.admin.v1 import provider_service_pb2 as pb

from server.cli.answer import print_json
from server.cli.client import SHORT_CALL, Hub
from server.cli.options import with_hub
from server.cli.terminal import enum_word, note, print_table

Json = Annotated[bool, typer.Option("--json", help="Print protobuf JSON, with all that is known.")]
Provider = Annotated[str, typer.Argument(metavar="PROVIDER", help="As `hub providers list` shows it.")]
Credential = Annotated[str, typer.Option("--key", metavar="NAME", help="One of its keys, in place of all of it.")]
Weight = Annotated[int, typer.Argument(min=1, max=10_000, metavar="WEIGHT", help="Share of the calls; 100 is usual.")]


@with_hub
async def list_providers(hub: Hub, as_json: Json = False) -> int:
    """List the providers, their keys and how they do."""
    listed = await hub.providers.ListProviders(pb.ListProvidersRequest(), metadata=hub.metadata, timeout=SHORT_CALL)
    if as_json:
        print_json(listed)
        return 0
    rows = [row for provider in listed.providers for row in _rows(provider)]
    print_table(("PROVIDER", "KEY", "ON", "WEIGHT", "STATE", "CALLS", "BROKEN MODELS"), rows)
    note(f"configuration {listed.configuration_generation}")
    return 0


@with_hub
async def on(hub: Hub, provider: Provider, key: Credential = "") -> int:
    """Switch a provider, or one of its keys, on again."""
    return await _update(hub, pb.UpdateProviderRequest(provider=provider, credential=key, enabled=True))


@with_hub
async def off(hub: Hub, provider: Provider, key: Credential = "") -> int:
    """Switch a provider, or one of its keys, off until the hub restarts. Calls in progress go on."""
    return await _update(hub, pb.UpdateProviderRequest(provider=provider, credential=key, enabled=False))


@with_hub
async def weigh(hub: Hub, provider: Provider, weight: Weight, key: Credential = "") -> int:
    """Give a provider, or one of its keys, another share of the calls until the hub restarts."""
    return await _update(hub, pb.UpdateProviderRequest(provider=provider, credential=key, weight=weight))


@with_hub
async def reload(hub: Hub) -> int:
    """Read the configuration again; a bad one is refused with its reason, and the one in use stays."""
    request = pb.ReloadConfigurationRequest()
    done = await hub.providers.ReloadConfiguration(request, metadata=hub.metadata, timeout=SHORT_CALL)
    note(f"configuration {done.configuration_generation}" + ("" if done.changed else ", unchanged"))
    if done.needs_restart:
        note(f"hold from the next start on: {', '.join(done.needs_restart)}")
    return 0


async def _update(hub: Hub, request: pb.UpdateProviderRequest) -> int:
    updated = await hub.providers.UpdateProvider(request, metadata=hub.metadata, timeout=SHORT_CALL)
    print_table(("PROVIDER", "KEY", "ON", "WEIGHT", "STATE", "CALLS", "BROKEN MODELS"), _rows(updated.provider))
    return 0


def _rows(provider: pb.Provider) -> list[tuple[str, ...]]:
    broken = [model.name for model in provider.models if model.breaker == pb.BREAKER_STATE_OPEN]
    calls = f"{provider.active_calls} of {provider.concurrency_limit}"
    rows: list[tuple[str, ...]] = [
        (provider.name, "", _yes(provider.enabled), str(provider.weight), "", calls, ", ".join(broken))
    ]
    for key in provider.credentials:
        state = enum_word(pb.CredentialState.DESCRIPTOR, key.state, "CREDENTIAL_STATE_")
        rows.append((provider.name, key.name, _yes(key.enabled), str(key.weight), state, "", ""))
    return rows


def _yes(value: bool) -> str:
    return "yes" if value else "no"
