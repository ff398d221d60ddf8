"""One structured log line a call, its id, and where its time went."""

import re
from asyncio import CancelledError
from secrets import token_hex
from types import TracebackType

import grpc
import structlog
from typing_extensions import override

from server.calls import CurrentCall, current_call
from server.methods import HEALTH, Context, Continuation, MethodHandler, wrap

# What a caller may call its request: it ends up in logs, headers and trailers.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
# https://www.w3.org/TR/trace-context/#traceparent-header
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

_log = structlog.get_logger("hub")


class TelemetryInterceptor(grpc.aio.ServerInterceptor):
    """Outermost: begins the call's record, and tells how the call ended."""

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MethodHandler | None:
        """Sets ``current_call`` for everything further in."""
        if handler_call_details.method.startswith(HEALTH):
            return await continuation(handler_call_details)
        current_call.set(_begin(handler_call_details))
        method = await continuation(handler_call_details)
        return method and wrap(method, _TelemetryScope)


def _begin(details: grpc.HandlerCallDetails) -> CurrentCall:
    request_id = traceparent = ""
    for key, value in details.invocation_metadata or ():
        if key == "x-request-id" and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            request_id = value
        elif key == "traceparent" and isinstance(value, str) and _TRACEPARENT.fullmatch(value):
            traceparent = value
    return CurrentCall(details.method, request_id or token_hex(16), traceparent)


class _TelemetryScope:
    __slots__ = ("_call", "_context")

    def __init__(self, context: Context) -> None:
        self._context = context
        self._call = current_call.get()

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._context.set_trailing_metadata(self._call.trailers())
        _log_line(self._call, self._ended(error))

    def _ended(self, error: BaseException | None) -> str:
        if error is None:
            return "OK"
        if isinstance(error, grpc.aio.AbortError):
            return _code_name(self._context.code())
        remaining = self._context.time_remaining()
        if remaining is not None and remaining <= 0:
            return "DEADLINE_EXCEEDED"
        return "CANCELLED" if isinstance(error, CancelledError | GeneratorExit) else "UNKNOWN"


def _code_name(code: object) -> str:
    return code.name if isinstance(code, grpc.StatusCode) else str(code)


def _log_line(call: CurrentCall, code: str) -> None:
    fields: dict[str, object] = {
        "method": call.method,
        "code": code,
        "duration_ms": round(call.phases.total() * 1000, 3),
        "request_id": call.request_id,
    }
    if call.caller:
        fields["caller"] = call.caller.id
    optional = {
        "reason": call.reason,
        "request_model": call.request_model,
        "provider": call.provider,
        "response_model": call.response_model,
        "input_tokens": call.input_tokens,
        "output_tokens": call.output_tokens,
        "traceparent": call.traceparent,
    }
    fields.update((name, value) for name, value in optional.items() if value)
    _log.info("call", **fields)
