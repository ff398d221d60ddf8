"""Whose failure it was, and that no answer tells the secret it was asked with."""

from server.backends.base import Call
from server.errors import FieldViolation, HubError, QuotaViolation

_SHORTEST_SECRET = 8  # what is shorter is a placeholder such as "none", and would blot out half the message
_LONGEST_ECHO = 256 * 1024  # what is longer holds media or vectors, and is not searched
_REDACTED = "[redacted]"


def attributed(error: HubError, provider: str, call: Call) -> HubError:
    """``error`` itself, with ``provider`` and ``model`` in its metadata and the call's secret gone from its texts."""
    error.metadata.setdefault("provider", provider)
    error.metadata.setdefault("model", call.model)
    if len(call.credential.secret) >= _SHORTEST_SECRET:
        _redact(error, call.credential.secret)
    return error


def secret_of(call: Call) -> bytes:
    """What no answer may tell; empty where the credential is too short to be a secret."""
    secret = call.credential.secret
    return secret.encode() if len(secret) >= _SHORTEST_SECRET else b""


def without_secret(answer: bytes, secret: bytes) -> bytes:
    """``answer`` without ``secret``: a proxy or a test server between may echo headers in what it says."""
    if secret and len(answer) <= _LONGEST_ECHO and secret in answer:
        return answer.replace(secret, _REDACTED.encode())
    return answer


def _redact(error: HubError, secret: str) -> None:
    def clean(text: str) -> str:
        return text.replace(secret, _REDACTED)

    error.message = clean(error.message)
    error.args = (error.message,)
    error.metadata = {key: clean(value) for key, value in error.metadata.items()}
    error.fields = tuple(FieldViolation(one.field, clean(one.description), one.reason) for one in error.fields)
    error.quota = tuple(QuotaViolation(one.subject, clean(one.description)) for one in error.quota)
    error.links = tuple((clean(text), clean(url)) for text, url in error.links)
