"""A real hub on a free port, inside the test's own event loop, and what a client needs to call it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.admin.v1.key_service_pb2_grpc import KeyServiceStub
from aignehub.admin.v1.provider_service_pb2_grpc import ProviderServiceStub
from aignehub.v1 import chat_pb2, chat_service_pb2
from aignehub.v1.chat_service_pb2_grpc import ChatServiceStub
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from aignehub.v1.health_service_pb2_grpc import HealthServiceStub
from aignehub.v1.image_service_pb2_grpc import ImageServiceStub
from aignehub.v1.model_service_pb2_grpc import ModelServiceStub
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, QuotaFailure, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from server.app.hub import Hub
from server.config import Settings, load_settings

Metadata = tuple[tuple[str, str], ...]


@dataclass
class RunningHub:
    """A hub that answers, a channel to it, and its admin's key."""

    hub: Hub
    address: str
    channel: grpc.aio.Channel
    admin_key: str

    @property
    def auth(self) -> Metadata:
        return bearer(self.admin_key)

    @property
    def chat(self) -> "ChatServiceStub":
        return ChatServiceStub(self.channel)

    @property
    def embeddings(self) -> "EmbeddingServiceStub":
        return EmbeddingServiceStub(self.channel)

    @property
    def images(self) -> "ImageServiceStub":
        return ImageServiceStub(self.channel)

    @property
    def keys(self) -> "KeyServiceStub":
        return KeyServiceStub(self.channel)

    @property
    def providers(self) -> "ProviderServiceStub":
        return ProviderServiceStub(self.channel)

    @property
    def models(self) -> "ModelServiceStub":
        return ModelServiceStub(self.channel)

    @property
    def status(self) -> "HealthServiceStub":
        return HealthServiceStub(self.channel)

    async def new_key(self, **settings: Any) -> str:
        """The secret of a new key."""
        request = keys_pb.CreateKeyRequest(key=keys_pb.Key(display_name="test", **settings))
        return (await self.keys.CreateKey(request, metadata=self.auth)).secret


@asynccontextmanager
async def running_hub(
    folder: Path, environ: Mapping[str, str] | None = None, config: Path | None = None, **settings: Any
) -> AsyncIterator[RunningHub]:
    """A hub with ``settings`` as in hub.yaml, its data below ``folder``; the environment is ``environ`` alone.

    With ``config``, settings are read from that file as well, and again whenever it changes.
    """
    key_file = folder / "key"
    values: dict[str, Any] = {
        "listen": "127.0.0.1:0",
        "data_dir": folder / "data",
        "drain": {"delay": 0, "grace": 0.2},
        "models": {"ask_providers": False},  # a list asked for at start would be in the way of most tests
        **settings,
    }
    values["auth"] = {"bootstrap_key_file": key_file, **values.get("auth", {})}

    def load() -> Settings:
        return load_settings(config, {}, **values)

    hub = Hub(load(), environ or {}, load=load, config=config)
    address = await hub.start()
    options = [("grpc.max_receive_message_length", 64 * 2**20), ("grpc.use_local_subchannel_pool", 1)]
    try:
        async with grpc.aio.insecure_channel(address, options=options) as channel:
            yield RunningHub(hub, address, channel, key_file.read_text().strip())
    finally:
        await hub.stop()


async def until(condition: Callable[[], bool], seconds: float = 3) -> None:
    """Returns once ``condition`` holds; fails the test where it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


def bearer(key: str) -> Metadata:
    return (("authorization", f"Bearer {key}"),)


def provider(base_url: str, name: str = "openai", kind: str = "openai", **more: Any) -> dict[str, Any]:
    """A configured instance of a provider with one key."""
    return {"name": name, "kind": kind, "base_url": base_url, "api_keys": ["sk-test-upstream-key"], **more}


def ask(text: str = "Hi", model: str = "openai/gpt-test", **more: Any) -> chat_service_pb2.CreateChatCompletionRequest:
    """A chat request with one user message."""
    message = chat_pb2.Message(role=chat_pb2.ROLE_USER, content=[chat_pb2.ContentPart(text=text)])
    return chat_service_pb2.CreateChatCompletionRequest(model=model, messages=[message], **more)


@dataclass
class Failure:
    """What a client learns of a failed call."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    details_bytes: int
    trailers: dict[str, Any]
    bad_request: BadRequest
    retry: RetryInfo
    quota: QuotaFailure
    request: RequestInfo


def failure(error: grpc.aio.AioRpcError) -> Failure:
    """Reads the details of a failed call."""
    trailers = dict(error.trailing_metadata() or ())
    raw = trailers.get("grpc-status-details-bin", b"")
    assert isinstance(raw, bytes)
    status = Status.FromString(raw)
    found: dict[str, Any] = {
        "ErrorInfo": ErrorInfo(), "BadRequest": BadRequest(), "RetryInfo": RetryInfo(),
        "QuotaFailure": QuotaFailure(), "RequestInfo": RequestInfo(),
    }  # fmt: skip
    for detail in status.details:
        name = detail.type_url.rpartition(".")[2]
        if name in found:
            detail.Unpack(found[name])
    info: ErrorInfo = found["ErrorInfo"]
    return Failure(
        error.code(), error.details() or "", info.reason, dict(info.metadata), len(raw), trailers,
        found["BadRequest"], found["RetryInfo"], found["QuotaFailure"], found["RequestInfo"],
    )  # fmt: skip
