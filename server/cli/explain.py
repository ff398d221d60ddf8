"""A gRPC status in one line: what happened, the reason, the remedy."""

from typing import TypeVar

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from server.cli.connection import Target
from server.cli.duration import spoken_duration
from server.cli.terminal import one_line

_DetailT = TypeVar("_DetailT", bound=Message)

_DETAILS = "grpc-status-details-bin"

_NO_HUB = "start one with `make run` or `hub serve --dev`, or name another with --address (HUB_ADDRESS)"
# What gRPC says of a connection that failed is for the eyes of its authors; these are the causes that a person
# can mend, by words that stand in the text (grpcio 1.85).
_CONNECTION_TROUBLE = (
    ("Connection refused", "no hub answers at {}", _NO_HUB),
    ("No such file or directory", "no hub listens at {}", _NO_HUB),
    ("DNS resolution failed", "the name in {} cannot be resolved", "check the address"),
    ("name resolution", "the name in {} cannot be resolved", "check the address"),
    (
        "CERTIFICATE_VERIFY_FAILED",
        "the certificate of {} is not trusted",
        "name its authority with --ca-file, and use the host name that the certificate was made for",
    ),
    ("Ssl handshake failed", "{} does not speak TLS as asked", "leave out --tls (HUB_TLS) if it listens in plaintext"),
    ("WRONG_VERSION_NUMBER", "{} does not speak TLS", "leave out --tls (HUB_TLS)"),
    ("Socket closed", "{} closed the connection", "if it wants TLS, add --tls (HUB_TLS=1); else look at its log"),
    (
        "Hostname Verification Check failed",
        "the certificate of {} is for another name",
        "use the host name that the certificate was made for",
    ),
)


def explain_call(error: grpc.aio.AioRpcError, target: Target) -> str:
    """The line of a call that failed, without ``error:``."""
    status = _rich_status(error)
    if status is None and error.code() is grpc.StatusCode.UNAVAILABLE:
        return _explain_connection(error.details() or "", target.address.target)
    if status is None:
        status = status_pb2.Status(code=error.code().value[0], message=error.details() or "")
    line = explain_status(status)
    if error.code() is grpc.StatusCode.UNAUTHENTICATED:
        line += "; " + _about_key(target)
    return line


def explain_status(status: status_pb2.Status) -> str:
    """The line of a status: message (REASON); wrong fields; limits; when to try again; links; request id."""
    info = _detail(status, error_details_pb2.ErrorInfo())
    reason = info.reason if info else _code_name(status.code)
    message = one_line(status.message)
    parts = [f"{message or 'the call failed'} ({one_line(reason)})"]
    if wrong := _detail(status, error_details_pb2.BadRequest()):
        parts += [f"{v.field}: {v.description}" for v in wrong.field_violations if v.description not in message]
    if quota := _detail(status, error_details_pb2.QuotaFailure()):
        parts += [v.description for v in quota.violations if v.description not in message]
    if retry := _detail(status, error_details_pb2.RetryInfo()):
        parts.append(f"try again in {spoken_duration(retry.retry_delay.ToTimedelta().total_seconds())}")
    if links := _detail(status, error_details_pb2.Help()):
        parts += [f"{link.description}: {link.url}".strip(": ") for link in links.links]
    if request := _detail(status, error_details_pb2.RequestInfo()):
        parts.append(f"request {request.request_id}")
    return "; ".join(one_line(part) for part in parts)


def _explain_connection(text: str, address: str) -> str:
    for mark, what, remedy in _CONNECTION_TROUBLE:
        if mark in text:
            return f"{what.format(address)} (UNAVAILABLE); {remedy}"
    return f"cannot talk to the hub at {address}: {one_line(text) or 'no reason given'} (UNAVAILABLE); {_NO_HUB}"


def _about_key(target: Target) -> str:
    if target.key is None:
        return "no key was sent: set HUB_API_KEY or name a file with --key-file"
    return f"the key came from {target.key.source}"


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for name, value in error.trailing_metadata() or ():
        if name == _DETAILS and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _detail(status: status_pb2.Status, empty: _DetailT) -> _DetailT | None:
    return next((empty for packed in status.details if _unpack(packed, empty)), None)


def _unpack(packed: Any, into: Message) -> bool:
    try:
        return packed.Unpack(into)
    except DecodeError:
        return False


def _code_name(number: int) -> str:
    value = code_pb2.Code.DESCRIPTOR.values_by_number.get(number)
    return str(value.name) if value else f"code {number}"
