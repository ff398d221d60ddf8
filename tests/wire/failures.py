"""How a provider's failure must reach the caller: by its meaning, not by its number alone.

The rules are the contract's table of causes, codes and reasons; where it names no reason, any is taken.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from tests.wire.neutral import Failure


@dataclass(frozen=True, slots=True)
class _Error:
    """A provider's error in one shape."""

    status: int
    message: str
    words: str
    """Code, type and message together, in lower case."""


_LONGEST = 200


def garbage() -> Failure:
    """A success that cannot be read as an answer."""
    return Failure("INTERNAL", "PROVIDER_BAD_RESPONSE")


def failure_of(status: int, body: bytes) -> Failure:
    """The failure an answer of a status other than success stands for."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        text = body.decode("utf-8", "replace").strip()
        # A web page, or JSON broken off, is nobody's message.
        value = "" if text[:1] in "<{[" else text
    if isinstance(value, dict) and value.get("error"):
        inner = value["error"]
        value = inner if isinstance(inner, dict) else {**value, "message": inner}
    return _judge(_error(status, value))


def in_stream(error: object) -> Failure:
    """The failure an error object stands for that came with status 200; its own number counts, if it has one."""
    fields = error if isinstance(error, dict) else {"message": error}
    numbers = [fields.get(name) for name in ("status_code", "status", "code")]
    status = next((number for number in numbers if isinstance(number, int) and 400 <= number <= 599), 0)
    return _judge(_error(status, fields))


def _error(status: int, value: object) -> _Error:
    fields: Mapping[str, Any] = value if isinstance(value, dict) else {"message": value}
    if isinstance(value, str):
        return _Error(status, value[:_LONGEST], value.lower())
    message = next((fields[name] for name in ("message", "detail") if isinstance(fields.get(name), str)), "")
    words = " ".join(str(fields.get(name) or "") for name in ("code", "type", "message", "detail"))
    return _Error(status, message, words.lower())


def _says(*phrases: str) -> Callable[[_Error], bool]:
    return lambda error: any(phrase in error.words for phrase in phrases)


def _has(*statuses: int) -> Callable[[_Error], bool]:
    return lambda error: error.status in statuses


# The first rule that holds decides. Meaning comes before numbers: providers send a bad key or an unknown model as 400.
_RULES: tuple[tuple[Callable[[_Error], bool], str, str], ...] = (
    (
        _says("invalid api key", "incorrect api key", "invalid_api_key", "api key not valid", "authentication_error"),
        "UNAVAILABLE",
        "PROVIDER_CREDENTIAL_INVALID",
    ),
    (_has(401), "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
    (_says("insufficient_quota", "insufficient balance"), "RESOURCE_EXHAUSTED", "PROVIDER_QUOTA_EXCEEDED"),
    (_has(402), "RESOURCE_EXHAUSTED", "PROVIDER_QUOTA_EXCEEDED"),
    (
        _says("context_length", "context length", "maximum context", "prompt is too long", "prompt too long"),
        "INVALID_ARGUMENT",
        "CONTEXT_LENGTH_EXCEEDED",
    ),
    (_says("content_filter", "content_policy"), "FAILED_PRECONDITION", "CONTENT_FILTERED"),
    (_says("model_not_found", "deploymentnotfound", "unknown_model"), "NOT_FOUND", "MODEL_NOT_FOUND"),
    (_has(429), "RESOURCE_EXHAUSTED", "PROVIDER_RATE_LIMITED"),
    (_has(403), "UNAVAILABLE", "PROVIDER_CREDENTIAL_INVALID"),
    (_has(404), "NOT_FOUND", ""),
    (_has(408, 504), "DEADLINE_EXCEEDED", "PROVIDER_TIMEOUT"),
    (lambda error: 400 <= error.status < 500, "INVALID_ARGUMENT", ""),
    (lambda error: True, "UNAVAILABLE", ""),
)


def _judge(error: _Error) -> Failure:
    code, reason = next((code, reason) for holds, code, reason in _RULES if holds(error))
    # A refused credential's message may quote the credential, so the contract does not pass it on.
    told = "" if reason == "PROVIDER_CREDENTIAL_INVALID" else error.message
    return Failure(code, reason, told)
