"""What a key may be given, and by whom."""

import re

from server.errors import FieldViolation, InvalidArgument, PermissionDenied
from server.identity.caller import Caller
from server.identity.rights import DATA_PLANE, EVERY_MODEL, Rights
from server.store.base import KeySettings

ADMIN_METHODS = (DATA_PLANE, "aignehub.admin.v1.*")
"""The methods of an administrator's key."""
OPERATOR = Caller("operator", Rights((*ADMIN_METHODS, "grpc.*"), (EVERY_MODEL,)))
"""Whoever holds the server's own files: bootstrap and the offline command line."""

_LONGEST_PATTERN = 256
_LONGEST_LABEL_NAME = 64
_LONGEST_LABEL = 256

_PACKAGE = r"(?:aignehub\.v1|aignehub\.admin\.v1|grpc(?:\.[a-z][a-z0-9_]*)*)"
_METHOD_PATTERN = re.compile(rf"{_PACKAGE}\.(?:\*|[A-Z]\w*/(?:\*|[A-Za-z]\w*))", re.ASCII)
_MODEL_PATTERN = re.compile(r"[^\s*/]+/[^\s*]*\*?|\*")

METHOD_REMEDY = (
    "write aignehub.v1.*, aignehub.v1.ChatService/* or aignehub.v1.ChatService/CreateChatCompletion"
    " (packages: aignehub.v1, aignehub.admin.v1, grpc.…)"
)
MODEL_REMEDY = "write provider/name, with * only at the end (openai/*, openai/gpt-*), or * for every model"


def is_method_pattern(text: str) -> bool:
    """True for ``package.*``, ``package.Service/*`` and ``package.Service/Method`` of a package served here."""
    return len(text) <= _LONGEST_PATTERN and _METHOD_PATTERN.fullmatch(text) is not None


def is_model_pattern(text: str) -> bool:
    """True for ``provider/name``, ``provider/beginning*`` and ``*``."""
    if len(text) > _LONGEST_PATTERN or _MODEL_PATTERN.fullmatch(text) is None:
        return False
    return not text.endswith("/")


def with_defaults(settings: KeySettings) -> KeySettings:
    """A key that names no methods has the data plane; one that names no models has them all."""
    return KeySettings(
        display_name=settings.display_name,
        methods=settings.methods or (DATA_PLANE,),
        models=settings.models or (EVERY_MODEL,),
        concurrent_calls=settings.concurrent_calls,
        labels=tuple(sorted(settings.labels)),
        expires_at=settings.expires_at,
        disabled=settings.disabled,
    )


def check_settings(settings: KeySettings) -> None:
    """Raises ``InvalidArgument`` that names every wrong field as the contract does, with its remedy."""
    wrong = [
        FieldViolation(f"key.allowed_methods[{i}]", METHOD_REMEDY)
        for i, pattern in enumerate(settings.methods)
        if not is_method_pattern(pattern)
    ]
    wrong += [
        FieldViolation(f"key.allowed_models[{i}]", MODEL_REMEDY)
        for i, pattern in enumerate(settings.models)
        if not is_model_pattern(pattern)
    ]
    if any(not 1 <= len(n) <= _LONGEST_LABEL_NAME or len(v) > _LONGEST_LABEL for n, v in settings.labels):
        remedy = f"give names of 1 to {_LONGEST_LABEL_NAME} characters and values of at most {_LONGEST_LABEL}"
        wrong.append(FieldViolation("key.labels", remedy))
    if wrong:
        raise InvalidArgument(f"{wrong[0].field}: {wrong[0].description}", fields=wrong[:20])


def check_end(expires_at: float | None, now: float) -> None:
    """Raises ``InvalidArgument`` for a time that has passed."""
    if expires_at is not None and expires_at <= now:
        raise InvalidArgument.field("key.expire_time", "must be in the future; to end a key now, call RevokeKey")


def check_grant(caller: Caller, settings: KeySettings, before: KeySettings | None = None) -> None:
    """Raises ``PermissionDenied`` where the caller would give more than it has.

    With ``before``, what does not change is not given anew.
    """
    if before is None or settings.methods != before.methods:
        _check_names(caller, settings.methods, (), "key.allowed_methods")
    if before is None or settings.models != before.models:
        _check_names(caller, (), settings.models, "key.allowed_models")
    if before is None or settings.expires_at != before.expires_at:
        _check_not_longer(caller, settings.expires_at)
    if before is None or settings.concurrent_calls != before.concurrent_calls:
        _check_not_wider(caller, settings.concurrent_calls)


def check_reach(caller: Caller, settings: KeySettings) -> None:
    """Raises ``PermissionDenied`` where a key may do what the caller may not, so is not the caller's to touch."""
    if not caller.rights.covers(Rights(settings.methods, settings.models)):
        raise PermissionDenied(
            "this key may do more than the caller; only a key with at least its methods and models may change it",
            reason="KEY_BEYOND_CALLER",
        )


def check_take(caller: Caller, settings: KeySettings) -> None:
    """As ``check_reach``, for a caller about to be told a secret: it then has all that the key has."""
    check_reach(caller, settings)
    try:
        check_grant(caller, settings)
    except PermissionDenied:
        raise PermissionDenied(
            "this key ends later or may make more calls at once than the caller; only a key with at least as much"
            " may be given its secret",
            reason="KEY_BEYOND_CALLER",
        ) from None


def _check_names(caller: Caller, methods: tuple[str, ...], models: tuple[str, ...], path: str) -> None:
    for i, pattern in enumerate(methods or models):
        if not caller.rights.covers(Rights((pattern,) if methods else (), (pattern,) if models else ())):
            raise _beyond(f"{path}[{i}]", "the caller has no such right and cannot give it; name what it has itself")


def _check_not_longer(caller: Caller, expires_at: float | None) -> None:
    if caller.expires_at is not None and (expires_at is None or expires_at > caller.expires_at):
        raise _beyond("key.expire_time", "must be set, and be no later than the caller's own end")


def _check_not_wider(caller: Caller, concurrent_calls: int) -> None:
    most = caller.concurrent_calls
    if most and not 0 < concurrent_calls <= most:
        raise _beyond("key.limits.concurrent_calls", f"must be 1 to {most}, the caller's own limit")


def _beyond(path: str, remedy: str) -> PermissionDenied:
    # The path is in the index of patterns, never the pattern itself: callers may put anything there.
    return PermissionDenied(f"{path}: {remedy}", reason="GRANT_BEYOND_CALLER", fields=(FieldViolation(path, remedy),))
