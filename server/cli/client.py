"""An open channel to a hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

import grpc
from aignehub.admin.v1 import key_service_pb2_grpc, provider_service_pb2_grpc
from aignehub.v1 import (
    audio_service_pb2_grpc,
    chat_service_pb2_grpc,
    embedding_service_pb2_grpc,
    health_service_pb2_grpc,
    image_service_pb2_grpc,
    model_service_pb2_grpc,
)

from server import __version__
from server.cli.connection import Target
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


class Hub:
    """The hub's services over one channel; an asynchronous context manager that closes it."""

    def __init__(self, target: Target) -> None:
        """Opens no connection yet: the first call does."""
        self.target = target
        self._channel = _open(target)
        self.chat = chat_service_pb2_grpc.ChatServiceStub(self._channel)
        self.embeddings = embedding_service_pb2_grpc.EmbeddingServiceStub(self._channel)
        self.images = image_service_pb2_grpc.ImageServiceStub(self._channel)
        self.audio = audio_service_pb2_grpc.AudioServiceStub(self._channel)
        self.models = model_service_pb2_grpc.ModelServiceStub(self._channel)
        self.health = health_service_pb2_grpc.HealthServiceStub(self._channel)
        self.keys = key_service_pb2_grpc.KeyServiceStub(self._channel)
        self.providers = provider_service_pb2_grpc.ProviderServiceStub(self._channel)

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
