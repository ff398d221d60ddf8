"""An open channel to a hub, and how a command gets one."""

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Annotated, Any, Concatenate, ParamSpec, Self

import grpc
import typer
from aignehub.admin.v1 import key_service_pb2_grpc
from aignehub.v1 import chat_service_pb2_grpc, health_service_pb2_grpc, model_service_pb2_grpc

from server import __version__
from server.cli.connection import DEFAULT_ADDRESS, Target, find_target
from server.cli.explain import explain_call
from server.cli.failure import CommandFailed

SHORT_CALL = 30.0
"""Deadline in seconds of the calls that no provider answers: models, status, keys."""

_MIB = 1024 * 1024
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.max_receive_message_length", 64 * _MIB),  # an answer with images or sound
    # An answer may think for minutes in silence, which a load balancer takes for a dead connection. The hub
    # allows a ping every 10 s; see its own keepalive settings.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.primary_user_agent", f"hub/{__version__}"),
)

_P = ParamSpec("_P")


class Hub:
    """The hub's services over one channel; an asynchronous context manager that closes it."""

    def __init__(self, target: Target) -> None:
        """Opens no connection yet: the first call does."""
        self.target = target
        self._channel = _open(target)
        self.chat = chat_service_pb2_grpc.ChatServiceStub(self._channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self.health = health_service_pb2_grpc.HealthServiceStub(self._channel)
        self.keys = key_service_pb2_grpc.KeyServiceStub(self._channel)

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What goes with every call: the key."""
        key = self.target.key
        return (("authorization", f"Bearer {key.secret}"),) if key else ()

    async def __aenter__(self) -> Self:
        """Itself."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Closes the channel."""
        await self.close()

    async def close(self) -> None:
        """Closes the channel and whatever is still running on it."""
        await self._channel.close()


@contextmanager
def explained(target: Target) -> Iterator[None]:
    """Turns a call that failed within into a CommandFailed that says why."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise CommandFailed(explain_call(error, target)) from None


def _open(target: Target) -> grpc.aio.Channel:
    # A proxy of the environment (https_proxy) is for the way out, never for this machine itself.
    options = (*_OPTIONS, ("grpc.enable_http_proxy", 0)) if target.address.local else _OPTIONS
    if target.tls:
        credentials = grpc.ssl_channel_credentials(target.root_certificates)
        return grpc.aio.secure_channel(target.address.target, credentials, options=options)
    return grpc.aio.insecure_channel(target.address.target, options=options)


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


def with_target(command: Callable[Concatenate[Target, _P], int]) -> Callable[..., int]:
    """Gives a command the options that say which hub, and the command the Target they make."""
    own = list(inspect.signature(command).parameters.values())[1:]
    together = [*own, *_TARGET_OPTIONS.values()]

    @wraps(command)
    def run(**given: Any) -> int:
        target = _read_target(**{name: given.pop(name) for name in _TARGET_OPTIONS})
        # The names and types are those of the signature below, which typer has kept to.
        return command(target, **given)  # type: ignore[call-arg]

    del run.__wrapped__
    run.__annotations__ = {p.name: p.annotation for p in together} | {"return": int}
    by_keyword = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in together]
    run.__signature__ = inspect.Signature(by_keyword, return_annotation=int)  # type: ignore[attr-defined]
    return run


def with_hub(command: Callable[Concatenate[Hub, _P], Coroutine[Any, Any, int]]) -> Callable[..., int]:
    """As with_target, for a coroutine that wants an open channel; it returns its exit status."""

    async def opened(target: Target, *args: _P.args, **kwargs: _P.kwargs) -> int:
        with explained(target):
            async with Hub(target) as hub:
                return await command(hub, *args, **kwargs)

    @wraps(command)
    def run(target: Target, *args: _P.args, **kwargs: _P.kwargs) -> int:
        return asyncio.run(opened(target, *args, **kwargs))

    return with_target(run)
