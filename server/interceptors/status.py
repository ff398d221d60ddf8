"""The only place where errors become gRPC statuses."""

from types import TracebackType

import grpc
from typing_extensions import override

from server.calls import current_call
from server.errors import HubError, MethodUnknown
from server.methods import HEALTH, Context, Continuation, MethodHandler, refuse, wrap
from server.statuses import rich_status, unexpected

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"


class StatusInterceptor(grpc.aio.ServerInterceptor):
    """Ends failed calls with a status that has ErrorInfo and RequestInfo always, and never an exception's text."""

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MethodHandler | None:
        """Wraps the method; a HubError raised by an inner interceptor refuses the call unread."""
        if handler_call_details.method.startswith(HEALTH):
            return await continuation(handler_call_details)
        try:
            method = await continuation(handler_call_details)
            if method is None:
                method = refuse(MethodUnknown(f"no method {handler_call_details.method[:200]!r}; see the .proto files"))
        except HubError as error:
            method = refuse(error)
        except Exception as error:
            method = refuse(unexpected(error))
        return wrap(method, _StatusScope)


class _StatusScope:
    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Cancellation and closed generators are no Exceptions: they pass, as they must.
        if not isinstance(error, Exception) or isinstance(error, grpc.aio.AbortError):
            return
        if not isinstance(error, HubError):
            if self._context.done():  # the client is gone; gRPC raises internals of its own at the next write
                return
            error = unexpected(error)
        # The abort's own traceback keeps this frame alive in a cycle until the collector comes round. What it must
        # not keep is the failed call's frames, which hold the request: 40 MiB of a recording, for example.
        del trace
        error.__traceback__ = None
        await _abort(self._context, error)


async def _abort(context: Context, error: HubError) -> None:
    call = current_call.get()
    call.reason = error.reason
    status = rich_status(error, call.request_id)
    # An abort drops trailers that were set before it, so the timings leave together with the details.
    trailers = ((_DETAILS_KEY, status.SerializeToString()), *call.trailers())
    await context.abort(_CODES[error.code], status.message, trailers)
