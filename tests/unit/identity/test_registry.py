"""Operations on keys: what they change, when it holds, and who may."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from server.errors import (
    FailedPrecondition,
    HubError,
    InvalidArgument,
    KeyNotFound,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from server.identity.caller import Caller
from server.identity.grants import ADMIN_METHODS, OPERATOR
from server.identity.key_format import make
from server.identity.registry import KeyRegistry
from server.identity.rights import Rights
from server.store.base import KeyRecord, KeySettings
from tests.unit.identity.clock import Clock
from tests.unit.identity.conftest import ADMIN, make_registry

PLAIN = KeySettings(display_name="plain")


async def test_a_new_key_works_at_once_with_the_default_rights(registry: KeyRegistry, clock: Clock) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    caller = registry.keyring.authenticate(issued.secret)
    assert caller.rights == Rights(("aignehub.v1.*",), ("*",))
    assert issued.record.created_at == clock.now
    assert issued.secret not in repr(issued)


async def test_a_revoked_key_fails_from_the_next_call_on(registry: KeyRegistry, clock: Clock) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    registry.keyring.authenticate(issued.secret)
    clock.now += 5
    revoked = await registry.revoke(ADMIN, issued.record.id)
    assert revoked.revoked_at == clock.now
    with pytest.raises(Unauthenticated) as caught:
        registry.keyring.authenticate(issued.secret)
    assert caught.value.reason == "API_KEY_REVOKED"
    clock.now += 5
    assert (await registry.revoke(ADMIN, issued.record.id)).revoked_at == clock.now - 5


@pytest.mark.parametrize(
    "act",
    [
        lambda r, key_id: r.update(ADMIN, key_id, lambda s: replace(s, display_name="x")),
        lambda r, key_id: r.rotate(ADMIN, key_id),
    ],
    ids=["update", "rotate"],
)
async def test_revocation_is_final(registry: KeyRegistry, act: Callable[[KeyRegistry, str], Awaitable[object]]) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    await registry.revoke(ADMIN, issued.record.id)
    with pytest.raises(FailedPrecondition, match="final"):
        await act(registry, issued.record.id)


async def test_an_unknown_id_is_not_found(registry: KeyRegistry) -> None:
    with pytest.raises(KeyNotFound):
        registry.get("nobody")
    for act in (registry.revoke(ADMIN, "nobody"), registry.rotate(ADMIN, "nobody")):
        with pytest.raises(KeyNotFound):
            await act


async def test_rotation_overlaps_for_the_grace_and_no_longer(registry: KeyRegistry, clock: Clock) -> None:
    first = await registry.create(ADMIN, PLAIN)
    second = await registry.rotate(ADMIN, first.record.id, 60)
    assert registry.keyring.accepts(first.secret)
    assert registry.keyring.accepts(second.secret)
    clock.now += 10
    third = await registry.rotate(ADMIN, first.record.id, 60)
    assert [registry.keyring.accepts(k.secret) for k in (first, second, third)] == [False, True, True]
    clock.now += 60
    assert [registry.keyring.accepts(k.secret) for k in (first, second, third)] == [False, False, True]
    await registry.flush()
    await registry.refresh()
    assert len(registry.get(first.record.id).secrets) == 1


async def test_rotation_without_grace_ends_the_old_secret(registry: KeyRegistry) -> None:
    first = await registry.create(ADMIN, PLAIN)
    second = await registry.rotate(ADMIN, first.record.id)
    assert not registry.keyring.accepts(first.secret)
    assert registry.keyring.accepts(second.secret)


async def test_rotating_an_expired_key_says_what_to_do(registry: KeyRegistry, clock: Clock) -> None:
    issued = await registry.create(ADMIN, replace(PLAIN, expires_at=clock.now + 10))
    clock.now += 10
    with pytest.raises(FailedPrecondition, match="expire_time"):
        await registry.rotate(ADMIN, issued.record.id)


async def test_a_key_can_be_switched_off_and_on(registry: KeyRegistry) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    await registry.update(ADMIN, issued.record.id, lambda s: replace(s, disabled=True))
    with pytest.raises(Unauthenticated) as caught:
        registry.keyring.authenticate(issued.secret)
    assert caught.value.reason == "API_KEY_DISABLED"
    await registry.update(ADMIN, issued.record.id, lambda s: replace(s, disabled=False))
    assert registry.keyring.accepts(issued.secret)


SMALL = Rights(("aignehub.v1.ChatService/*", "aignehub.admin.v1.*"), ("openai/*",))


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (KeySettings(models=("openai/*",)), "key.allowed_methods[0]"),  # the default is the whole data plane
        (KeySettings(methods=("aignehub.v1.*",), models=("openai/*",)), "key.allowed_methods[0]"),
        (KeySettings(methods=("aignehub.v1.ChatService/*", "grpc.*"), models=("openai/x",)), "key.allowed_methods[1]"),
        (KeySettings(methods=("aignehub.v1.ChatService/*",)), "key.allowed_models[0]"),
        (
            KeySettings(methods=("aignehub.v1.ChatService/*",), models=("openai/a", "openai-eu/*")),
            "key.allowed_models[1]",
        ),
    ],
)
async def test_nobody_gives_rights_they_lack(registry: KeyRegistry, settings: KeySettings, path: str) -> None:
    caller = Caller("key:small", SMALL)
    with pytest.raises(PermissionDenied) as caught:
        await registry.create(caller, settings)
    assert caught.value.fields[0].field == path
    # The same through a change of a key that is the caller's to touch.
    harmless = KeySettings(methods=("aignehub.v1.ChatService/*",), models=("openai/*",))
    issued = await registry.create(caller, harmless)
    with pytest.raises(PermissionDenied):
        await registry.update(
            caller, issued.record.id, lambda s: replace(s, methods=settings.methods, models=settings.models)
        )
    assert registry.get(issued.record.id).settings == harmless


async def test_nobody_gives_time_or_concurrency_they_lack(registry: KeyRegistry, clock: Clock) -> None:
    end = clock.now + 100
    caller = Caller("key:short", Rights(ADMIN_METHODS, ("*",)), concurrent_calls=4, expires_at=end)
    fair = replace(PLAIN, expires_at=end, concurrent_calls=4)
    issued = await registry.create(caller, fair)
    for beyond in ({"expires_at": end + 1}, {"expires_at": None}, {"concurrent_calls": 5}, {"concurrent_calls": 0}):
        wider = replace(fair, **beyond)
        with pytest.raises(PermissionDenied):
            await registry.create(caller, wider)
        with pytest.raises(PermissionDenied):
            await registry.update(caller, issued.record.id, partial(_instead, wider))
    assert registry.get(issued.record.id).settings == await _stored(registry, issued.record.id)


def _instead(settings: KeySettings, _: KeySettings) -> KeySettings:
    return settings


async def _stored(registry: KeyRegistry, key_id: str) -> KeySettings:
    await registry.refresh()
    return registry.get(key_id).settings


@pytest.mark.parametrize(
    "act",
    [
        lambda r, caller, key_id: r.update(caller, key_id, lambda s: replace(s, disabled=True)),
        lambda r, caller, key_id: r.rotate(caller, key_id),
        lambda r, caller, key_id: r.revoke(caller, key_id),
    ],
    ids=["update", "rotate", "revoke"],
)
async def test_a_greater_key_is_out_of_reach(
    registry: KeyRegistry, act: Callable[[KeyRegistry, Caller, str], Awaitable[object]]
) -> None:
    great = await registry.create(OPERATOR, KeySettings(methods=ADMIN_METHODS))
    with pytest.raises(PermissionDenied, match="may do more") as caught:
        await act(registry, Caller("key:small", SMALL), great.record.id)
    assert caught.value.reason == "KEY_BEYOND_CALLER"
    assert registry.keyring.accepts(great.secret)
    assert len(registry.get(great.record.id).secrets) == 1


async def test_rotation_never_hands_out_more_time_but_revocation_is_free(registry: KeyRegistry, clock: Clock) -> None:
    endless = await registry.create(ADMIN, PLAIN)
    caller = Caller("key:short", Rights(ADMIN_METHODS, ("*",)), expires_at=clock.now + 100)
    with pytest.raises(PermissionDenied, match="ends later"):
        await registry.rotate(caller, endless.record.id)
    renamed = await registry.update(caller, endless.record.id, lambda s: replace(s, display_name="seen"))
    assert renamed.settings.expires_at is None
    assert (await registry.revoke(caller, endless.record.id)).revoked_at is not None


async def test_a_key_may_rotate_itself(registry: KeyRegistry, clock: Clock) -> None:
    settings = KeySettings(methods=ADMIN_METHODS, concurrent_calls=2, expires_at=clock.now + 50)
    issued = await registry.create(OPERATOR, settings)
    caller = registry.keyring.authenticate(issued.secret)
    assert registry.keyring.accepts((await registry.rotate(caller, caller.key_id)).secret)


@pytest.mark.parametrize(
    ("settings", "path"),
    [
        (KeySettings(methods=("aignehub.v1.*", "aignehub.v2.*")), "key.allowed_methods[1]"),
        (KeySettings(methods=("*",)), "key.allowed_methods[0]"),
        (KeySettings(methods=("aignehub.v1.Chat*",)), "key.allowed_methods[0]"),
        (KeySettings(methods=("/aignehub.v1.ChatService/*",)), "key.allowed_methods[0]"),
        (KeySettings(methods=("aignehub.v1.*\n",)), "key.allowed_methods[0]"),
        (KeySettings(methods=("",)), "key.allowed_methods[0]"),
        (KeySettings(models=("openai/*", "gpt-5")), "key.allowed_models[1]"),
        (KeySettings(models=("openai*",)), "key.allowed_models[0]"),
        (KeySettings(models=("open*/gpt",)), "key.allowed_models[0]"),
        (KeySettings(models=("openai/",)), "key.allowed_models[0]"),
        (KeySettings(models=("openai/a b",)), "key.allowed_models[0]"),
        (KeySettings(models=("openai/" + "a" * 300,)), "key.allowed_models[0]"),
        (KeySettings(labels=(("", "x"),)), "key.labels"),
        (KeySettings(labels=(("x", "y" * 300),)), "key.labels"),
        (KeySettings(expires_at=1_800_000_000.0), "key.expire_time"),
    ],
)
async def test_a_wrong_setting_is_named(registry: KeyRegistry, settings: KeySettings, path: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await registry.create(OPERATOR, settings)
    assert [f.field for f in caught.value.fields] == [path]
    assert path in caught.value.message
    assert registry.keyring.records() == []


@pytest.mark.parametrize(
    "settings",
    [
        KeySettings(methods=("aignehub.v1.ChatService/CreateChatCompletion", "grpc.reflection.v1.*", "grpc.*")),
        KeySettings(methods=("aignehub.v1.GatewayOptions/extra_body_json",)),
        KeySettings(models=("openai/gpt-*", "openrouter/meta-llama/llama-3:free", "*", "ollama/*")),
    ],
)
async def test_right_settings_pass(registry: KeyRegistry, settings: KeySettings) -> None:
    issued = await registry.create(OPERATOR, settings)
    assert registry.keyring.accepts(issued.secret)


async def test_keys_outlive_a_restart(tmp_path: Path, clock: Clock) -> None:
    first = await make_registry(tmp_path, clock)
    kept = await first.create(
        ADMIN,
        KeySettings("kept", ("aignehub.v1.ChatService/*",), ("openai/*",), 7, (("a", "1"), ("b", "2")), clock.now + 99),
    )
    gone = await first.create(ADMIN, PLAIN)
    await first.revoke(ADMIN, gone.record.id)
    rotated = await first.rotate(ADMIN, kept.record.id, 60)
    first.keyring.authenticate(kept.secret)
    await first.close()
    await first.close()

    second = await make_registry(tmp_path, clock)
    try:
        assert second.get(kept.record.id) == replace(rotated.record, last_used_at=clock.now)
        assert second.keyring.accepts(kept.secret)
        assert second.keyring.accepts(rotated.secret)
        assert not second.keyring.accepts(gone.secret)
    finally:
        await second.close()


async def test_another_pepper_is_noticed_at_the_start(tmp_path: Path, clock: Clock) -> None:
    await (await make_registry(tmp_path, clock)).close()
    (tmp_path / "pepper").unlink()
    with pytest.raises(FailedPrecondition) as caught:
        await make_registry(tmp_path, clock)
    assert caught.value.reason == "PEPPER_MISMATCH"


async def test_nothing_in_the_files_is_a_key(tmp_path: Path, clock: Clock) -> None:
    registry = await make_registry(tmp_path, clock)
    issued = await registry.create(ADMIN, PLAIN)
    await registry.rotate(ADMIN, issued.record.id, 60)
    secret = issued.secret.split("_")[2][:43].encode()
    assert not _files_with(secret, tmp_path)
    await registry.close()
    assert not _files_with(secret, tmp_path)
    assert _files_with(issued.record.id.encode(), tmp_path)


def _files_with(text: bytes, folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir() if text in file.read_bytes()]


async def test_a_cancelled_change_is_whole(registry: KeyRegistry) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    for _ in range(20):
        task = asyncio.create_task(
            registry.update(ADMIN, issued.record.id, lambda s: replace(s, concurrent_calls=s.concurrent_calls + 1))
        )
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    await registry.update(ADMIN, issued.record.id, lambda s: replace(s, display_name="last"))
    in_memory = registry.get(issued.record.id).settings
    assert in_memory.concurrent_calls == 20
    assert await _stored(registry, issued.record.id) == in_memory


async def test_changes_at_once_do_not_lose_each_other(registry: KeyRegistry) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    more = [
        registry.update(ADMIN, issued.record.id, lambda s: replace(s, concurrent_calls=s.concurrent_calls + 1))
        for _ in range(20)
    ]
    await asyncio.gather(*more)
    assert registry.get(issued.record.id).settings.concurrent_calls == 20


async def test_a_change_by_another_process_shows_within_a_second(tmp_path: Path, clock: Clock) -> None:
    server = await make_registry(tmp_path, clock, poll_seconds=0.5)
    offline = await make_registry(tmp_path, clock)
    try:
        issued = await offline.create(OPERATOR, PLAIN)
        await _within_a_second(lambda: server.keyring.accepts(issued.secret))
        await offline.revoke(OPERATOR, issued.record.id)
        await _within_a_second(lambda: not server.keyring.accepts(issued.secret))
    finally:
        await offline.close()
        await server.close()


async def _within_a_second(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(1.0):
        while not holds():
            await asyncio.sleep(0.01)


async def test_a_database_that_fails_keeps_the_keys_in_force_and_changes_nothing(tmp_path: Path, clock: Clock) -> None:
    registry = await make_registry(tmp_path, clock)
    issued = await registry.create(ADMIN, PLAIN)
    other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
    other.execute("ALTER TABLE keys RENAME TO elsewhere")
    with pytest.raises(Unavailable) as caught:
        await registry.revoke(ADMIN, issued.record.id)
    assert caught.value.reason == "STORE_UNAVAILABLE"
    assert "keys" not in caught.value.message.replace("key store", "")
    await asyncio.sleep(0.2)  # polls meet the failure too
    assert registry.keyring.accepts(issued.secret)
    other.execute("ALTER TABLE elsewhere RENAME TO keys")
    other.close()
    await registry.revoke(ADMIN, issued.record.id)
    assert not registry.keyring.accepts(issued.secret)
    await registry.close()


async def test_a_change_that_could_not_be_read_is_read_later(tmp_path: Path, clock: Clock) -> None:
    server = await make_registry(tmp_path, clock, poll_seconds=0.02)
    offline = await make_registry(tmp_path, clock)
    try:
        with mock.patch.object(server, "refresh", side_effect=Unavailable("not now")) as refresh:
            issued = await offline.create(OPERATOR, PLAIN)
            await _within_a_second(lambda: refresh.call_count > 1)
        assert not server.keyring.accepts(issued.secret)
        await _within_a_second(lambda: server.keyring.accepts(issued.secret))
    finally:
        await offline.close()
        await server.close()


async def test_pages_hold_every_key_once_newest_first(registry: KeyRegistry, clock: Clock) -> None:
    made = []
    for number in range(7):
        clock.now += number % 2  # some are of the same moment
        made.append((await registry.create(ADMIN, KeySettings(str(number)))).record)
    seen: list[KeyRecord] = []
    token = ""
    while True:
        page = registry.list(3, token)
        seen += page.records
        token = page.next_token
        if not token:
            break
        if len(seen) == 3:
            await registry.create(ADMIN, KeySettings("late"))  # shifts nothing
    assert sorted(r.id for r in seen) == sorted(r.id for r in made)
    assert [r.created_at for r in seen] == sorted((r.created_at for r in made), reverse=True)


@pytest.mark.parametrize("token", ["x", "é", "AAAA", "=" * 34, "A" * 33, "A" * 34, "A" * 100_000])
async def test_a_made_up_page_token_is_refused(registry: KeyRegistry, token: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        registry.list(3, token)
    assert caught.value.fields[0].field == "page_token"


async def test_the_last_use_is_told_at_once_and_written_at_the_flush(registry: KeyRegistry, clock: Clock) -> None:
    issued = await registry.create(ADMIN, PLAIN)
    registry.keyring.authenticate(issued.secret)
    assert registry.get(issued.record.id).last_used_at == clock.now
    await registry.flush()
    await registry.refresh()
    record = registry.keyring.get(issued.record.id)
    assert record is not None
    assert record.last_used_at == clock.now


async def test_an_id_is_taken_once(registry: KeyRegistry) -> None:
    key = make()
    assert await registry.admit(OPERATOR, PLAIN, key)
    assert await registry.admit(OPERATOR, PLAIN, key) is None


async def test_errors_never_hold_what_was_sent(registry: KeyRegistry) -> None:
    secret = make().text
    for wrong in (
        KeySettings(methods=(secret,)),
        KeySettings(models=(secret,)),
        KeySettings(labels=((secret * 2, ""),)),
    ):
        with pytest.raises(HubError) as caught:
            await registry.create(OPERATOR, wrong)
        assert secret not in caught.value.message + repr(caught.value.fields)
