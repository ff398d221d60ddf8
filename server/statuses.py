"""An error as a google.rpc.Status: for a call that ends with one, and for a part of a stream that goes on."""

import sys
import traceback

import structlog
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status

from server.calls import current_call
from server.errors import DOMAIN, HubError, Internal

# All trailing metadata of a call must stay below 8 kB, gRPC's soft limit; base64 adds a third to the details, and
# the message travels once more in percent-encoding.
_MAX_DETAILS_BYTES = 4096
_MAX_MESSAGE_BYTES = 600

_log = structlog.get_logger("hub")


def unexpected(error: Exception) -> Internal:
    """The fixed error for a fault of the hub; where it happened goes to the log, its text nowhere."""
    frames = traceback.extract_tb(sys.exc_info()[2] or error.__traceback__)
    call = current_call.get()
    _log.error(
        "internal error",
        exception=type(error).__qualname__,
        frames=[f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-12:]],
        request_id=call.request_id,
        method=call.method,
    )
    return Internal("internal error of the hub; tell its operator the request id")


def reason_of(error: HubError) -> Status:
    """The status with why alone, for telling of a failure that is not the call's own."""
    status = Status(code=error.code, message=_shortened(error.message, _MAX_MESSAGE_BYTES))
    metadata = {name: _shortened(str(value), 256) for name, value in error.metadata.items()}
    _pack(status, details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(max(0, int(error.retry_after * 1000)))
        _pack(status, details.RetryInfo(retry_delay=delay))
    return status


def rich_status(error: HubError, request_id: str) -> Status:
    """The status with its details, at most 4 KiB: the least needed details are left out first."""
    message = _shortened(error.message, _MAX_MESSAGE_BYTES)
    status = Status(code=error.code, message=message)
    for detail in _details(error, request_id):
        _pack(status, detail)
        if status.ByteSize() > _MAX_DETAILS_BYTES:
            del status.details[-1]
    return status


def _pack(status: Status, detail: Message) -> None:
    """As ``Any.Pack`` does it, which takes three times as long."""
    status.details.add(type_url=f"type.googleapis.com/{detail.DESCRIPTOR.full_name}", value=detail.SerializeToString())


def _details(error: HubError, request_id: str) -> list[Message]:
    """Most needed first."""
    metadata = {name: _shortened(str(value), 256) for name, value in error.metadata.items()}
    found: list[Message] = [
        details.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata | {"requestId": request_id}),
        details.RequestInfo(request_id=request_id),
    ]
    if error.retry_after is not None:
        delay = Duration()
        delay.FromMilliseconds(max(0, int(error.retry_after * 1000)))
        found.append(details.RetryInfo(retry_delay=delay))
    if error.quota:
        violations = [details.QuotaFailure.Violation(subject=q.subject, description=q.description) for q in error.quota]
        found.append(details.QuotaFailure(violations=violations))
    if error.links:
        found.append(details.Help(links=[details.Help.Link(description=text, url=url) for text, url in error.links]))
    if error.fields:
        found.append(_bad_request(error))
    return found


def _bad_request(error: HubError) -> details.BadRequest:
    answer = details.BadRequest()
    for violation in error.fields:
        entry = answer.field_violations.add(
            field=_shortened(violation.field, 256),
            description=_shortened(violation.description, 300),
            reason=violation.reason,
        )
        if answer.ByteSize() > _MAX_DETAILS_BYTES // 2:
            answer.field_violations.remove(entry)
            break
    return answer


def _shortened(text: str, most: int) -> str:
    if len(text) <= most and text.isascii() and text.isprintable():
        return text
    # A lone surrogate cannot be UTF-8, and a control character has no place in a header.
    clean = "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text[: most + 1])
    raw = clean.encode("utf-8", "replace")
    return clean if len(raw) <= most else raw[: most - 3].decode("utf-8", "ignore") + "..."
