"""What the log tells operators of calls, keys and providers, and what it keeps to itself."""

import json
from pathlib import Path
from typing import Any

import grpc
import pytest
from aignehub.admin.v1 import key_service_pb2 as keys_pb
from aignehub.admin.v1 import provider_service_pb2 as pb

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
