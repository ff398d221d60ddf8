"""Who calls, and whether this method is theirs: decided on metadata, before the message is read."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

from server.calls import CurrentCall
from server.errors import PermissionDenied
from server.identity.caller import Caller

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


async def authorize(
    authenticator: Authenticator, call: CurrentCall, metadata: Sequence[tuple[str, str | bytes]]
) -> Caller:
    """The caller, who has a right to the method. Raises PermissionDenied, and as ``authenticate`` does."""
    began = perf_counter()
    call.caller = caller = await authenticator.authenticate(metadata)
    if not (caller.rights.allows_method(call.method) or call.method.startswith(_OPEN_TO_ALL_KEYS)):
        raise PermissionDenied(
            f"this key may not call {call.method[1:]}; ask the operator to add it to the key's allowed_methods",
            metadata={"method": call.method[1:]},
        )
    call.phases.add("auth", perf_counter() - began)
    return caller
