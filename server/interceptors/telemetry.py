"""A call's record: its id where it begins, its log line where it ends."""

import re
from asyncio import CancelledError
from collections.abc import Sequence
from random import Random

import grpc

from server.calls import CurrentCall
from server.methods import Context

# What a caller may call its request: it ends up in logs, headers and trailers.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


_SELDOM = ("provider_model", "credential", "attempts", "subject")


class Telemetry:
    """Begins the records of calls."""

    def __init__(self) -> None:
        # Seeded by the system, in the process that serves. An id must be like no other; nothing rests on its not
        # being guessed, and asking the system for each took 5 microseconds.
        self._random = Random()  # noqa: S311

    def begin(self, method: str, metadata: Sequence[tuple[str, str | bytes]]) -> CurrentCall:
        """The record of a call, with the caller's own id and trace context where it sent sound ones."""
        request_id = traceparent = ""
        for key, value in metadata:
            if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
                request_id = value
            elif key == "traceparent" and isinstance(value, str) and _TRACEPARENT.fullmatch(value):
                traceparent = value
        return CurrentCall(method, request_id or f"{self._random.getrandbits(128):032x}", traceparent)


def ended_with(context: Context, error: BaseException) -> str:
    """Name of the code that a call ended with which ``error`` ended."""
    if isinstance(error, grpc.aio.AbortError):
        code: object = context.code()
        return code.name if isinstance(code, grpc.StatusCode) else str(code)
    remaining = context.time_remaining()
    if remaining is not None and remaining <= 0:
        return "DEADLINE_EXCEEDED"
    return "CANCELLED" if isinstance(error, CancelledError | GeneratorExit) else "UNKNOWN"


def line_of(call: CurrentCall, code: str, seconds: float) -> dict[str, object]:
    """What is logged of a call that took so long; what says nothing is left out."""
    fields: dict[str, object] = {
        "method": call.method,
        "code": code,
        "duration_ms": round(seconds * 1000, 3),
        "request_id": call.request_id,
    }
    if call.caller:
        fields["caller"] = call.caller.id
    if call.reason:
        fields["reason"] = call.reason
    if call.request_model:
        fields["request_model"] = call.request_model
    if call.provider:
        fields["provider"] = call.provider
    if call.response_model:
        fields["response_model"] = call.response_model
    if call.input_tokens:
        fields["input_tokens"] = call.input_tokens
    if call.output_tokens:
        fields["output_tokens"] = call.output_tokens
    if call.traceparent:
        fields["traceparent"] = call.traceparent
    if call.attempts or call.subject:
        fields.update((name, value) for name in _SELDOM if (value := getattr(call, name)))
    return fields
