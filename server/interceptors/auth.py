"""Who calls, and whether this method is theirs: decided on metadata, before the message is read."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

import grpc
from typing_extensions import override

from server.calls import current_call
from server.errors import PermissionDenied
from server.identity.caller import Caller
from server.methods import HEALTH, Continuation, MethodHandler

# Every caller may look at the contract and at its own key; KeyService itself guards the keys of others.
_OPEN_TO_ALL_KEYS = (
    "/grpc.reflection.v1.ServerReflection/",
    "/grpc.reflection.v1alpha.ServerReflection/",
    "/aignehub.admin.v1.KeyService/GetKey",
)


class Authenticator(Protocol):
    """Tells a caller from the metadata of a call."""

    async def authenticate(self, metadata: Sequence[tuple[str, str | bytes]]) -> Caller:
        """Raises Unauthenticated with what is wrong, or JwksUnavailable where nobody can tell just now."""


class AuthInterceptor(grpc.aio.ServerInterceptor):
    """Lets a call on only with an identity that has a right to the method; probes need none."""

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> MethodHandler | None:
        """Raises Unauthenticated or PermissionDenied, which the status interceptor turns into a refusal."""
        method = handler_call_details.method
        if method.startswith(HEALTH):
            return await continuation(handler_call_details)
        began = perf_counter()
        call = current_call.get()
        call.caller = await self._authenticator.authenticate(handler_call_details.invocation_metadata or ())
        if not (method.startswith(_OPEN_TO_ALL_KEYS) or call.caller.rights.allows_method(method)):
            raise PermissionDenied(
                f"this key may not call {method[1:]}; ask the operator to add it to the key's allowed_methods",
                metadata={"method": method[1:]},
            )
        call.phases.add("auth", perf_counter() - began)
        return await continuation(handler_call_details)
