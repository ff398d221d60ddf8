"""The options that every client command has, and what a command gets from them."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from server.cli.client import Hub, explained
from server.cli.connection import DEFAULT_ADDRESS, Target, find_target

_P = ParamSpec("_P")


def _read_target(
    address: Annotated[
        str,
        typer.Option(envvar="HUB_ADDRESS", metavar="ADDRESS", help="The hub: host:port, [ipv6]:port or unix:/path."),
    ] = DEFAULT_ADDRESS,
    key_file: Annotated[
        Path | None,
        typer.Option(
            envvar="HUB_KEY_FILE",
            metavar="FILE",
            help="File with the key, in place of HUB_API_KEY. No option takes the key itself: others could read it in"
            " ps. With neither, a hub on this machine is shown the key that `make run` left in .hub/key.",
        ),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", envvar="HUB_TLS", help="Encrypt, trusting the system's CAs.")] = False,
    ca_file: Annotated[
        Path | None,
        typer.Option(envvar="HUB_CA_FILE", metavar="FILE", help="Encrypt, trusting the certificates in this PEM file."),
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option("--insecure", envvar="HUB_INSECURE", help="Send the key unencrypted to another machine too."),
    ] = False,
) -> Target:
    return find_target(address, key_file, tls=tls, ca_file=ca_file, insecure=insecure)


_TARGET_OPTIONS = inspect.signature(_read_target).parameters


TargetOf = Callable[[], Target]
"""Makes the Target when it is wanted: a command that turns out to need no hub is spared a word about its key."""


def with_target(command: Callable[Concatenate[TargetOf, _P], int]) -> Callable[..., int]:
    """Gives a command the options that say which hub, and the command what makes a Target of them."""

    def run(**given: Any) -> int:
        target_of = _take_target(given)
        return command(target_of, **given)  # type: ignore[call-arg] # typer keeps to the signature below

    return _presented(run, command)


def with_hub(command: Callable[Concatenate[Hub, _P], Coroutine[Any, Any, int]]) -> Callable[..., int]:
    """As with_target, for a coroutine that wants an open channel; it returns its exit status."""

    async def opened(target: Target, given: dict[str, Any]) -> int:
        with explained(target):
            async with Hub(target) as hub:
                return await command(hub, **given)  # type: ignore[call-arg] # as above

    def run(**given: Any) -> int:
        target_of = _take_target(given)
        return asyncio.run(opened(target_of(), given))

    return _presented(run, command)


def _take_target(given: dict[str, Any]) -> TargetOf:
    return partial(_read_target, **{name: given.pop(name) for name in _TARGET_OPTIONS})


def _presented(run: Callable[..., int], command: Callable[..., Any]) -> Callable[..., int]:
    """``run`` as typer is to see it: the command's own options, then those of the target."""
    own = list(inspect.signature(command).parameters.values())[1:]
    shown = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*own, *_TARGET_OPTIONS.values())]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {p.name: p.annotation for p in shown} | {"return": int}
    run.__signature__ = inspect.Signature(shown, return_annotation=int)  # type: ignore[attr-defined]
    return run
