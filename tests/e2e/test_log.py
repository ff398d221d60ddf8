"""What the log tells operators of calls, keys and providers, and what it keeps to itself."""

import asyncio
import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.admin.v1 import provider_service_pb2 as pb
from aiohttp import web
from structlog.testing import capture_logs

from server.routing.health.notices import Notices
from tests.fake_provider import FakeProvider, answers, completion
from tests.running import RunningHub, ask, provider, running_hub

SECRET = "sk-test-upstream-key"


def lines(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    """Lines of the event since the last look; no secret is in any."""
    written = capsys.readouterr().err
    assert SECRET not in written
    found = [json.loads(line) for line in written.splitlines() if line.startswith("{")]
    return [line for line in found if line["event"] == event]


async def call(hub: RunningHub, model: str) -> None:
    try:
        await hub.chat.CreateChatCompletion(ask(model=model), metadata=hub.auth, timeout=5)
    except grpc.aio.AioRpcError:
        return


async def test_lines_of_calls_tell_attempts_and_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with (
        FakeProvider(answers({"error": {"message": "no"}}, 500)) as bad,
        FakeProvider(answers(completion())) as good,
        running_hub(
            tmp_path,
            providers=[provider(bad.base_url, "a", "openai"), provider(good.base_url, "b", "openai")],
            groups={"both": ["a/m", "b/n"]},
        ) as hub,
    ):
        for model in ("a/m", "both", "b/n", "no-such"):
            await call(hub, model)
    told = lines(capsys, "call")
    named = ("level", "provider", "provider_model", "credential", "attempts")
    assert [{name: line[name] for name in named if name in line} for line in told] == [
        {"level": "warning", "provider": "a", "provider_model": "m", "credential": "key-1", "attempts": 1},
        {"level": "info", "provider": "b", "credential": "key-1", "attempts": 2},
        {"level": "info", "provider": "b"},
        {"level": "info"},
    ]


async def test_lines_of_operators_calls_tell_whom_they_are_about(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with running_hub(tmp_path, providers=[provider("http://127.0.0.1:1/v1", "a", "openai")]) as hub:
        made = await hub.keys.CreateKey(
            keys_pb.CreateKeyRequest(key=keys_pb.Key(display_name="x")), metadata=hub.auth, timeout=5
        )
        await hub.keys.RevokeKey(keys_pb.RevokeKeyRequest(key_id=made.key.id), metadata=hub.auth, timeout=5)
        change = pb.UpdateProviderRequest(provider="a", credential="key-1", weight=7)
        await hub.providers.UpdateProvider(change, metadata=hub.auth, timeout=5)
        with pytest.raises(grpc.aio.AioRpcError):
            await hub.providers.UpdateProvider(
                pb.UpdateProviderRequest(provider="none", weight=7), metadata=hub.auth, timeout=5
            )
    told = [(line["method"].rpartition("/")[2], line["subject"]) for line in lines(capsys, "call")]
    assert told == [
        ("CreateKey", made.key.id),
        ("RevokeKey", made.key.id),
        ("UpdateProvider", "a/key-1"),
        ("UpdateProvider", "none"),
    ]


async def test_what_happens_to_providers_is_told(tmp_path: Path) -> None:
    good, healed = answers(completion()), asyncio.Event()
    no = answers({"error": {"message": "no"}}, 500)

    async def heals(request: web.Request) -> web.StreamResponse:
        return await (good if healed.is_set() else no)(request)

    with capture_logs() as logs:
        async with (
            FakeProvider(heals) as first,
            FakeProvider(good) as second,
            running_hub(
                tmp_path,
                providers=[provider(first.base_url, "a", "openai"), provider(second.base_url, "b", "openai")],
                groups={"both": ["a/m", "b/n"]},
                routing={"breaker": {"open_for": 0.05}},
            ) as hub,
        ):
            for _ in range(5):
                await call(hub, "both")
            healed.set()
            await asyncio.sleep(0.06)
            await call(hub, "a/m")
            for enabled in (False, True):
                change = pb.UpdateProviderRequest(provider="a", enabled=enabled)
                await hub.providers.UpdateProvider(change, metadata=hub.auth, timeout=5)
    told = [line for line in logs if line["event"] not in ("ready", "bootstrap key")]
    assert all(line.pop("request_id") for line in told if "request_id" in line)
    assert all(line.pop("caller") for line in told if "caller" in line)
    moved = {"event": "failover", "provider": "a", "model": "m", "to": "b/n", "reason": "PROVIDER_UNAVAILABLE"}
    opened = {"event": "breaker opened", "provider": "a", "model": "m", "reason": "PROVIDER_UNAVAILABLE"}
    assert told == [
        *[{**moved, "log_level": "warning"}] * 4,
        {**opened, "open_for": 0.05, "log_level": "warning"},
        {**moved, "log_level": "warning"},
        {"event": "breaker closed", "provider": "a", "model": "m", "log_level": "info"},
        {"event": "provider changed", "provider": "a", "enabled": False, "log_level": "warning"},
        {"event": "provider changed", "provider": "a", "enabled": True, "log_level": "info"},
    ]
    assert SECRET not in str(logs)


async def test_a_refused_key_is_told_once_and_again_when_it_works(tmp_path: Path) -> None:
    answer = answers({"error": {"message": f"Incorrect API key provided: {SECRET}"}}, 401)

    async def refuses(request: web.Request) -> web.StreamResponse:
        return await answer(request)

    with capture_logs() as logs:
        async with (
            FakeProvider(refuses) as fake,
            running_hub(tmp_path, providers=[provider(fake.base_url, "a", "openai")]) as hub,
        ):
            for _ in range(3):
                await call(hub, "a/m")
            answer = answers(completion())
            await call(hub, "a/m")
    told = [line for line in logs if line["event"].startswith("key ")]
    key = {"provider": "a", "credential": "key-1"}
    assert told == [
        {"event": "key refused", **key, "reason": "PROVIDER_CREDENTIAL_INVALID", "log_level": "warning"},
        {"event": "key works again", **key, "log_level": "info"},
    ]
    assert SECRET not in str(logs)


def test_a_storm_is_told_by_its_first_lines() -> None:
    notices = Notices("a")
    with capture_logs() as logs:
        for at in range(100):
            notices.bad("failover", at / 100)
        notices.good("breaker closed", 1.0)
        notices.bad("failover", 10.0)
    assert [(line["event"], line.get("unsaid")) for line in logs] == [
        *[("failover", None)] * 5,
        ("breaker closed", None),
        ("failover", 95),
    ]
