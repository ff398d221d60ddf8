"""Keys between the contract and the registry."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from aignehub.admin.v1 import key_service_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from server.errors import InvalidArgument, Unimplemented
from server.store.base import KeyRecord, KeySettings

_LATER_LIMITS = ("requests_per_minute", "tokens_per_minute", "monthly_budget_nano_usd")
_LATEST = 253402300799  # the last second a Timestamp may name, in the year 9999
_FIXED = ("id", "redacted_secret", "create_time", "last_use_time")

_FIELD_LIKE = re.compile(r"[A-Za-z_.]{1,40}")

Change = Callable[[KeySettings, pb.Key], KeySettings]


def key_message(record: KeyRecord, now: float) -> pb.Key:
    """A key as the contract shows it; ``now`` decides whether it has expired."""
    settings = record.settings
    key = pb.Key(
        id=record.id,
        display_name=settings.display_name,
        redacted_secret=record.secrets[0].redacted if record.secrets else "",
        allowed_methods=settings.methods,
        allowed_models=settings.models,
        limits=pb.Limits(concurrent_calls=settings.concurrent_calls),
        labels=dict(settings.labels),
        state=_state(record, now),
    )
    for field, when in (
        (key.create_time, record.created_at),
        (key.expire_time, settings.expires_at),
        (key.last_use_time, record.last_used_at),
    ):
        if when is not None:
            field.FromMicroseconds(round(when * 1e6))
    return key


def settings_of(key: pb.Key) -> KeySettings:
    """The settings of a key to make."""
    return _changed(KeySettings(), key, [name for name in _MUTABLE if _is_set(key, name)])


def edit_of(key: pb.Key, paths: list[str]) -> Callable[[KeySettings], KeySettings]:
    """The change that an update asks for: the masked fields, or without a mask those that the message sets.

    Raises ``InvalidArgument`` naming the path that is unknown or may not change.
    """
    if paths == ["*"]:
        wanted = [name for name in _MUTABLE if name != "state" or _is_set(key, name)]
    else:
        wanted = paths or [name for name in _MUTABLE if _is_set(key, name)]
    _check_paths(wanted)
    _changed(KeySettings(), key, wanted)  # what is wrong with the message shows before the store is asked
    return lambda settings: _changed(settings, key, wanted)


def _check_paths(paths: list[str]) -> None:
    for i, path in enumerate(paths):
        where = f"update_mask.paths[{i}]"
        if path in _FIXED:
            raise InvalidArgument.field(where, f"{path} cannot be changed; leave it out")
        if path not in _CHANGES:
            # Said again only where it looks like a field: what is sent by mistake may be a secret.
            named = f"{path} is" if _FIELD_LIKE.fullmatch(path) else "is"
            raise InvalidArgument.field(where, f"{named} no field of Key that can change; name {', '.join(_MUTABLE)}")


def _changed(settings: KeySettings, key: pb.Key, paths: list[str]) -> KeySettings:
    for path in paths:
        settings = _CHANGES[path](settings, key)
    return settings


def _is_set(key: pb.Key, name: str) -> bool:
    if name in ("limits", "expire_time"):
        return key.HasField(name)  # type: ignore[arg-type]
    return bool(getattr(key, name))


def _limits(settings: KeySettings, key: pb.Key) -> KeySettings:
    for name in _LATER_LIMITS:
        _later_limit(name)(settings, key)
    return replace(settings, concurrent_calls=key.limits.concurrent_calls)


def _later_limit(name: str) -> Change:
    def refuse(settings: KeySettings, key: pb.Key) -> KeySettings:
        if getattr(key.limits, name):
            raise Unimplemented.field(f"key.limits.{name}")
        return settings

    return refuse


def _end(settings: KeySettings, key: pb.Key) -> KeySettings:
    return replace(settings, expires_at=seconds_of(key.expire_time) if key.HasField("expire_time") else None)


def seconds_of(time_: Timestamp) -> float:
    """Unix seconds; ``InvalidArgument`` for what is no time by the rules of Timestamp."""
    if not (0 <= time_.seconds <= _LATEST and 0 <= time_.nanos < 1_000_000_000):
        raise InvalidArgument.field("key.expire_time", "is no time between 1970 and 9999")
    return time_.seconds + time_.nanos / 1e9


def _state_asked(settings: KeySettings, key: pb.Key) -> KeySettings:
    if key.state not in (pb.KEY_STATE_ACTIVE, pb.KEY_STATE_DISABLED):
        raise InvalidArgument.field(
            "key.state", "may be set to ACTIVE or DISABLED; RevokeKey ends a key, expire_time lets it expire"
        )
    return replace(settings, disabled=key.state == pb.KEY_STATE_DISABLED)


_CHANGES: Mapping[str, Change] = {
    "display_name": lambda settings, key: replace(settings, display_name=key.display_name),
    "allowed_methods": lambda settings, key: replace(settings, methods=tuple(key.allowed_methods)),
    "allowed_models": lambda settings, key: replace(settings, models=tuple(key.allowed_models)),
    "limits": _limits,
    "labels": lambda settings, key: replace(settings, labels=tuple(sorted(key.labels.items()))),
    "expire_time": _end,
    "state": _state_asked,
    "limits.concurrent_calls": lambda settings, key: replace(settings, concurrent_calls=key.limits.concurrent_calls),
    **{f"limits.{name}": _later_limit(name) for name in _LATER_LIMITS},
}
_MUTABLE = tuple(path for path in _CHANGES if "." not in path)


def _state(record: KeyRecord, now: float) -> pb.KeyState.ValueType:
    if record.revoked_at is not None:
        return pb.KEY_STATE_REVOKED
    if record.settings.disabled:
        return pb.KEY_STATE_DISABLED
    if record.settings.expires_at is not None and now >= record.settings.expires_at:
        return pb.KEY_STATE_EXPIRED
    return pb.KEY_STATE_ACTIVE
