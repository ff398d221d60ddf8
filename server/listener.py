"""The gRPC server: its channel arguments, its ports, its services."""

import socket
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import grpc
from aignehub.admin.v1 import (
    key_service_pb2,
    key_service_pb2_grpc,
    provider_service_pb2,
    provider_service_pb2_grpc,
    usage_service_pb2,
)
from aignehub.v1 import (
    audio_service_pb2,
    audio_service_pb2_grpc,
    chat_service_pb2,
    chat_service_pb2_grpc,
    embedding_service_pb2,
    embedding_service_pb2_grpc,
    health_service_pb2,
    health_service_pb2_grpc,
    image_service_pb2,
    image_service_pb2_grpc,
    model_service_pb2,
    model_service_pb2_grpc,
)
from google.protobuf.descriptor import FileDescriptor
from grpc_reflection.v1alpha import reflection, reflection_pb2

from server.config import Settings
from server.errors import ConfigError
from server.services.audio import AudioService
from server.services.chat import ChatService
from server.services.embeddings import EmbeddingService
from server.services.health import HEALTH_SERVICE, HealthServicer
from server.services.images import ImageService
from server.services.keys import KeyService
from server.services.models import ModelService
from server.services.providers import ProviderService
from server.services.status import StatusService
from server.services.unbuilt import unbuilt_methods
from server.tls import server_credentials

_FILES = (
    audio_service_pb2, chat_service_pb2, embedding_service_pb2, health_service_pb2, image_service_pb2,
    key_service_pb2, model_service_pb2, provider_service_pb2, usage_service_pb2,
)  # fmt: skip
_LATER = (usage_service_pb2,)
"""Files whose services answer UNIMPLEMENTED until their turn comes."""

_LARGEST_PROBE = 4096
"""Bytes of a request on the port for probes, which names a service and says nothing else."""

REFLECTION_V1 = "grpc.reflection.v1.ServerReflection"


def service_names() -> list[str]:
    """Full names of every service of the contract."""
    return [service.full_name for file in _FILES for service in _services(file.DESCRIPTOR)]


def unserved_names() -> list[str]:
    """Of those the ones whose methods are not served yet."""
    return [service.full_name for file in _LATER for service in _services(file.DESCRIPTOR)]


def build_server(settings: Settings, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> grpc.aio.Server:
    """A server with its channel arguments and interceptors, without services and ports."""
    return grpc.aio.server(interceptors=list(interceptors), options=_channel_arguments(settings))


class _ByName:
    """What the generated code sees of a server: methods are looked up by name, and not registered one by one as well.

    For registered methods grpc.aio (1.85) keeps a task each, and begins to wait for all of them anew with every call
    that comes in: with the 32 methods of the contract that was about 3 % of a call (723 against 703 µs).
    """

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Leaves it at the handlers by name."""


def add_services(
    server: grpc.aio.Server,
    *,
    chat: ChatService,
    embeddings: EmbeddingService,
    images: ImageService,
    audio: AudioService,
    keys: KeyService,
    models: ModelService,
    providers: ProviderService,
    status: StatusService,
    health: HealthServicer,
) -> None:
    """Registers what is built, and a refusal by name for what is not."""
    by_name = cast(grpc.aio.Server, _ByName(server))
    chat_service_pb2_grpc.add_ChatServiceServicer_to_server(chat, by_name)
    embedding_service_pb2_grpc.add_EmbeddingServiceServicer_to_server(embeddings, by_name)
    image_service_pb2_grpc.add_ImageServiceServicer_to_server(images, by_name)
    audio_service_pb2_grpc.add_AudioServiceServicer_to_server(audio, by_name)
    key_service_pb2_grpc.add_KeyServiceServicer_to_server(keys, by_name)
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(models, by_name)
    provider_service_pb2_grpc.add_ProviderServiceServicer_to_server(providers, by_name)
    health_service_pb2_grpc.add_HealthServiceServicer_to_server(status, by_name)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH_SERVICE, health.methods()),))
    for file in _LATER:
        for service in _services(file.DESCRIPTOR):
            refusals = grpc.method_handlers_generic_handler(service.full_name, unbuilt_methods(service))
            server.add_generic_rpc_handlers((refusals,))


def add_reflection(server: grpc.aio.Server) -> None:
    """Reflection under both names clients ask for."""
    names = [*service_names(), HEALTH_SERVICE]
    names += [REFLECTION_V1, reflection.SERVICE_NAME]
    servicer = reflection.aio.ReflectionServicer(names)
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    # grpcio-reflection serves v1alpha only (https://github.com/grpc/grpc/issues/38576); v1 has the same messages.
    for name in (REFLECTION_V1, reflection.SERVICE_NAME):
        handler = grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": method})
        server.add_generic_rpc_handlers((handler,))


def wants_reflection(settings: Settings) -> bool:
    """``auto`` means: where only this machine can ask."""
    return settings.reflection == "on" or (settings.reflection == "auto" and is_loopback(settings.listen))


def add_ports(server: grpc.aio.Server, settings: Settings) -> str:
    """Binds the addresses and returns the TCP one with its real port. Raises ConfigError with the remedy."""
    if settings.tls is None and not settings.allow_plaintext and not is_loopback(settings.listen):
        raise ConfigError(
            f"listen: {settings.listen} is reachable from other machines without encryption; set tls, or say "
            "allow_plaintext: true as well where something in front of the hub encrypts"
        )
    if settings.workers > 1 and settings.unix_socket:
        raise ConfigError("unix_socket: one process alone can listen on it; leave it out, or set workers to 1")
    host = settings.listen.rpartition(":")[0]
    try:
        if settings.tls:
            port = server.add_secure_port(settings.listen, server_credentials(settings.tls))
        else:
            port = server.add_insecure_port(settings.listen)
    except RuntimeError:
        raise ConfigError(f"listen: cannot bind {settings.listen}; is another process using the port?") from None
    if settings.unix_socket:
        try:
            server.add_insecure_port(f"unix:{_fresh(settings.unix_socket)}")
        except (RuntimeError, OSError):
            raise ConfigError(f"unix_socket: cannot bind {settings.unix_socket}; does its folder exist?") from None
    return f"{host}:{port}"


def build_probe_server(listen: str, health: HealthServicer, *, shares_port: bool) -> tuple[grpc.aio.Server, str]:
    """A second server with ``health`` and nothing else, and its address. Raises ConfigError with the remedy."""
    server = grpc.aio.server(
        options=[
            ("grpc.so_reuseport", int(shares_port)),
            ("grpc.max_receive_message_length", _LARGEST_PROBE),
            ("grpc.server_handshake_timeout_ms", _ms(10)),
        ]
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH_SERVICE, health.methods()),))
    try:
        port = server.add_insecure_port(listen)
    except RuntimeError:
        raise ConfigError(f"health_listen: cannot bind {listen}; is another process using the port?") from None
    return server, f"{listen.rpartition(':')[0]}:{port}"


def is_loopback(address: str) -> bool:
    """True where ``host:port`` can be reached from this machine alone."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fresh(path: Path) -> Path:
    """The path, free to be bound: what a killed process left behind is removed, a living one's is not."""
    if not path.is_socket():
        return path.absolute()
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return path.absolute()
    raise ConfigError(f"unix_socket: another process listens on {path}; choose another path or stop it")


def _channel_arguments(settings: Settings) -> list[tuple[str, Any]]:
    """What RELIABILITY of the design asks for; each setting says its reason where it is declared."""
    limits = settings.grpc
    return [
        # A second hub on the same port is a mistake, unless it is another worker of this one.
        ("grpc.so_reuseport", int(settings.workers > 1)),
        ("grpc.keepalive_time_ms", _ms(limits.keepalive_time)),
        ("grpc.keepalive_timeout_ms", _ms(limits.keepalive_timeout)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(limits.min_ping_interval)),
        ("grpc.http2.max_ping_strikes", limits.max_ping_strikes),
        ("grpc.max_connection_age_ms", _ms(limits.max_connection_age)),
        ("grpc.max_connection_age_grace_ms", _ms(limits.max_connection_age_grace)),
        ("grpc.max_connection_idle_ms", _ms(limits.max_connection_idle)),
        ("grpc.max_concurrent_streams", limits.max_concurrent_streams),
        ("grpc.server_handshake_timeout_ms", _ms(limits.handshake_timeout)),
        ("grpc.max_receive_message_length", limits.max_receive_message_bytes),
        ("grpc.max_send_message_length", limits.max_send_message_bytes),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", limits.stream_window_bytes),
        ("grpc.max_metadata_size", limits.max_metadata_bytes),
    ]


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _services(file: FileDescriptor) -> list[Any]:
    return list(file.services_by_name.values())
