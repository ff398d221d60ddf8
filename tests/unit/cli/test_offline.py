"""Keys made without a server."""

import asyncio
from pathlib import Path

import pytest

from server.errors import Unauthenticated
from server.identity.bootstrap import open_registry
from server.identity.caller import Caller
from tests.unit.cli.program import run


async def caller_of(folder: Path, secret: str) -> Caller:
    registry = await open_registry(folder)
    await registry.start()
    try:
        return registry.keyring.authenticate(secret)
    finally:
        await registry.close()


async def test_the_first_administrator_needs_no_server(tmp_path: Path) -> None:
    made = await run(tmp_path, "keys", "create", "--admin", "--offline")
    assert made.status == 0
    assert made.out.startswith("hub_")
    assert made.out.count("\n") == 1
    assert "made in .hub" in made.err
    caller = await caller_of(tmp_path / ".hub", made.out.strip())
    assert caller.rights.allows_method("aignehub.admin.v1.KeyService/CreateKey")
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / ".hub").iterdir()} == {0}


async def test_what_is_asked_of_the_key_is_what_it_may(tmp_path: Path) -> None:
    made = await run(
        tmp_path, "keys", "create", "--offline", "--model", "a/*", "--concurrency", "2", "--expires", "300ms",
        "--label", "team=x", HUB_DATA_DIR=str(tmp_path / "data"), HUB_ADDRESS="hub.example.com:1", HUB_API_KEY="unused",
    )  # fmt: skip
    assert made.status == 0, made.err
    await asyncio.sleep(0.4)
    with pytest.raises(Unauthenticated) as ended:
        await caller_of(tmp_path / "data", made.out.strip())
    assert ended.value.reason == "API_KEY_EXPIRED"


async def test_what_a_key_cannot_be_is_refused(tmp_path: Path) -> None:
    ended = await run(tmp_path, "keys", "create", "--offline", "--model", "no slash")
    assert (ended.out, ended.status) == ("", 1)
    assert ended.err.startswith("error: ")
    assert "allowed_models" in ended.err
    (tmp_path / "file").write_text("")
    ended = await run(tmp_path, "keys", "create", "--offline", "--data-dir", "file")
    assert (ended.out, ended.status) == ("", 1)
    assert ended.err.count("\n") == 1
