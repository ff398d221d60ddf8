"""The only place where errors become gRPC statuses."""

import grpc

from server.calls import CurrentCall
from server.errors import HubError
from server.methods import Context
from server.statuses import rich_status, unexpected

_CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"


async def abort(context: Context, call: CurrentCall, error: BaseException) -> None:
    """Ends a failed call with a status that has ErrorInfo and RequestInfo always, and never an exception's text.

    Returns where ``error`` is to rise as it is: a call that was cancelled, or whose end gRPC knows already.
    """
    # Cancellation and closed generators are no Exceptions: they pass, as they must.
    if not isinstance(error, Exception) or isinstance(error, grpc.aio.AbortError):
        return
    if not isinstance(error, HubError):
        if context.done():  # the client is gone; gRPC raises internals of its own at the next write
            return
        error = unexpected(error)
    # The abort's own traceback keeps this frame alive in a cycle until the collector comes round. What it must
    # not keep is the failed call's frames, which hold the request: 40 MiB of a recording, for example.
    error.__traceback__ = None
    call.reason = error.reason
    if error.attempts:
        call.attempts, call.credential = error.attempts, error.credential
        call.provider = error.metadata.get("provider", call.provider)
        call.provider_model = error.metadata.get("model", "")
    status = rich_status(error, call.request_id)
    # An abort drops trailers that were set before it, so the timings leave together with the details.
    trailers = ((_DETAILS_KEY, status.SerializeToString()), *call.trailers())
    await context.abort(_CODES[error.code], status.message, trailers)
