"""The first administrator's key."""

import asyncio
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import FailedPrecondition
from server.identity.bootstrap import Outcome, admin_settings, bootstrap, open_registry
from server.identity.grants import ADMIN_METHODS, OPERATOR
from server.identity.key_format import make, parse
from server.identity.registry import KeyRegistry
from tests.unit.identity.clock import Clock
from tests.unit.identity.conftest import make_registry


async def test_without_a_file_it_makes_a_key_and_writes_it_for_the_owner_alone(
    registry: KeyRegistry, tmp_path: Path
) -> None:
    path = tmp_path / "run" / "key"
    made = await bootstrap(registry, path)
    assert made.outcome is Outcome.CREATED
    assert stat.S_IMODE((await asyncio.to_thread(path.stat)).st_mode) == 0o600
    caller = registry.keyring.authenticate((await asyncio.to_thread(path.read_text)).strip())
    assert caller.key_id == made.key_id
    assert caller.rights.methods == ADMIN_METHODS == ("aignehub.v1.*", "aignehub.admin.v1.*")
    assert caller.rights.models == ("*",)


async def test_repeating_it_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    outcomes = []
    for _ in range(3):
        registry = await make_registry(tmp_path, clock)
        outcomes.append((await bootstrap(registry, tmp_path / "key")).outcome)
        assert len(registry.keyring.records()) == 1
        await registry.close()
    assert outcomes == [Outcome.CREATED, Outcome.UNCHANGED, Outcome.UNCHANGED]


async def test_a_key_that_is_there_becomes_the_administrators(registry: KeyRegistry, tmp_path: Path) -> None:
    key = make()
    path = tmp_path / "key"
    await asyncio.to_thread(path.write_text, f"\n  {key.text}\r\n")
    assert (await bootstrap(registry, path)).outcome is Outcome.IMPORTED
    assert registry.keyring.authenticate(key.text).rights.methods == ADMIN_METHODS


async def test_a_revoked_or_rotated_key_does_not_come_back(registry: KeyRegistry, tmp_path: Path) -> None:
    for name, end in (("a", registry.revoke), ("b", registry.rotate)):
        path = tmp_path / name
        made = await bootstrap(registry, path)
        await end(OPERATOR, made.key_id)
        assert (await bootstrap(registry, path)).outcome is Outcome.STALE
        assert not registry.keyring.accepts((await asyncio.to_thread(path.read_text)).strip())


@pytest.mark.parametrize("content", [b"", b"hub_", b"sk-123456", make().text[:-1].encode(), b"\xff" * 70])
async def test_a_file_that_holds_no_key_stops_the_start(registry: KeyRegistry, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    await asyncio.to_thread(path.write_bytes, content)
    with pytest.raises(FailedPrecondition) as caught:
        await bootstrap(registry, path)
    assert caught.value.reason == "BOOTSTRAP_KEY_UNUSABLE"
    assert str(path) in caught.value.message
    assert await asyncio.to_thread(path.read_bytes) == content


async def test_an_unreadable_path_is_named(registry: KeyRegistry, tmp_path: Path) -> None:
    with pytest.raises(FailedPrecondition, match=str(tmp_path)):
        await bootstrap(registry, tmp_path)


async def test_a_crash_between_file_and_store_mends_itself(tmp_path: Path, clock: Clock) -> None:
    registry = await make_registry(tmp_path, clock)
    await registry.close()
    with pytest.raises(Exception, match="shutting down"):
        await bootstrap(registry, tmp_path / "key")  # the file is written, the store is not there
    registry = await make_registry(tmp_path, clock)
    assert (await bootstrap(registry, tmp_path / "key")).outcome is Outcome.IMPORTED
    await registry.close()


async def test_the_offline_command_line_adds_an_administrator_beside_a_running_server(tmp_path: Path) -> None:
    server = await open_registry(tmp_path)
    await server.start()
    offline = await open_registry(tmp_path)
    await offline.start()
    issued = await offline.create(OPERATOR, admin_settings("second"))
    await offline.close()
    async with asyncio.timeout(1.0):
        while not server.keyring.accepts(issued.secret):
            await asyncio.sleep(0.01)
    assert server.get(issued.record.id).settings == replace(issued.record.settings, display_name="second")
    assert parse(issued.secret)
    await server.close()
