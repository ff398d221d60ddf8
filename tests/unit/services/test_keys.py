"""KeyService as its callers see it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest
from aignehub.admin.v1 import key_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from server.calls import CurrentCall, current_call
from server.errors import HubError, Internal, InvalidArgument, KeyNotFound, PermissionDenied, Unimplemented
from server.identity.caller import Caller
from server.identity.registry import KeyRegistry
from server.identity.rights import Rights
from server.services.keys import KeyService
from tests.unit.identity.clock import Clock
from tests.unit.identity.conftest import ADMIN, make_registry

NO_CONTEXT = cast("Any", None)  # the servicer never touches gRPC's context
USER = Caller("key:user", Rights(("aignehub.v1.*",), ("*",)), key_id="user")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def registry(tmp_path: Path, clock: Clock) -> AsyncIterator[KeyRegistry]:
    registry = await make_registry(tmp_path, clock)
    yield registry
    await registry.close()


@pytest.fixture
def service(registry: KeyRegistry, clock: Clock) -> KeyService:
    return KeyService(registry, clock)


def _as(caller: Caller | None) -> None:
    current_call.set(CurrentCall("/aignehub.admin.v1.KeyService/X", "r", caller=caller))


@pytest.fixture(autouse=True)
async def _admin_calls() -> None:
    _as(ADMIN)


async def _create(service: KeyService, **fields: Any) -> pb.CreateKeyResponse:
    _as(ADMIN)
    return await service.CreateKey(pb.CreateKeyRequest(key=pb.Key(**fields)), NO_CONTEXT)


async def _get(service: KeyService, key_id: str) -> pb.Key:
    _as(ADMIN)
    return (await service.GetKey(pb.GetKeyRequest(key_id=key_id), NO_CONTEXT)).key


async def _update(service: KeyService, *paths: str, **fields: Any) -> pb.Key:
    _as(ADMIN)
    request = pb.UpdateKeyRequest(key=pb.Key(**fields), update_mask=FieldMask(paths=paths))
    return (await service.UpdateKey(request, NO_CONTEXT)).key


async def test_a_key_comes_back_with_all_its_settings(service: KeyService, registry: KeyRegistry, clock: Clock) -> None:
    end = Timestamp(seconds=int(clock.now) + 3600, nanos=123_456_000)
    made = await _create(
        service,
        display_name="mine",
        allowed_methods=["aignehub.v1.ChatService/*"],
        allowed_models=["openai/*"],
        limits=pb.Limits(concurrent_calls=4),
        labels={"team": "red"},
        expire_time=end,
        id="ignored",
        create_time=Timestamp(seconds=1),
    )
    assert made.key.id != "ignored"
    assert made.key.expire_time == end
    assert made.key.create_time.seconds == int(clock.now)
    assert made.key.state == pb.KEY_STATE_ACTIVE
    assert made.key.limits == pb.Limits(concurrent_calls=4)
    assert dict(made.key.labels) == {"team": "red"}
    assert made.key.redacted_secret == f"{made.secret[:8]}…{made.secret[-4:]}"
    assert await _get(service, made.key.id) == made.key
    assert not made.key.HasField("last_use_time")
    registry.keyring.authenticate(made.secret)
    assert (await _get(service, made.key.id)).last_use_time.seconds == int(clock.now)


async def test_empty_rights_are_shown_as_what_they_mean(service: KeyService) -> None:
    made = await _create(service)
    assert list(made.key.allowed_methods) == ["aignehub.v1.*"]
    assert list(made.key.allowed_models) == ["*"]


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute", "monthly_budget_nano_usd"])
async def test_limits_of_a_later_release_are_refused_by_name(service: KeyService, name: str) -> None:
    limits = pb.Limits(**cast("Any", {name: 1}))
    with pytest.raises(Unimplemented) as caught:
        await _create(service, limits=limits)
    assert caught.value.fields[0].field == f"key.limits.{name}"
    made = await _create(service)
    for paths in ((), ("limits",), (f"limits.{name}",)):
        with pytest.raises(Unimplemented):
            await _update(service, *paths, id=made.key.id, limits=limits)


async def test_wrong_values_are_refused_by_the_contract_or_by_name(service: KeyService) -> None:
    for fields, path in (
        ({"display_name": "x" * 129}, "key.display_name"),
        ({"limits": pb.Limits(concurrent_calls=-1)}, "key.limits.concurrent_calls"),
        ({"allowed_models": ["openai/*", "gpt"]}, "key.allowed_models[1]"),
        ({"expire_time": Timestamp(seconds=5)}, "key.expire_time"),
        ({"expire_time": Timestamp(seconds=1 << 60)}, "key.expire_time"),
        ({"expire_time": Timestamp(seconds=2_000_000_000, nanos=-1)}, "key.expire_time"),
        ({"state": pb.KEY_STATE_REVOKED}, "key.state"),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await _create(service, **fields)
        assert caught.value.fields[0].field == path
    with pytest.raises(InvalidArgument):
        await service.CreateKey(pb.CreateKeyRequest(), NO_CONTEXT)


async def test_a_mask_takes_its_fields_and_no_others(service: KeyService, clock: Clock) -> None:
    end = Timestamp(seconds=int(clock.now) + 60)
    made = await _create(service, display_name="old", labels={"a": "1"}, expire_time=end)
    changed = await _update(service, "display_name", id=made.key.id, display_name="new", labels={"b": "2"})
    assert (changed.display_name, dict(changed.labels)) == ("new", {"a": "1"})
    changed = await _update(service, "labels", "expire_time", "display_name", id=made.key.id)
    assert (changed.display_name, dict(changed.labels)) == ("", {})
    assert not changed.HasField("expire_time")
    changed = await _update(service, "limits.concurrent_calls", id=made.key.id, limits=pb.Limits(concurrent_calls=3))
    assert changed.limits.concurrent_calls == 3


async def test_without_a_mask_what_is_set_is_taken(service: KeyService) -> None:
    made = await _create(service, display_name="old", labels={"a": "1"}, limits=pb.Limits(concurrent_calls=3))
    changed = await _update(service, id=made.key.id, display_name="new", state=pb.KEY_STATE_DISABLED)
    assert (changed.display_name, dict(changed.labels), changed.limits.concurrent_calls) == ("new", {"a": "1"}, 3)
    assert changed.state == pb.KEY_STATE_DISABLED
    assert await _update(service, id=made.key.id) == changed


async def test_a_key_as_read_can_be_written_back(service: KeyService) -> None:
    made = await _create(service, display_name="x", allowed_models=["openai/*"], limits=pb.Limits(concurrent_calls=2))
    read = await _get(service, made.key.id)
    for mask in ((), ("*",)):
        request = pb.UpdateKeyRequest(key=read, update_mask=FieldMask(paths=mask))
        assert (await service.UpdateKey(request, NO_CONTEXT)).key == read


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("id", "cannot be changed"),
        ("create_time", "cannot be changed"),
        ("last_use_time", "cannot be changed"),
        ("redacted_secret", "cannot be changed"),
        ("secret", "no field"),
        ("key.display_name", "no field"),
        ("displayName", "no field"),
        ("labels.a", "no field"),
        ("limits.requests", "no field"),
        ("", "no field"),
    ],
)
async def test_a_mask_that_names_anything_else_is_refused(service: KeyService, path: str, said: str) -> None:
    made = await _create(service)
    with pytest.raises(InvalidArgument, match=said) as caught:
        await _update(service, "display_name", path, id=made.key.id, display_name="x")
    assert caught.value.fields[0].field == "update_mask.paths[1]"
    assert path in caught.value.message
    assert (await _get(service, made.key.id)).display_name == ""


async def test_states_are_set_and_shown(service: KeyService, clock: Clock) -> None:
    made = await _create(service, expire_time=Timestamp(seconds=int(clock.now) + 60))
    for state in (pb.KEY_STATE_DISABLED, pb.KEY_STATE_ACTIVE):
        assert (await _update(service, "state", id=made.key.id, state=state)).state == state
    for state in (pb.KEY_STATE_REVOKED, pb.KEY_STATE_EXPIRED, pb.KEY_STATE_UNSPECIFIED):
        with pytest.raises(InvalidArgument, match="ACTIVE or DISABLED"):
            await _update(service, "state", id=made.key.id, state=state)
    clock.now += 60
    assert (await _get(service, made.key.id)).state == pb.KEY_STATE_EXPIRED
    ended = await service.RevokeKey(pb.RevokeKeyRequest(key_id=made.key.id), NO_CONTEXT)
    assert ended.key.state == pb.KEY_STATE_REVOKED


async def test_rotation_tells_the_new_secret_and_keeps_the_old_for_its_grace(
    service: KeyService, registry: KeyRegistry, clock: Clock
) -> None:
    made = await _create(service)
    request = pb.RotateKeyRequest(key_id=made.key.id, grace_period=Duration(seconds=60, nanos=500_000_000))
    turned = await service.RotateKey(request, NO_CONTEXT)
    assert turned.key.redacted_secret == f"{turned.secret[:8]}…{turned.secret[-4:]}"
    clock.now += 60.25
    assert registry.keyring.accepts(made.secret)
    clock.now += 0.25
    assert not registry.keyring.accepts(made.secret)
    assert registry.keyring.accepts(turned.secret)
    for grace in (Duration(seconds=-1), Duration(seconds=31 * 86400)):
        with pytest.raises(InvalidArgument) as caught:
            await service.RotateKey(pb.RotateKeyRequest(key_id=made.key.id, grace_period=grace), NO_CONTEXT)
        assert caught.value.fields[0].field == "grace_period"


async def test_self_is_the_callers_own_key_and_others_need_the_right(
    service: KeyService, registry: KeyRegistry
) -> None:
    mine, other = await _create(service, display_name="mine"), await _create(service)
    _as(registry.keyring.authenticate(mine.secret))
    for key_id in ("self", mine.key.id):
        assert (await service.GetKey(pb.GetKeyRequest(key_id=key_id), NO_CONTEXT)).key.display_name == "mine"
    for key_id in (other.key.id, "does-not-exist"):
        with pytest.raises(PermissionDenied) as caught:
            await service.GetKey(pb.GetKeyRequest(key_id=key_id), NO_CONTEXT)
        assert caught.value.reason == "METHOD_NOT_ALLOWED"
    _as(ADMIN)
    assert (await service.GetKey(pb.GetKeyRequest(key_id=mine.key.id), NO_CONTEXT)).key.id == mine.key.id


async def test_a_token_has_no_key_of_its_own(service: KeyService) -> None:
    _as(Caller("jwt:https://x#y", Rights()))
    with pytest.raises(KeyNotFound, match="token"):
        await service.GetKey(pb.GetKeyRequest(key_id="self"), NO_CONTEXT)
    # An empty id of a caller without a key must not look like "its own".
    with pytest.raises(InvalidArgument):
        await service.GetKey(pb.GetKeyRequest(key_id=""), NO_CONTEXT)


async def test_pages(service: KeyService, clock: Clock) -> None:
    made = []
    for number in range(5):
        clock.now += 1
        made.append((await _create(service, display_name=str(number))).key.id)
    first = await service.ListKeys(pb.ListKeysRequest(page_size=3), NO_CONTEXT)
    rest = await service.ListKeys(pb.ListKeysRequest(page_size=3, page_token=first.next_page_token), NO_CONTEXT)
    assert [key.id for key in (*first.keys, *rest.keys)] == made[::-1]
    assert rest.next_page_token == ""
    for wrong, field in (({"page_token": "AAAA"}, "page_token"), ({"page_size": 1001}, "page_size")):
        with pytest.raises(InvalidArgument) as caught:
            await service.ListKeys(pb.ListKeysRequest(**cast("Any", wrong)), NO_CONTEXT)
        assert caught.value.fields[0].field == field


async def test_no_caller_gives_more_than_it_has(service: KeyService, registry: KeyRegistry) -> None:
    limited = await _create(service, allowed_methods=["aignehub.admin.v1.*"], allowed_models=["openai/*"])
    admin = await _create(service, allowed_methods=["aignehub.v1.*", "aignehub.admin.v1.*"])
    caller = registry.keyring.authenticate(limited.secret)
    tries: list[Any] = [
        service.CreateKey(pb.CreateKeyRequest(key=pb.Key(display_name="x")), NO_CONTEXT),
        service.RotateKey(pb.RotateKeyRequest(key_id=admin.key.id), NO_CONTEXT),
        service.RevokeKey(pb.RevokeKeyRequest(key_id=admin.key.id), NO_CONTEXT),
        service.UpdateKey(pb.UpdateKeyRequest(key=pb.Key(id="self", allowed_models=["*"])), NO_CONTEXT),
        service.UpdateKey(
            pb.UpdateKeyRequest(key=pb.Key(id="self"), update_mask=FieldMask(paths=["allowed_methods"])), NO_CONTEXT
        ),
    ]
    _as(caller)
    for attempt in tries:
        with pytest.raises(PermissionDenied):
            await attempt
    assert (await _get(service, limited.key.id)).allowed_models == ["openai/*"]
    assert (await _get(service, admin.key.id)).state == pb.KEY_STATE_ACTIVE


async def test_what_is_missing_is_said(service: KeyService) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await _update(service, display_name="x")
    assert caught.value.fields[0].field == "key.id"
    with pytest.raises(KeyNotFound):
        await _update(service, id="nobody", display_name="x")
    _as(None)
    with pytest.raises(Internal):
        await service.RevokeKey(pb.RevokeKeyRequest(key_id="x"), NO_CONTEXT)


async def test_no_error_repeats_what_was_sent(service: KeyService) -> None:
    secret = (await _create(service)).secret
    for call in (
        service.GetKey(pb.GetKeyRequest(key_id=secret), NO_CONTEXT),
        service.RotateKey(pb.RotateKeyRequest(key_id=secret), NO_CONTEXT),
        service.ListKeys(pb.ListKeysRequest(page_token=secret), NO_CONTEXT),
        service.UpdateKey(pb.UpdateKeyRequest(key=pb.Key(id="x"), update_mask=FieldMask(paths=[secret])), NO_CONTEXT),
    ):
        with pytest.raises(HubError) as caught:
            await call
        assert secret[21:40] not in caught.value.message
