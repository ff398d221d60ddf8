"""What every call passes through, in one interceptor: each of grpc.aio's own costs a call of every call.

telemetry → status → auth → admission, one file each; here is their order.
"""

from collections.abc import Callable

import grpc
from typing_extensions import override

from server.calls import CurrentCall, current_call
from server.errors import HubError, MethodUnknown, PermissionDenied
from server.interceptors.admission import Slots
from server.interceptors.auth import Authenticator, authorize
from server.interceptors.status import abort
from server.interceptors.telemetry import Telemetry, ended_with
from server.methods import HEALTH, Context, Continuation, MethodHandler, Scope, Surround, surrounded, unread
from server.statuses import unexpected

Tell = Callable[[CurrentCall, str], None]
"""Logs a call with the name of the code it ended with."""

# Cheap, and asked most when the hub is busiest.
_UNLIMITED = "/aignehub.v1.HealthService/"


class EntryInterceptor(grpc.aio.ServerInterceptor):
    """Lets a call on with an identity, a right to its method and a free slot, and tells how it ended.

    Methods are asked for once each and kept with their scope: all of them are there before the server starts.
    """

    def __init__(self, authenticator: Authenticator, slots: Slots, tell: Tell) -> None:
        self._authenticator = authenticator
        self._begin = Telemetry().begin
        self._slots = slots
        self._limited: Surround = lambda context: CallScope(context, tell, slots)
        self._unlimited: Surround = lambda context: CallScope(context, tell, None)
        self._refusal = unread(lambda context: CallScope(context, tell, None).refused())
        self._known: dict[str, MethodHandler] = {}

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MethodHandler | None:
        """Sets ``current_call`` for everything further in; a refusal is a method that raises unread."""
        name = handler_call_details.method
        if name.startswith(HEALTH):
            return await continuation(handler_call_details)
        metadata = handler_call_details.invocation_metadata or ()
        call = self._begin(name, metadata)
        current_call.set(call)
        try:
            caller = await authorize(self._authenticator, call, metadata)
            # Looked at here and taken inside: a call that dies before its method runs must not keep a slot.
            if not name.startswith(_UNLIMITED):
                self._slots.check(caller)
            return self._known.get(name) or await self._look_up(continuation, handler_call_details)
        except PermissionDenied as error:
            # Nobody can be given a right to what is not there.
            there = name in self._known or await continuation(handler_call_details) is not None
            call.refusal = error if there else _unknown(name)
        except HubError as error:
            call.refusal = error
        except Exception as error:
            call.refusal = unexpected(error)
        return self._refusal

    async def _look_up(self, continuation: Continuation, details: grpc.HandlerCallDetails) -> MethodHandler:
        method = await continuation(details)
        if method is None:
            raise _unknown(details.method)
        surround = self._unlimited if details.method.startswith(_UNLIMITED) else self._limited
        self._known[details.method] = surrounded(method, surround)
        return self._known[details.method]


def _unknown(method: str) -> MethodUnknown:
    return MethodUnknown(f"no method {method[:200]!r}; see the .proto files")


class CallScope(Scope):
    """One call from its slot to its log line; ``slots`` is None where it takes none."""

    __slots__ = ("_call", "_context", "_slots", "_taken", "_tell")

    def __init__(self, context: Context, tell: Tell, slots: Slots | None) -> None:
        self._context = context
        self._call = current_call.get()
        self._tell = tell
        self._slots = slots
        self._taken = False

    @override
    def begin(self) -> None:
        """Raises what ``Slots.take`` does."""
        if self._slots is not None:
            self._slots.take(self._call.known_caller)
            self._taken = True

    @override
    def done(self) -> None:
        """Sends the trailers, tells of the call."""
        self._give_back()
        self._context.set_trailing_metadata(self._call.trailers())
        self._tell(self._call, "OK")

    @override
    async def failed(self, error: BaseException) -> None:
        """Ends the call with the status of ``error``, tells of it either way."""
        self._give_back()
        ended: BaseException = error
        try:
            await abort(self._context, self._call, error)
        except BaseException as raised:
            ended = raised
            raise
        finally:
            self._tell(self._call, ended_with(self._context, ended))

    def _give_back(self) -> None:
        if self._taken and self._slots is not None:
            self._taken = False
            self._slots.give_back(self._call.known_caller)

    async def refused(self) -> None:
        """Ends a call that was not let on."""
        assert self._call.refusal is not None, "only what was refused ends so"  # noqa: S101 - a programming error
        await self.failed(self._call.refusal)
