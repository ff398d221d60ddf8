"""Another configuration is taken into use while calls are made, and operators look at and change providers."""

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from aignehub.admin.v1 import provider_service_pb2 as pb
from aignehub.v1 import health_service_pb2
from aiohttp import web
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.fake_provider import FakeProvider, answers, completion
from tests.running import RunningHub, ask, bearer, failure, provider, running_hub

LOADS = 60
"""Reloads under load; a tenth of them of a broken file."""


def write(config: Path, *providers: dict[str, Any], **more: Any) -> None:
    """As an editor does: a new file in place of the old one."""
    new = config.with_suffix(".new")
    new.write_text(yaml.safe_dump({"providers": list(providers), **more}))
    new.replace(config)


async def reload(hub: RunningHub) -> pb.ReloadConfigurationResponse:
    return await hub.providers.ReloadConfiguration(pb.ReloadConfigurationRequest(), metadata=hub.auth, timeout=5)


async def generation(hub: RunningHub) -> int:
    request = health_service_pb2.GetStatusRequest()
    return (await hub.status.GetStatus(request, metadata=hub.auth, timeout=5)).server.configuration_generation


async def code(hub: RunningHub, model: str) -> grpc.StatusCode:
    try:
        await hub.chat.CreateChatCompletion(ask(model=model), metadata=hub.auth, timeout=5)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return grpc.StatusCode.OK


async def test_another_configuration_is_taken_into_use(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    async with FakeProvider(answers(completion())) as fake:
        write(config, provider(fake.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            assert (await code(hub, "b/m"), await generation(hub)) == (grpc.StatusCode.NOT_FOUND, 1)
            write(config, provider(fake.base_url, "b", "openai"), aliases={"smart": "b/m"}, log_level="warning")
            done = await reload(hub)
            assert (done.changed, done.configuration_generation, list(done.needs_restart)) == (True, 2, ["log_level"])
            assert await code(hub, "b/m") == await code(hub, "smart") == grpc.StatusCode.OK
            assert await code(hub, "a/m") == grpc.StatusCode.NOT_FOUND
            again = await reload(hub)
            assert (again.changed, again.configuration_generation) == (False, 2)


async def test_what_needs_a_restart_is_told_until_the_file_says_again_what_runs(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    async with FakeProvider(answers(completion())) as fake:
        one = provider(fake.base_url, "a", "openai")
        write(config, one)
        async with running_hub(tmp_path, config=config) as hub:
            told = []
            for more in ({"log_level": "warning"}, {"log_level": "warning", "defaults": {"chat": "a/m"}}, {}, {}):
                write(config, one, **more)
                told.append(list((await reload(hub)).needs_restart))
    assert told == [["log_level"], ["log_level"], [], []]


async def test_a_provider_that_moved_is_asked_at_once(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    no = answers({"error": {"message": "no"}}, 500)
    async with FakeProvider(no) as old, FakeProvider(answers(completion())) as new:
        write(config, provider(old.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            for _ in range(5):
                await code(hub, "a/m")
            write(config, provider(new.base_url, "a", "openai"))
            await reload(hub)
            (told,) = (
                await hub.providers.ListProviders(pb.ListProvidersRequest(), metadata=hub.auth, timeout=5)
            ).providers
            assert not told.models
            assert await code(hub, "a/m") == grpc.StatusCode.OK


async def test_a_bad_configuration_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    async with FakeProvider(answers(completion())) as fake:
        write(config, provider(fake.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            write(config, provider(fake.base_url, "a", "nothing-of-the-kind"))
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await reload(hub)
            told = failure(raised.value)
            assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CONFIGURATION_REFUSED")
            assert "providers[0].kind" in told.message
            assert (await code(hub, "a/m"), await generation(hub)) == (grpc.StatusCode.OK, 1)


async def test_an_emptied_file_is_refused_and_providers_can_be_taken_away_in_words(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    async with FakeProvider(answers(completion())) as fake:
        write(config, provider(fake.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            for text in ("", "log_level: info\n"):
                config.write_text(text)
                with pytest.raises(grpc.aio.AioRpcError) as raised:
                    await reload(hub)
                assert "providers: []" in failure(raised.value).message
                assert await code(hub, "a/m") == grpc.StatusCode.OK
            write(config)
            assert (await reload(hub)).changed
            assert await code(hub, "a/m") == grpc.StatusCode.UNAVAILABLE  # NO_PROVIDER


async def test_a_file_that_is_being_written_is_not_read(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    async with FakeProvider(answers(completion())) as fake:
        write(config, provider(fake.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            for count in range(12):  # a writer that takes its time, of a file that is valid at every step
                write(config, *[provider(fake.base_url, f"a{number}", "openai") for number in range(count + 1)])
                await asyncio.sleep(0.15)
                assert await generation(hub) == 1

            async with asyncio.timeout(5):
                while await code(hub, "a11/m") != grpc.StatusCode.OK:
                    await asyncio.sleep(0.05)
            assert await generation(hub) == 2


async def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    config, key = tmp_path / "hub.yaml", tmp_path / "provider-key"
    key.write_text("first")
    async with FakeProvider(answers(completion())) as fake:
        write(config, {**provider(fake.base_url, "a", "openai"), "api_keys": [f"file:{key}"]})
        async with running_hub(tmp_path, config=config) as hub:
            await code(hub, "a/m")
            key.write_text("second")

            async def noticed() -> bool:
                return await generation(hub) == 2

            async with asyncio.timeout(5):
                while not await noticed():
                    await asyncio.sleep(0.05)
            await code(hub, "a/m")
    assert [seen.headers["Authorization"] for seen in fake.seen] == ["Bearer first", "Bearer second"]


async def test_calls_never_notice_a_reload(tmp_path: Path) -> None:
    config = tmp_path / "hub.yaml"
    failed = 0
    done = asyncio.Event()

    async def load(hub: RunningHub) -> int:
        made = 0
        while not done.is_set():
            nonlocal failed
            failed += await code(hub, "a/m") != grpc.StatusCode.OK
            made += 1
        return made

    async with FakeProvider(answers(completion())) as fake:
        write(config, provider(fake.base_url, "a", "openai"))
        async with running_hub(tmp_path, config=config) as hub:
            loads = [asyncio.create_task(load(hub)) for _ in range(8)]
            refused = 0
            for number in range(LOADS):
                write(config, provider(fake.base_url, "a", "openai"), provider(fake.base_url, f"b{number}", "openai"))
                if number % 10 == 0:
                    config.write_text("providers: [")
                try:
                    await reload(hub)
                except grpc.aio.AioRpcError:
                    refused += 1
            done.set()
            made = sum(await asyncio.gather(*loads))
    assert (failed, refused) == (0, LOADS // 10)
    assert made > LOADS


async def test_providers_are_told_with_their_credentials_masked(tmp_path: Path) -> None:
    keys = [{"key": "sk-0123456789abcdef", "name": "first", "weight": 200}, {"key": "short", "name": "second"}]
    async with (
        FakeProvider(answers({"error": {"message": "no"}}, 500)) as fake,
        running_hub(tmp_path, providers=[{**provider(fake.base_url, "a", "openai"), "api_keys": keys}]) as hub,
    ):
        for _ in range(5):
            await code(hub, "a/m")
        answer = await hub.providers.ListProviders(pb.ListProvidersRequest(), metadata=hub.auth, timeout=5)
        plain = bearer(await hub.new_key())
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.providers.ListProviders(pb.ListProvidersRequest(), metadata=plain, timeout=5)
    assert raised.value.code() == grpc.StatusCode.PERMISSION_DENIED
    (told,) = answer.providers
    assert [(one.name, one.redacted_secret, one.weight) for one in told.credentials] == [
        ("first", "sk-0…cdef", 200),
        ("second", "…", 100),
    ]
    (model,) = told.models
    assert (model.name, model.breaker) == ("m", pb.BREAKER_STATE_OPEN)
    assert model.open_for.seconds in (29, 30)
    assert model.error_rate == 1.0
    assert model.last_error.code == grpc.StatusCode.UNAVAILABLE.value[0]


async def test_a_provider_and_a_key_are_switched_off(tmp_path: Path) -> None:
    keys = [{"key": "k1", "name": "first"}, {"key": "k2", "name": "second"}]
    async with (
        FakeProvider(answers(completion())) as fake,
        running_hub(tmp_path, providers=[{**provider(fake.base_url, "a", "openai"), "api_keys": keys}]) as hub,
    ):

        async def update(**change: Any) -> pb.Provider:
            request = pb.UpdateProviderRequest(provider="a", **change)
            return (await hub.providers.UpdateProvider(request, metadata=hub.auth, timeout=5)).provider

        assert [one.enabled for one in (await update(credential="first", enabled=False)).credentials] == [False, True]
        for _ in range(3):
            await code(hub, "a/m")
        assert {seen.headers["Authorization"] for seen in fake.seen} == {"Bearer k2"}
        for change, field in (({"credential": "second", "enabled": False}, "credential"), ({}, "enabled")):
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await update(**change)
            assert failure(raised.value).bad_request.field_violations[0].field == field
        assert (await update(enabled=False)).enabled is False
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await hub.chat.CreateChatCompletion(ask(model="a/m"), metadata=hub.auth, timeout=5)
        assert "switched off" in failure(raised.value).message
        assert await reload(hub)  # and a reload does not switch it on again
        assert await code(hub, "a/m") == grpc.StatusCode.UNAVAILABLE
        await update(enabled=True)
        assert await code(hub, "a/m") == grpc.StatusCode.OK


async def test_status_tells_what_routing_knows(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers({"error": {"message": "slow down"}}, 429, {"Retry-After": "20"})) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "a", "openai", models=["m", "n"])]) as hub,
    ):
        await code(hub, "a/m")
        request = health_service_pb2.GetStatusRequest(model="a/m", include_models=True)
        status = await hub.status.GetStatus(request, metadata=hub.auth, timeout=5)
        other = await hub.status.GetStatus(
            health_service_pb2.GetStatusRequest(model="a/n"), metadata=hub.auth, timeout=5
        )
    assert (status.available, other.available) == (False, True)
    assert status.reason.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    assert status.providers[0].availability == health_service_pb2.AVAILABILITY_RATE_LIMITED
    told = {one.model: one.availability for one in status.models}
    assert told["a/m"] == health_service_pb2.AVAILABILITY_RATE_LIMITED
    assert told["a/n"] == health_service_pb2.AVAILABILITY_AVAILABLE


async def test_status_lists_models_that_calls_told_of(tmp_path: Path) -> None:
    async def by_model(request: web.Request) -> web.Response:
        model = (await request.json())["model"]
        failed = {"down": 500, "made-up": 404}.get(model)
        return web.json_response({"error": {"message": "no"}} if failed else completion(), status=failed or 200)

    async with (
        FakeProvider(by_model) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, name, "openai") for name in "ab"]) as hub,
    ):
        for model in ("a/up", "a/made-up", "b/up", *["a/down"] * 6):
            await code(hub, model)
        limited = bearer(await hub.new_key(allowed_models=["b/*"]))
        request = health_service_pb2.GetStatusRequest(model="a/down", include_models=True)
        status = await hub.status.GetStatus(request, metadata=hub.auth, timeout=5)
        others = await hub.status.GetStatus(request, metadata=limited, timeout=5)
        request.include_models = False
        alone = await hub.status.GetStatus(request, metadata=hub.auth, timeout=5)
        refused = await hub.status.GetStatus(request, metadata=limited, timeout=5)
    told = {one.model: one for one in status.models}
    assert list(told) == ["a/*", "a/down", "a/up", "b/*", "b/up"]
    assert told["a/down"].availability == health_service_pb2.AVAILABILITY_UNAVAILABLE
    assert (told["a/down"].error_rate, told["a/up"].error_rate) == (1.0, 0.0)
    assert told["a/down"].last_error.code == grpc.StatusCode.UNAVAILABLE.value[0]
    assert status.available  # where nothing else is left, a call is tried in spite of its breaker
    assert [one.model for one in others.models] == ["b/*", "b/up"]
    assert list(alone.models) == [told["a/down"]]
    assert not refused.models


async def test_probes_of_a_model_follow_what_routing_knows(tmp_path: Path) -> None:
    async with (
        FakeProvider(answers({"error": {"message": "no"}}, 500)) as fake,
        running_hub(tmp_path, providers=[provider(fake.base_url, "a", "openai", models=["m", "n"])]) as hub,
    ):
        probe: Any = HealthStub(hub.channel)

        async def status(model: str) -> int:
            asked = health_pb2.HealthCheckRequest(service=f"model:a/{model}")
            return int((await probe.Check(asked, timeout=5)).status)

        watch = probe.Watch(health_pb2.HealthCheckRequest(service="model:a/m"), timeout=10)
        assert (await watch.read()).status == await status("m") == health_pb2.HealthCheckResponse.SERVING
        for _ in range(5):
            await code(hub, "a/m")
        assert await status("m") == health_pb2.HealthCheckResponse.NOT_SERVING
        assert await status("n") == health_pb2.HealthCheckResponse.SERVING
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
