"""Who may call what: decided before a handler runs, for methods of every kind."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.v1 import audio_service_pb2, embedding_service_pb2, model_service_pb2
from aignehub.v1.audio_service_pb2_grpc import AudioServiceStub
from aignehub.v1.embedding_service_pb2_grpc import EmbeddingServiceStub
from google.protobuf.field_mask_pb2 import FieldMask

from tests.fake_provider import FakeProvider, answers, completion
from tests.running import Metadata, RunningHub, ask, bearer, failure, provider, running_hub

Caller = Callable[[RunningHub, Metadata], Any]


async def _pieces() -> AsyncIterator[Any]:
    yield audio_service_pb2.UploadTranscriptionRequest(audio=b"x")


async def _batches() -> AsyncIterator[Any]:
    yield embedding_service_pb2.StreamEmbeddingsRequest(batch_id=1)


async def _unary(hub: RunningHub, metadata: Metadata) -> None:
    await hub.chat.CreateChatCompletion(ask(), metadata=metadata, timeout=5)


async def _server_stream(hub: RunningHub, metadata: Metadata) -> None:
    async for _ in hub.chat.StreamChatCompletion(ask(), metadata=metadata, timeout=5):
        pass


async def _client_stream(hub: RunningHub, metadata: Metadata) -> None:
    await AudioServiceStub(hub.channel).UploadTranscription(_pieces(), metadata=metadata, timeout=5)


async def _bidi(hub: RunningHub, metadata: Metadata) -> None:
    async for _ in EmbeddingServiceStub(hub.channel).StreamEmbeddings(_batches(), metadata=metadata, timeout=5):
        pass


EVERY_KIND = pytest.mark.parametrize("call", [_unary, _server_stream, _client_stream, _bidi])

BAD_METADATA: list[tuple[Metadata, str]] = [
    ((), "API_KEY_MISSING"),
    ((("authorization", "Basic abc"),), "API_KEY_INVALID"),
    (bearer("hub_nonsense"), "API_KEY_INVALID"),
    (bearer("hub_" + "A" * 16 + "_" + "B" * 49), "API_KEY_INVALID"),
    ((("x-api-key", "x"),), "API_KEY_INVALID"),
    (bearer("a.b.c"), ""),
]


@EVERY_KIND
async def test_without_a_good_key_no_handler_runs(tmp_path: Path, call: Caller) -> None:
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        for metadata, reason in BAD_METADATA:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await call(hub, metadata)
            told = failure(raised.value)
            assert told.code == grpc.StatusCode.UNAUTHENTICATED, metadata
            assert told.reason == reason or not reason
            assert told.request.request_id
    assert not fake.seen


@EVERY_KIND
async def test_a_key_without_the_method_is_refused(tmp_path: Path, call: Caller) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        key = await hub.new_key(allowed_methods=["aignehub.v1.ModelService/ListModels"])
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await call(hub, bearer(key))
        told = failure(raised.value)
        assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "METHOD_NOT_ALLOWED")
        listed = await hub.models.ListModels(model_service_pb2.ListModelsRequest(), metadata=bearer(key), timeout=5)
        assert listed.models


@pytest.mark.parametrize("name", ["/no.Such/Method", "/aignehub.v1.ChatService/NoSuch", "/aignehub.admin.v1.No/Such"])
async def test_what_is_not_there_is_no_matter_of_rights(tmp_path: Path, name: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        plain = bearer(await hub.new_key())
        unknown: Any = hub.channel.unary_unary(name)
        for metadata in (hub.auth, plain):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await unknown(b"", metadata=metadata, timeout=5)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await unknown(b"", timeout=5)
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_both_headers_carry_a_key(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        for metadata in (bearer(hub.admin_key), (("x-api-key", hub.admin_key),)):
            await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=metadata, timeout=5)


async def test_models_are_judged_after_the_name_is_resolved(tmp_path: Path) -> None:
    listed = [{"name": "gpt-test", "aliases": ["smart"]}]
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, sandbox=True, providers=[provider(fake.base_url, models=listed)]) as hub,
    ):
        key = bearer(await hub.new_key(allowed_models=["sandbox/*"]))
        await hub.chat.CreateChatCompletion(ask(model="sandbox/echo"), metadata=key, timeout=5)
        for name in ("openai/gpt-test", "OPENAI/gpt-test", "aignehub/openai/gpt-test", "smart", "gpt-test", "gpt-5"):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(ask(model=name), metadata=key, timeout=5)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "MODEL_NOT_ALLOWED"), name
        models = await hub.models.ListModels(model_service_pb2.ListModelsRequest(), metadata=key, timeout=5)
    assert {model.provider for model in models.models} == {"sandbox"}
    assert not fake.seen


async def test_revocation_and_rotation_hold_from_the_next_call(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        created = await hub.keys.CreateKey(
            keys_pb.CreateKeyRequest(key=keys_pb.Key(display_name="app")), metadata=hub.auth
        )
        old = bearer(created.secret)
        request = ask(model="sandbox/echo")
        await hub.chat.CreateChatCompletion(request, metadata=old, timeout=5)
        rotating = keys_pb.RotateKeyRequest(key_id=created.key.id)
        rotating.grace_period.seconds = 60
        rotated = await hub.keys.RotateKey(rotating, metadata=hub.auth)
        for metadata in (old, bearer(rotated.secret)):
            await hub.chat.CreateChatCompletion(request, metadata=metadata, timeout=5)
        await hub.keys.RevokeKey(keys_pb.RevokeKeyRequest(key_id=created.key.id), metadata=hub.auth)
        for metadata in (old, bearer(rotated.secret)):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(request, metadata=metadata, timeout=5)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.UNAUTHENTICATED, "API_KEY_REVOKED")


async def test_every_key_sees_itself_and_none_climbs(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        key = bearer(await hub.new_key(allowed_models=["sandbox/*"]))
        own = await hub.keys.GetKey(keys_pb.GetKeyRequest(key_id="self"), metadata=key)
        assert list(own.key.allowed_models) == ["sandbox/*"]
        assert own.key.last_use_time.seconds > 0
        admin = await hub.keys.GetKey(keys_pb.GetKeyRequest(key_id="self"), metadata=hub.auth)
        attempts: list[Any] = [
            hub.keys.GetKey(keys_pb.GetKeyRequest(key_id=admin.key.id), metadata=key),
            hub.keys.ListKeys(keys_pb.ListKeysRequest(), metadata=key),
            hub.keys.RotateKey(keys_pb.RotateKeyRequest(key_id=admin.key.id), metadata=key),
        ]
        for attempt in attempts:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await attempt
            assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
        minor = bearer(
            await hub.new_key(allowed_methods=["aignehub.admin.v1.KeyService/*"], allowed_models=["sandbox/*"])
        )
        own_id = (await hub.keys.GetKey(keys_pb.GetKeyRequest(key_id="self"), metadata=minor)).key.id
        climbs: list[Any] = [
            hub.keys.CreateKey(keys_pb.CreateKeyRequest(key=keys_pb.Key(allowed_models=["*"])), metadata=minor),
            hub.keys.RotateKey(keys_pb.RotateKeyRequest(key_id=admin.key.id), metadata=minor),
            hub.keys.UpdateKey(
                keys_pb.UpdateKeyRequest(
                    key=keys_pb.Key(id=own_id, allowed_methods=["aignehub.v1.*"]),
                    update_mask=FieldMask(paths=["allowed_methods"]),
                ),
                metadata=minor,
            ),
        ]
        for climb in climbs:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await climb
            assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
