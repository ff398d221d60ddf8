"""Probes, status, models, reflection, and what a drain looks like from outside."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1.key_service_pb2 import CreateKeyRequest, Key, RevokeKeyRequest
from aignehub.v1 import chat_service_pb2, chat_service_pb2_grpc, health_service_pb2, model_service_pb2
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from server.listener import service_names, unserved_names
from server.services import status as status_service
from tests.fake_provider import DONE, USAGE, FakeProvider, chunk, hangs, streams
from tests.running import RunningHub, ask, bearer, failure, provider, running_hub, until
from tests.timing import best_of_three

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def _health(hub: RunningHub) -> Any:  # its stubs know no methods
    return health_pb2_grpc.HealthStub(hub.channel)


async def _check(hub: RunningHub, name: str) -> int:
    response = await _health(hub).Check(health_pb2.HealthCheckRequest(service=name), timeout=2)
    return int(response.status)


async def test_probes_need_no_key_and_know_every_name(tmp_path: Path) -> None:
    served = [name for name in service_names() if name not in unserved_names()]
    async with running_hub(tmp_path, sandbox=True, providers=[provider("http://127.0.0.1:1/v1")]) as hub:
        for name in ["", "liveness", "readiness", *served, "model:sandbox/echo", "model:openai/anything"]:
            assert await _check(hub, name) == SERVING, name
        for name in ["nothing", "model:nowhere/x", "model:"]:
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await _check(hub, name)
            assert raised.value.code() == grpc.StatusCode.NOT_FOUND, name


async def test_a_port_for_probes_knows_health_and_nothing_else(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, health_listen="127.0.0.1:0") as hub:
        assert hub.hub.health_address not in {"", hub.address}
        async with grpc.aio.insecure_channel(hub.hub.health_address) as channel:
            probe: Any = health_pb2_grpc.HealthStub(channel)
            for name in ("", "liveness", "readiness"):
                answer = await probe.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
                assert answer.status == SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await chat_service_pb2_grpc.ChatServiceStub(channel).CreateChatCompletion(
                    ask(), metadata=hub.auth, timeout=5
                )
            assert refused.value.code() == grpc.StatusCode.UNIMPLEMENTED
            with pytest.raises(grpc.aio.AioRpcError) as too_large:
                await probe.Check(health_pb2.HealthCheckRequest(service="x" * 5000), timeout=5)
            assert too_large.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_drain_shows_everywhere_and_lets_calls_finish(tmp_path: Path) -> None:
    may_end = asyncio.Event()

    async def wait() -> None:
        await asyncio.wait_for(may_end.wait(), 5)

    async with FakeProvider(streams(chunk({"content": "a"}), then=wait)) as fake:
        settings: dict[str, Any] = {"providers": [provider(fake.base_url)], "drain": {"delay": 0.3, "grace": 5}}
        async with running_hub(tmp_path, **settings) as hub:
            watch = _health(hub).Watch(health_pb2.HealthCheckRequest(service="readiness"))
            status = hub.status.WatchStatus(health_service_pb2.WatchStatusRequest(), metadata=hub.auth)
            assert (await watch.read()).status == SERVING
            first = await status.read()
            assert isinstance(first, health_service_pb2.WatchStatusResponse)
            assert first.status.available
            call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=10)
            await call.read()
            stopping = asyncio.create_task(hub.hub.stop())
            assert (await asyncio.wait_for(watch.read(), 2)).status == NOT_SERVING
            told = await asyncio.wait_for(status.read(), 2)
            assert isinstance(told, health_service_pb2.WatchStatusResponse)
            assert told.status.server.draining
            assert _reason(told.status) == "SERVER_DRAINING"
            assert await _check(hub, "liveness") == SERVING
            assert await asyncio.wait_for(watch.read(), 2) is grpc.aio.EOF
            assert await asyncio.wait_for(status.read(), 2) is grpc.aio.EOF
            await asyncio.sleep(0.2)
            assert not stopping.done()  # a call is in flight
            may_end.set()
            with pytest.raises(grpc.aio.AioRpcError) as raised:  # it ends as the provider ended it
                while await call.read() is not grpc.aio.EOF:
                    pass
            assert failure(raised.value).reason == "PROVIDER_UNAVAILABLE"
            await asyncio.wait_for(stopping, 2)


@best_of_three
async def test_an_open_watch_does_not_hold_up_the_drain(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, drain={"delay": 0, "grace": 10}) as hub:
        watches = [
            _health(hub).Watch(health_pb2.HealthCheckRequest(service=name))
            for name in ("", "readiness", "unknown", "model:sandbox/other")
        ]
        for watch in watches:
            await asyncio.wait_for(watch.read(), 2)
        began = asyncio.get_running_loop().time()
        await hub.hub.stop()
        assert asyncio.get_running_loop().time() - began < 1.5


async def test_a_stream_past_the_grace_tells_what_it_used_and_why_it_ends(tmp_path: Path) -> None:
    async def never() -> None:
        await asyncio.sleep(3600)

    async with FakeProvider(streams(chunk({"content": "Hello"}), then=never)) as fake:
        settings: dict[str, Any] = {"providers": [provider(fake.base_url)], "drain": {"delay": 0, "grace": 0.3}}
        async with running_hub(tmp_path, **settings) as hub:
            call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=30)
            received = [await call.read()]
            stopping = asyncio.create_task(hub.hub.stop())
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                while (chunk_ := await call.read()) is not grpc.aio.EOF:
                    received.append(chunk_)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
            last = received[-1]
            assert isinstance(last, chat_service_pb2.StreamChatCompletionResponse)
            assert last.usage.output_tokens > 0
            assert last.gateway.request_id
            await asyncio.wait_for(stopping, 3)
            assert len(fake.disconnects) == 1


async def test_probes_bound_what_strangers_cost(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        for method in (_health(hub).Check, _health(hub).Watch):
            call = method(health_pb2.HealthCheckRequest(service="model:sandbox/" + "x" * 400), timeout=2)
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await (call.read() if hasattr(call, "read") else call)
            assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        bad: Any = hub.channel.unary_unary("/grpc.health.v1.Health/Check")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await bad(b"\xff\xff", timeout=2)
        assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


async def test_calls_past_the_grace_are_cancelled(tmp_path: Path) -> None:
    async with FakeProvider(hangs) as fake:
        settings: dict[str, Any] = {"providers": [provider(fake.base_url)], "drain": {"delay": 0, "grace": 0.3}}
        async with running_hub(tmp_path, **settings) as hub:
            call = hub.chat.CreateChatCompletion(ask(), metadata=hub.auth, timeout=30)
            await until(lambda: bool(fake.seen))
            await asyncio.wait_for(hub.hub.stop(), 3)
            with pytest.raises((grpc.aio.AioRpcError, asyncio.CancelledError)):
                await call
            assert hub.hub.active_calls == 0
            await until(lambda: len(fake.disconnects) == 1)


def _reason(status: health_service_pb2.GetStatusResponse) -> str:
    info = ErrorInfo()
    for detail in status.reason.details:
        detail.Unpack(info)
    return str(info.reason)


async def test_each_cause_has_a_reason_of_its_own(tmp_path: Path) -> None:
    providers = [provider("http://127.0.0.1:1/v1"), {"name": "xai", "kind": "xai"}]
    async with running_hub(tmp_path, providers=providers) as hub:
        limited = bearer(await hub.new_key(allowed_models=["xai/*"]))
        causes = {
            ("openai/gpt-5", hub.auth): "",
            ("", hub.auth): "",
            ("groq/llama", hub.auth): "NO_PROVIDER",
            ("xai/grok-4", hub.auth): "NO_CREDENTIAL",
            ("no-such", hub.auth): "MODEL_NOT_FOUND",
            ("openai/gpt-5", limited): "MODEL_NOT_ALLOWED",
            ("", limited): "NO_CREDENTIAL",
        }
        for (model, metadata), reason in causes.items():
            request = health_service_pb2.GetStatusRequest(model=model)
            status = await hub.status.GetStatus(request, metadata=metadata, timeout=2)
            assert (status.available, _reason(status)) == (not reason, reason), model
            if reason:
                assert status.reason.message
        assert [p.provider for p in status.providers] == ["xai"]  # the last was asked with the limited key
        assert status.server.version
    async with running_hub(tmp_path / "none") as hub:
        status = await hub.status.GetStatus(health_service_pb2.GetStatusRequest(), metadata=hub.auth, timeout=2)
        assert _reason(status) == "NO_PROVIDER"
        for model in ("gpt-5", "no-such", "openai/gpt-5"):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(ask(model=model), metadata=hub.auth, timeout=2)
            assert failure(raised.value).reason == "NO_PROVIDER"


async def test_what_is_not_there_is_not_serving(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        for name in ("sandbox/nope", "sandbox/echo-2"):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await _check(hub, f"model:{name}")
            assert raised.value.code() == grpc.StatusCode.NOT_FOUND
            calls: list[tuple[Any, Any]] = [
                (hub.models.GetModel, model_service_pb2.GetModelRequest(model=name)),
                (hub.chat.CreateChatCompletion, ask(model=name)),
            ]
            for method, request in calls:
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await method(request, metadata=hub.auth, timeout=2)
                assert failure(raised.value).reason == "MODEL_NOT_FOUND"
        assert await _check(hub, "model:sandbox/slow-5") == SERVING
        assert await _check(hub, "aignehub.admin.v1.UsageService") == NOT_SERVING


async def test_a_key_is_told_of_what_it_reaches_alone(tmp_path: Path) -> None:
    providers = [
        provider("http://127.0.0.1:1/v1", name, "openai", models=["m", "n"], models_closed=name == "alpha")
        for name in ("alpha", "beta", "gamma")
    ]
    async with running_hub(tmp_path, providers=providers) as hub:
        limited = bearer(await hub.new_key(allowed_models=["alpha/m"]))
        request = health_service_pb2.GetStatusRequest(include_models=True)
        status = await hub.status.GetStatus(request, metadata=limited, timeout=2)
        told = []
        for model in ("no-such", "alpha/no-such", "n", "beta/n"):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await hub.chat.CreateChatCompletion(ask(model=model), metadata=limited, timeout=2)
            told.append(failure(raised.value))
    assert [one.provider for one in status.providers] == ["alpha"]
    assert [one.model for one in status.models] == ["alpha/m"]
    assert [one.reason for one in told] == ["MODEL_NOT_FOUND", "MODEL_NOT_FOUND", *["MODEL_NOT_ALLOWED"] * 2]
    assert "alpha" in told[0].message
    assert "it serves m" in told[1].message
    for one in told[:3]:
        assert "beta" not in one.message + str(one.metadata)
        assert "gamma" not in one.message + str(one.metadata)


async def test_a_watch_ends_with_the_key_that_opened_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status_service, "_RECHECK_SECONDS", 0.02)
    async with running_hub(tmp_path, providers=[provider("http://127.0.0.1:1/v1", "a", "openai")]) as hub:
        made = await hub.keys.CreateKey(CreateKeyRequest(key=Key(display_name="watcher")), metadata=hub.auth)
        watch = hub.status.WatchStatus(health_service_pb2.WatchStatusRequest(), metadata=bearer(made.secret), timeout=5)
        assert isinstance(await watch.read(), health_service_pb2.WatchStatusResponse)
        await hub.keys.RevokeKey(RevokeKeyRequest(key_id=made.key.id), metadata=hub.auth)
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await watch.read()
    assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_models_are_listed_paged_and_described(tmp_path: Path) -> None:
    listed = provider("http://127.0.0.1:1/v1", models=["a", "b"], models_closed=True)
    async with running_hub(tmp_path, sandbox=True, providers=[listed]) as hub:
        ids: list[str] = []
        token = ""
        while True:
            request = model_service_pb2.ListModelsRequest(page_size=3, page_token=token)
            page = await hub.models.ListModels(request, metadata=hub.auth, timeout=2)
            assert len(page.models) <= 3
            ids += [model.id for model in page.models]
            token = page.next_page_token
            if not token:
                break
        assert ids == sorted(ids)
        assert {"openai/a", "openai/b", "sandbox/echo", "sandbox/*"} <= set(ids)
        assert "openai/*" not in ids
        tools = model_service_pb2.ListModelsRequest(
            provider="sandbox", capabilities=[model_service_pb2.MODEL_CAPABILITY_TOOLS]
        )
        found = await hub.models.ListModels(tools, metadata=hub.auth, timeout=2)
        assert "sandbox/tools" in [model.id for model in found.models]
        assert "sandbox/echo" not in [model.id for model in found.models]
        one = await hub.models.GetModel(
            model_service_pb2.GetModelRequest(model="sandbox/fail-418"), metadata=hub.auth, timeout=2
        )
        assert one.model.provider == "sandbox"
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.models.ListModels(
                model_service_pb2.ListModelsRequest(page_token="x"), metadata=hub.auth, timeout=2
            )
        assert failure(raised.value).bad_request.field_violations[0].field == "page_token"


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_is_there_behind_a_key(tmp_path: Path, version: str) -> None:
    async with running_hub(tmp_path, sandbox=True) as hub:
        reflect: Any = hub.channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        call = reflect(iter([request]), metadata=hub.auth, timeout=2)
        response = await call.read()
        names = {service.name for service in response.list_services_response.service}
        assert set(service_names()) <= names
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await reflect(iter([request]), timeout=2).read()
        assert raised.value.code() == grpc.StatusCode.UNAUTHENTICATED


async def test_reflection_is_off_where_it_is_told(tmp_path: Path) -> None:
    async with running_hub(tmp_path, sandbox=True, reflection="off") as hub:
        reflect: Any = hub.channel.stream_stream("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo")
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await reflect(iter([b""]), metadata=hub.auth, timeout=2).read()
        told = failure(raised.value)
        assert (told.code, told.reason) == (grpc.StatusCode.UNIMPLEMENTED, "METHOD_UNKNOWN")


async def test_a_whole_answer_streams_while_probes_are_answered(tmp_path: Path) -> None:
    pieces = [chunk({"content": str(i)}) for i in range(30)]
    async with (
        FakeProvider(streams(*pieces, chunk({}, "stop") + USAGE + DONE, pause=0.005)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url)]) as hub,
    ):
        call = hub.chat.StreamChatCompletion(ask(), metadata=hub.auth, timeout=5)
        await call.read()
        assert await _check(hub, "liveness") == SERVING
        while await call.read() is not grpc.aio.EOF:
            pass
        assert await call.code() == grpc.StatusCode.OK
